package gvisor.sentry.fs.mqueue;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FilesystemType;
import gvisor.sentry.vfs.Superblock;

/** The mqueue file system: the message queues of the caller's IPC namespace as files. */
public final class MqueueType implements FilesystemType {
  private final Kernel kernel;

  public MqueueType(Kernel kernel) {
    this.kernel = kernel;
  }

  @Override
  public String name() {
    return "mqueue";
  }

  @Override
  public Superblock mount(Caller caller, String source, String options) throws ErrnoException {
    if (!options.isEmpty()) {
      throw EINVAL.error();
    }
    Mqueues queues = caller instanceof Task t ? Mqueues.of(t) : null;
    return new MqueueSuperblock(kernel, kernel.deviceNumbers().anonymous(), queues);
  }
}
