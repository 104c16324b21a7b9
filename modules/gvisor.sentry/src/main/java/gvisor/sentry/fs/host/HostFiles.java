package gvisor.sentry.fs.host;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Mount;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.StatFs;
import gvisor.sentry.vfs.Superblock;
import java.util.concurrent.atomic.AtomicLong;

/** Where files over host descriptors live: a superblock that is mounted nowhere. One a kernel. Thread-safe. */
public final class HostFiles extends Superblock {
  private static final long ANON_INODE_FS_MAGIC = 0x09041934;

  private static final long NULL_DEVICE = DeviceNumbers.make(1, 3);

  private final AtomicLong nextIno = new AtomicLong(2);
  private final Mount mount;

  /** @param dev a device number of its own */
  public HostFiles(long dev) {
    super(dev);
    this.mount = new Mount(this);
  }

  /**
   * Makes open files of a process' first descriptors. What stands in {@code stdio} more than once is one open file, as
   * after {@code dup}; each result has one reference for each time it is returned.
   *
   * @param stdio 0, 1, 2 and what else is handed on; a null stays null. What is passed is closed with its last open file
   * @param uid whose the files are
   */
  public FileDescription[] open(HostFd[] stdio, int uid, int gid) throws ErrnoException {
    FileDescription[] files = new FileDescription[stdio.length];
    for (int i = 0; i < stdio.length; i++) {
      for (int before = 0; before < i; before++) {
        if (stdio[i] != null && stdio[before] == stdio[i]) {
          files[i] = files[before].acquire();
        }
      }
      if (stdio[i] != null && files[i] == null) {
        files[i] = open(stdio[i], i, uid, gid);
      }
    }
    return files;
  }

  private FileDescription open(HostFd fd, int number, int uid, int gid) throws ErrnoException {
    HostInode inode = new HostInode(this, nextIno.getAndIncrement(), fd, uid, gid);
    int access = OpenFlags.O_RDWR;
    if (number > 2) {
      access = fd.accessMode();
    } else if (inode.isRegular() || inode.type() == Inode.S_IFIFO) {
      access = number == 0 ? OpenFlags.O_RDONLY : OpenFlags.O_WRONLY;
    }
    Dentry dentry = new Dentry(null, text(inode), inode);
    FileDescription file = new FileDescription(new HostFile(inode), new Path(mount, dentry), access);
    file.offset = inode.position();
    return file;
  }

  /** What {@code /proc/self/fd} shows. */
  private static String text(HostInode inode) {
    return switch (inode.type()) {
      case Inode.S_IFIFO -> "pipe:[" + inode.ino() + "]";
      case Inode.S_IFSOCK -> "socket:[" + inode.ino() + "]";
      // The same device by any name, and programs do look whether they read from it.
      default -> inode.rdev() == NULL_DEVICE ? "/dev/null" : "host:[" + inode.ino() + "]";
    };
  }

  @Override
  public String typeName() {
    return "hostfs";
  }

  @Override
  public Inode root() {
    return new HostRoot(this);
  }

  @Override
  public void statfs(StatFs out) {
    out.type = ANON_INODE_FS_MAGIC;
  }
}
