package gvisor.sentry.boot;

import gvisor.sentry.fs.FileSystems;
import gvisor.sentry.fs.cgroup.CgroupType;
import gvisor.sentry.fs.devpts.DevptsType;
import gvisor.sentry.fs.devpts.TerminalDevices;
import gvisor.sentry.fs.mqueue.MqueueType;
import gvisor.sentry.fs.proc.ProcType;
import gvisor.sentry.fs.sys.SysfsType;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.vfs.Vfs;

/** Every file system that {@code mount(2)} can name, and every device: in the order of {@code /proc/filesystems}. */
final class Filesystems {
  private Filesystems() {}

  static void register(Kernel kernel) {
    Vfs vfs = kernel.vfs();
    vfs.register(new SysfsType(kernel));
    FileSystems.register(vfs, kernel.pages(), kernel.host());
    vfs.register(new ProcType(kernel));
    vfs.register(new DevptsType(kernel));
    vfs.register(new CgroupType(kernel, "cgroup"));
    vfs.register(new CgroupType(kernel, "cgroup2"));
    vfs.register(new MqueueType(kernel));
    NetworkFiles.register(kernel);
    TerminalDevices.of(kernel).register(vfs.devices());
  }
}
