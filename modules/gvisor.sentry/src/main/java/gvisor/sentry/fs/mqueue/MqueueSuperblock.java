package gvisor.sentry.fs.mqueue;

import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.StatFs;
import gvisor.sentry.vfs.Superblock;

/** A mount of the queues of a namespace. */
final class MqueueSuperblock extends Superblock {
  private static final long MAGIC = 0x19800202;

  private final MqueueRoot root;

  /** Null until a task looks: a mount made before a container's first task shows that task's queues. */
  private volatile Mqueues queues;

  MqueueSuperblock(Kernel kernel, long dev, Mqueues queues) {
    super(dev);
    this.queues = queues;
    this.root = new MqueueRoot(this, kernel.host().clock().realtimeNanos());
  }

  /** The queues shown here, or null when nobody but the kernel has looked yet. */
  Mqueues queues(Caller caller) {
    Mqueues found = queues;
    if (found == null && caller instanceof Task t) {
      found = Mqueues.of(t);
      queues = found;
    }
    return found;
  }

  @Override
  public String typeName() {
    return "mqueue";
  }

  @Override
  public Inode root() {
    return root;
  }

  @Override
  public void statfs(StatFs out) {
    out.type = MAGIC;
  }
}
