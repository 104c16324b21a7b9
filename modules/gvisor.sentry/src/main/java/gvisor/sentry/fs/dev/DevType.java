package gvisor.sentry.fs.dev;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.tmpfs.TmpfsType;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FilesystemType;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.Superblock;

/**
 * {@code devtmpfs}: a file system in memory that comes with the devices, links and directories a container's {@code
 * /dev} has (OCI runtime specification, "Default Devices" and "Dev symbolic links"). Each mount has nodes of its own.
 */
public final class DevType implements FilesystemType {
  private final TmpfsType memory;

  public DevType(PageAllocator allocator, DeviceNumbers numbers, long memoryBytes) {
    this.memory = new TmpfsType("devtmpfs", allocator, numbers, memoryBytes);
  }

  @Override
  public String name() {
    return "devtmpfs";
  }

  @Override
  public Superblock mount(Caller caller, String source, String options) throws ErrnoException {
    String mode = options.contains("mode=") ? options : options.isEmpty() ? "mode=0755" : options + ",mode=0755";
    Superblock superblock = memory.mount(caller, source, mode);
    Inode root = superblock.root();
    for (MemoryDevice.Kind kind : MemoryDevice.Kind.values()) {
      node(caller, root, kind.name().toLowerCase(java.util.Locale.ROOT), 0666, 1, kind.minor);
    }
    node(caller, root, "tty", 0666, 5, 0);
    node(caller, root, "console", 0620, 5, 1);
    root.symlink(caller, "ptmx", "pts/ptmx");
    root.symlink(caller, "fd", "/proc/self/fd");
    root.symlink(caller, "stdin", "/proc/self/fd/0");
    root.symlink(caller, "stdout", "/proc/self/fd/1");
    root.symlink(caller, "stderr", "/proc/self/fd/2");
    directory(caller, root, "shm", 01777);
    directory(caller, root, "pts", 0755);
    directory(caller, root, "mqueue", 01777);
    return superblock;
  }

  private static void node(Caller caller, Inode root, String name, int mode, int major, int minor)
      throws ErrnoException {
    root.mknod(caller, name, Inode.S_IFCHR | mode, DeviceNumbers.make(major, minor));
  }

  private static void directory(Caller caller, Inode root, String name, int mode) throws ErrnoException {
    SetAttr change = new SetAttr();
    change.valid = SetAttr.MODE;
    change.mode = mode;
    root.mkdir(caller, name, mode).setAttr(caller, change);
  }
}
