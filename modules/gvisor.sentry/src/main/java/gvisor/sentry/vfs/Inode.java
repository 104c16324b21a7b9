package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOTDIR;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A file, directory, link, device or socket of a file system. Each file system extends it; the defaults are what Linux
 * answers when a file system lacks the operation. The path walk has checked permissions, read-only mounts, name length
 * and the sticky bit before it calls; an inode checks what only it can know.
 *
 * <p>Thread-safe: a file system guards its inodes with locks of its own, which are below {@link Dentry} locks and above
 * the memory manager's leaf locks. Operations do not call back into the path walk.
 */
public abstract class Inode {
  public static final int S_IFMT = 0170000;
  public static final int S_IFSOCK = 0140000;
  public static final int S_IFLNK = 0120000;
  public static final int S_IFREG = 0100000;
  public static final int S_IFBLK = 0060000;
  public static final int S_IFDIR = 0040000;
  public static final int S_IFCHR = 0020000;
  public static final int S_IFIFO = 0010000;

  private static final VarHandle ATTACHMENT;
  private static final VarHandle WRITERS;

  static {
    try {
      ATTACHMENT = MethodHandles.lookup().findVarHandle(Inode.class, "attachment", Object.class);
      WRITERS = MethodHandles.lookup().findVarHandle(Inode.class, "writers", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Superblock superblock;
  private volatile Object attachment;

  /** Open files that write, or, negative, that are being executed: never both. */
  private volatile int writers;

  private volatile FileLocks locks;
  private volatile InodeWatches watches;

  protected Inode(Superblock superblock) {
    this.superblock = superblock;
  }

  public final Superblock superblock() {
    return superblock;
  }

  /** Inode number: unique within the superblock as long as the file lives. */
  public abstract long ino();

  /** Type and permission bits, now. */
  public abstract int mode();

  public abstract int uid();

  public abstract int gid();

  /** Fills every field of {@code out}. */
  public abstract void stat(StatBuf out) throws ErrnoException;

  /** Changes attributes; SIZE truncates or extends. ctime is set by the file system. */
  public abstract void setAttr(Caller caller, SetAttr change) throws ErrnoException;

  /** The type bits of {@link #mode}. */
  public final int type() {
    return mode() & S_IFMT;
  }

  public final boolean isDirectory() {
    return type() == S_IFDIR;
  }

  public final boolean isRegular() {
    return type() == S_IFREG;
  }

  public final boolean isSymlink() {
    return type() == S_IFLNK;
  }

  /**
   * Whether {@code caller} may access it ({@link Permissions} MAY_* bits): EACCES otherwise. Mode bits and
   * capabilities, unless a file system knows better.
   */
  public void checkPermission(Caller caller, int mask) throws ErrnoException {
    if (!Permissions.allows(caller.creds(), this, mask)) {
      throw EACCES.error();
    }
  }

  /** Its content was read through a mount that keeps access times: sets atime, by the rules of relatime. */
  public void accessed(Caller caller) {}

  /** A descriptor made with O_PATH holds it: a file without a name lives on, for it can be opened again. */
  public void pin() {}

  /** Undoes {@link #pin}. */
  public void unpin() {}

  /**
   * Counts one more open file that writes: false, and nothing counted, while the file is being executed. Like Linux
   * {@code i_writecount}.
   */
  final boolean beginWriting() {
    return count(1);
  }

  final void endWriting() {
    WRITERS.getAndAdd(this, -1);
  }

  /** Counts one more open file from which a program runs: false, and nothing counted, while somebody writes to it. */
  final boolean beginExecuting() {
    return count(-1);
  }

  final void endExecuting() {
    WRITERS.getAndAdd(this, 1);
  }

  private boolean count(int by) {
    while (true) {
      int now = writers;
      if (by > 0 ? now < 0 : now > 0) {
        return false;
      }
      if (WRITERS.compareAndSet(this, now, now + by)) {
        return true;
      }
    }
  }

  /**
   * What lives as long as the inode and belongs to no file system: the pipe of an open fifo, a bound socket. It lasts
   * while somebody holds the inode's dentry ({@link Path}), so whoever attaches keeps the path.
   */
  public final Object attachment() {
    return attachment;
  }

  /** Attaches {@code fresh} in place of {@code expected} (null: nothing); what is attached afterwards. */
  public final Object attach(Object expected, Object fresh) {
    Object before = ATTACHMENT.compareAndExchange(this, expected, fresh);
    return before == expected ? fresh : before;
  }

  /** The locks on the file, made when {@code make} says so; otherwise null when there never was one. */
  final FileLocks locks(boolean make) {
    if (locks == null && make) {
      synchronized (this) {
        if (locks == null) {
          locks = new FileLocks(this);
        }
      }
    }
    return locks;
  }

  /** Who watches it with inotify, made when {@code make} says so; otherwise null when nobody ever did. */
  final InodeWatches watches(boolean make) {
    if (watches == null && make) {
      synchronized (this) {
        if (watches == null) {
          watches = new InodeWatches();
        }
      }
    }
    return watches;
  }

  // ---- directories ----

  /** The entry called {@code name}, or null when there is none. Never "." or "..". */
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    throw ENOTDIR.error();
  }

  /**
   * Whether a dentry that says {@code child} (null: nothing) is called {@code name} here is still true. File systems
   * whose names come and go by themselves (proc, shared gofer mounts) override it.
   */
  public boolean revalidate(String name, Inode child) throws ErrnoException {
    return true;
  }

  /** Whether lookups may be kept in the dentry tree, hits and misses alike. */
  public boolean cachesLookups() {
    return true;
  }

  /** Makes a regular file; the owner is the caller, {@code mode} has the umask taken off. EEXIST when it is there. */
  public Inode create(Caller caller, String name, int mode) throws ErrnoException {
    throw EPERM.error();
  }

  public Inode mkdir(Caller caller, String name, int mode) throws ErrnoException {
    throw EPERM.error();
  }

  /** Makes a device, fifo or socket node; {@code mode} has the type. */
  public Inode mknod(Caller caller, String name, int mode, long rdev) throws ErrnoException {
    throw EPERM.error();
  }

  /** Makes the node of a socket of {@code socketType} that is being bound; {@code permissions} after the umask. */
  public BoundSocket.Node bindSocket(Caller caller, String name, int permissions, int socketType)
      throws ErrnoException {
    return new BoundSocket.Node(mknod(caller, name, S_IFSOCK | permissions, 0), null);
  }

  public Inode symlink(Caller caller, String name, String target) throws ErrnoException {
    throw EPERM.error();
  }

  /** One more name for {@code target}, of the same superblock. */
  public void link(Caller caller, String name, Inode target) throws ErrnoException {
    throw EPERM.error();
  }

  /** Makes a file without a name (O_TMPFILE) that {@link #link} can name later. */
  public Inode tmpfile(Caller caller, int mode) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /** Takes away the name of {@code child}, which is not a directory. The file lives on while it is open. */
  public void unlink(Caller caller, String name, Inode child) throws ErrnoException {
    throw EPERM.error();
  }

  /** Takes away the empty directory {@code child}: ENOTEMPTY otherwise. */
  public void rmdir(Caller caller, String name, Inode child) throws ErrnoException {
    throw EPERM.error();
  }

  /**
   * Moves {@code child} from here to {@code newName} in {@code newDir}, of the same superblock, replacing
   * {@code replaced} if that is not null. Types and loops have been checked.
   *
   * @param flags RENAME_NOREPLACE (checked), RENAME_EXCHANGE ({@code replaced} takes the old name), RENAME_WHITEOUT
   */
  public void rename(Caller caller, String oldName, Inode child, Inode newDir, String newName, Inode replaced,
      int flags) throws ErrnoException {
    throw EPERM.error();
  }

  // ---- links ----

  /** The target of a symbolic link. */
  public String readlink(Caller caller) throws ErrnoException {
    throw EINVAL.error();
  }

  /** Where a magic link ({@code /proc/self/fd/3}) leads, or null for a link that is followed by its text. */
  public Path magicTarget(Caller caller) throws ErrnoException {
    return null;
  }

  // ---- open files ----

  /**
   * What an open file of this inode does. Fifos, devices and sockets are opened by the path walk itself.
   *
   * @param flags O_* of {@code open(2)}; O_TRUNC has been done
   */
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /** What an open file of this fifo does if it is one of the host's; null if it is one of this kernel. */
  public FileOps openHostFifo(int flags) throws ErrnoException {
    return null;
  }

  /**
   * A socket of the host, the caller's own, connected to the one of the host that this is the name of.
   *
   * @throws ErrnoException ECONNREFUSED when there is none, or none that may be reached; EAGAIN when there is no room
   *     for one more connection; EPROTOTYPE
   */
  public HostFd connectSocket(int socketType) throws ErrnoException {
    throw ECONNREFUSED.error();
  }

  /**
   * Whether {@link #open} opens it whatever its type is: a file over a host descriptor is what the host says, and no
   * fifo or device of this kernel.
   */
  public boolean opensItself() {
    return false;
  }

  // ---- extended attributes: man 7 xattr ----

  /** The value, or null when there is none of that name. */
  public byte[] getXattr(Caller caller, String name) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /** @param flags XATTR_CREATE or XATTR_REPLACE */
  public void setXattr(Caller caller, String name, byte[] value, int flags) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /** The names. */
  public String[] listXattr(Caller caller) throws ErrnoException {
    return new String[0];
  }

  /** ENODATA when there is none of that name. */
  public void removeXattr(Caller caller, String name) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }
}
