package gvisor.sentry.boot;

import gvisor.sentry.fs.cgroup.CgroupType;
import gvisor.sentry.fs.devpts.DevptsType;
import gvisor.sentry.fs.devpts.TerminalDevices;
import gvisor.sentry.fs.proc.ProcType;
import gvisor.sentry.fs.sys.SysfsType;
import gvisor.sentry.fs.tmpfs.TmpfsType;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.vfs.Vfs;

/** Every file system that {@code mount(2)} can name, and every device: in the order of {@code /proc/filesystems}. */
final class Filesystems {
  private Filesystems() {}

  static void register(Kernel kernel) {
    Vfs vfs = kernel.vfs();
    long memory = kernel.host().memoryBytes();
    vfs.register(new SysfsType(kernel));
    vfs.register(new TmpfsType("tmpfs", kernel.pages(), kernel.deviceNumbers(), memory));
    vfs.register(new TmpfsType("ramfs", kernel.pages(), kernel.deviceNumbers(), memory));
    vfs.register(new TmpfsType("devtmpfs", kernel.pages(), kernel.deviceNumbers(), memory));
    vfs.register(new ProcType(kernel));
    vfs.register(new DevptsType(kernel));
    vfs.register(new CgroupType(kernel, "cgroup"));
    vfs.register(new CgroupType(kernel, "cgroup2"));
    TerminalDevices.of(kernel).register(vfs.devices());
  }
}
