package gvisor.sentry.fs.sys;

import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.Container;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FilesystemType;
import gvisor.sentry.vfs.Superblock;

/** The sysfs file system. */
public final class SysfsType implements FilesystemType {
  private static final long MAGIC = 0x62656572;

  private final Kernel kernel;

  public SysfsType(Kernel kernel) {
    this.kernel = kernel;
  }

  @Override
  public String name() {
    return "sysfs";
  }

  @Override
  public Superblock mount(Caller caller, String source, String options) {
    return mount(caller instanceof Task t ? t.container() : null);
  }

  /** Mounts what {@code container} sees of the machine; all of it for null. */
  public Superblock mount(Container container) {
    KernSuperblock superblock = new KernSuperblock(
        kernel.deviceNumbers().anonymous(), "sysfs", MAGIC, kernel.host().clock().realtimeNanos());
    superblock.setRoot(new SysTree(kernel, container, superblock).build());
    return superblock;
  }
}
