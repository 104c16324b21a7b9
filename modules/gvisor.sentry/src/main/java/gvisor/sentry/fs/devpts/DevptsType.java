package gvisor.sentry.fs.devpts;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FilesystemType;
import gvisor.sentry.vfs.Superblock;

/** The devpts file system. Every mount is an instance of its own, as since Linux 4.7. */
public final class DevptsType implements FilesystemType {
  private final Kernel kernel;

  public DevptsType(Kernel kernel) {
    this.kernel = kernel;
  }

  @Override
  public String name() {
    return "devpts";
  }

  @Override
  public Superblock mount(Caller caller, String source, String options) throws ErrnoException {
    return new DevptsSuperblock(TerminalDevices.of(kernel), kernel.deviceNumbers().anonymous(),
        DevptsSuperblock.Options.parse(options), caller.realtimeNanos());
  }
}
