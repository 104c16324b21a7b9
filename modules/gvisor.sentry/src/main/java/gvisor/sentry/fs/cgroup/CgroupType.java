package gvisor.sentry.fs.cgroup;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernInode;
import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.Container;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FilesystemType;
import gvisor.sentry.vfs.Superblock;

/**
 * Control groups, version 2: every container is the root of its own cgroup namespace and sees its one group. A mount of
 * version 1 shows the same: OCI bundles ask for it by its old name.
 */
public final class CgroupType implements FilesystemType {
  private static final long MAGIC_V2 = 0x63677270;

  private final Kernel kernel;
  private final String name;

  /** @param name {@code cgroup} or {@code cgroup2} */
  public CgroupType(Kernel kernel, String name) {
    this.kernel = kernel;
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Superblock mount(Caller caller, String source, String options) throws ErrnoException {
    if (!(caller instanceof Task task)) {
      throw EINVAL.error();
    }
    return mount(task.container(), task.pidNamespace());
  }

  /** Mounts the group of {@code container}; its processes are shown by their numbers in {@code pids}. */
  public Superblock mount(Container container, PidNamespace pids) {
    KernSuperblock superblock = new KernSuperblock(
        kernel.deviceNumbers().anonymous(), "cgroup2", MAGIC_V2, kernel.host().clock().realtimeNanos());
    superblock.setRoot(new CgroupTree(kernel, container, pids).build(superblock, KernInode.ROOT_INO));
    return superblock;
  }
}
