package gvisor.host;

import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.ENAMETOOLONG;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOTDIR;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.host.libc.FileSys.*;
import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import gvisor.api.abi.Stat;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A file of the host, of any type, held by an O_PATH descriptor: it can be looked at and be named from, but is not open.
 * A child is reached by one name at a time with RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS and O_NOFOLLOW, so no path leads
 * out of the tree, and no symbolic link is ever followed.
 *
 * <p>Names are native memory ending in a zero byte, without a slash; the caller has checked that. Not thread-safe.
 */
public final class HostFile implements AutoCloseable {
  /** Bytes of {@code struct statfs}. */
  public static final int STATFS_SIZE = 120;

  /** Bytes of {@code struct sockaddr_un}. */
  private static final int SOCKADDR_UN = 110;

  /** The empty path, with AT_EMPTY_PATH the descriptor itself; and at 2, the path ".". */
  private static final MemorySegment EMPTY = emptyAndDot();

  /**
   * {@code /proc/self/fd}, through which a descriptor is opened anew; held open so that it works without a /proc to
   * walk to, after the root directory has been changed.
   */
  private static Fd selfFds;

  /** Where that is, for calls that take a path and no directory: {@code connect(2)} and {@code bind(2)}. */
  private static String selfFdsPath;

  /** {@code struct open_how} for a walk. */
  private static final MemorySegment WALK = openHow(O_PATH | O_NOFOLLOW | Sys.O_CLOEXEC, 0);

  /** {@code struct open_how} for the directory itself, to list it. */
  private static final MemorySegment LIST = openHow(O_DIRECTORY | O_NOFOLLOW | Sys.O_CLOEXEC, 0);

  private final Fd fd;
  private final int type;

  private HostFile(Fd fd) throws ErrnoException {
    this.fd = fd;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stat = arena.allocate(Stat.SIZE, 8);
      stat(stat);
      this.type = stat.get(JAVA_INT, Stat.ST_MODE) & Sys.S_IFMT;
    } catch (ErrnoException e) {
      fd.close();
      throw e;
    }
  }

  private HostFile(Fd fd, int type) {
    this.fd = fd;
    this.type = type;
  }

  /**
   * The directory of this process's own descriptors is at {@code path}; before any other use of this class, where it is
   * not {@code /proc/self/fd}.
   */
  public static synchronized void findDescriptorsAt(String path) throws ErrnoException {
    selfFds = Fd.open(path, O_PATH | O_DIRECTORY, 0);
    selfFdsPath = path;
  }

  /** The descriptor by which that directory is held. */
  public static int descriptorsNumber() throws ErrnoException {
    return selfFds().number();
  }

  /** The file at {@code path}, symbolic links followed: for a place that was configured, never for a peer's name. */
  public static HostFile open(String path) throws ErrnoException {
    return new HostFile(Fd.open(path, O_PATH, 0));
  }

  /** The child called {@code name}, or null when there is none; its attributes go to {@code stat}. */
  public HostFile walk(MemorySegment name, MemorySegment stat) throws ErrnoException {
    if (!isDirectory()) {
      throw ENOTDIR.error();
    }
    long n = Libc.syscall(NR_OPENAT2, fd.number(), name.address(), WALK.address(), WALK.byteSize(), 0, 0);
    if (n < 0) {
      Errno errno = Libc.errno();
      if (errno == ENOENT) {
        return null;
      }
      throw errno.error();
    }
    Fd child = Fd.adopt((int) n);
    try {
      statOf(child, stat);
    } catch (ErrnoException e) {
      child.close();
      throw e;
    }
    return new HostFile(child, stat.get(JAVA_INT, Stat.ST_MODE) & Sys.S_IFMT);
  }

  /** The attributes of the child called {@code name}; false when there is none. */
  public boolean statChild(MemorySegment name, MemorySegment stat) throws ErrnoException {
    if (Libc.syscall(NR_NEWFSTATAT, fd.number(), name.address(), stat.address(), AT_SYMLINK_NOFOLLOW, 0, 0) == 0) {
      return true;
    }
    Errno errno = Libc.errno();
    if (errno == ENOENT) {
      return false;
    }
    throw errno.error();
  }

  /** {@code fstat(2)} into {@link Stat#SIZE} bytes. */
  public void stat(MemorySegment stat) throws ErrnoException {
    statOf(fd, stat);
  }

  /** The type bits of its mode, which never change. */
  public int type() {
    return type;
  }

  public boolean isDirectory() {
    return type == Sys.S_IFDIR;
  }

  public boolean isRegular() {
    return type == Sys.S_IFREG;
  }

  public boolean isSymlink() {
    return type == S_IFLNK;
  }

  /** A second descriptor for the same file. */
  public HostFile duplicate() throws ErrnoException {
    return new HostFile(fd.duplicate(), type);
  }

  /**
   * Opens a regular file for data.
   *
   * @param flags O_RDONLY, O_WRONLY or O_RDWR, and O_TRUNC
   * @throws ErrnoException EISDIR for a directory, EINVAL for what is no regular file: a device, fifo or socket of the
   *     host is never opened
   */
  public Fd openData(int flags) throws ErrnoException {
    if (isDirectory()) {
      throw EISDIR.error();
    }
    if (!isRegular() || (flags & ~(O_ACCMODE | O_TRUNC)) != 0 || (flags & O_ACCMODE) == O_ACCMODE) {
      throw EINVAL.error();
    }
    return reopen(flags);
  }

  /**
   * Opens a fifo, without waiting for its other end; reads and writes of it do not wait either.
   *
   * @param accessMode O_RDONLY, O_WRONLY or O_RDWR
   * @throws ErrnoException EINVAL when it is none; ENXIO for O_WRONLY while nobody reads
   */
  public Fd openFifo(int accessMode) throws ErrnoException {
    if (type != Sys.S_IFIFO || (accessMode & ~O_ACCMODE) != 0 || accessMode == O_ACCMODE) {
      throw EINVAL.error();
    }
    return reopen(accessMode | Sys.O_NONBLOCK);
  }

  /**
   * A new socket that is connected to the one this is the name of. It does not wait.
   *
   * @param socketType SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET
   * @throws ErrnoException ECONNREFUSED when it is none, or nobody listens; EAGAIN when too many wait for who listens;
   *     EPROTOTYPE when it is of another type
   */
  public Fd connect(int socketType) throws ErrnoException {
    if (type != Sys.S_IFSOCK) {
      throw ECONNREFUSED.error();
    }
    Fd socket = newSocket(socketType);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = socketAddress(arena, MemorySegment.NULL);
      while (Libc.connect(socket.number(), address.address(), (int) address.byteSize()) != 0) {
        if (Libc.errno() != EINTR) {
          throw Libc.errno().error();
        }
      }
      return socket;
    } catch (ErrnoException e) {
      socket.close();
      throw e;
    }
  }

  /**
   * A new socket, bound to {@code name} in this directory, which must not be there; without the umask.
   *
   * @throws ErrnoException EADDRINUSE when the name is there; ENAMETOOLONG when it is too long for an address of a socket
   */
  public Fd bindSocket(MemorySegment name, int socketType) throws ErrnoException {
    if (!isDirectory()) {
      throw ENOTDIR.error();
    }
    Fd socket = newSocket(socketType);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = socketAddress(arena, name);
      check(Libc.bind(socket.number(), address.address(), (int) address.byteSize()));
      return socket;
    } catch (ErrnoException e) {
      socket.close();
      throw e;
    }
  }

  private static Fd newSocket(int socketType) throws ErrnoException {
    return Fd.adopt(check(Libc.socket(Sys.AF_UNIX, socketType | Sys.SOCK_CLOEXEC | Sys.O_NONBLOCK, 0)));
  }

  /** {@code struct sockaddr_un} of this file, or of a name in it: through its descriptor, so that no link is followed. */
  private MemorySegment socketAddress(Arena arena, MemorySegment name) throws ErrnoException {
    selfFds();
    byte[] file = (selfFdsPath + "/" + fd.number()).getBytes(StandardCharsets.UTF_8);
    long nameLength = 0;
    while (nameLength < name.byteSize() && name.get(JAVA_BYTE, nameLength) != 0) {
      nameLength++;
    }
    long length = 2 + file.length + (nameLength == 0 ? 0 : 1 + nameLength) + 1;
    if (length > SOCKADDR_UN) {
      throw ENAMETOOLONG.error();
    }
    MemorySegment address = arena.allocate(length, 2);
    address.set(JAVA_SHORT, 0, (short) Sys.AF_UNIX);
    MemorySegment.copy(file, 0, address, JAVA_BYTE, 2, file.length);
    if (nameLength > 0) {
      address.set(JAVA_BYTE, 2L + file.length, (byte) '/');
      MemorySegment.copy(name, 0, address, 3L + file.length, nameLength);
    }
    return address;
  }

  /** Opens a directory for {@link HostDirectory}. */
  Fd openDirectory() throws ErrnoException {
    if (!isDirectory()) {
      throw ENOTDIR.error();
    }
    MemorySegment dot = EMPTY.asSlice(2);
    return Fd.adopt((int) check(Libc.syscall(NR_OPENAT2, fd.number(), dot.address(), LIST.address(), LIST.byteSize(),
        0, 0)));
  }

  /** Makes and opens the regular file {@code name}, which must not be there. */
  public Fd create(MemorySegment name, int accessMode, int mode) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment how = arena.allocate(24, 8);
      fillHow(how, accessMode & O_ACCMODE | O_CREAT | O_EXCL | O_NOFOLLOW | Sys.O_CLOEXEC, mode & 07777);
      return Fd.adopt((int) check(
          Libc.syscall(NR_OPENAT2, fd.number(), name.address(), how.address(), how.byteSize(), 0, 0)));
    }
  }

  /** The file that {@code open} is, as one to name from and look at. */
  public static HostFile of(Fd open) throws ErrnoException {
    return new HostFile(openAgain(open, O_PATH));
  }

  /** {@code mkdirat(2)}. */
  public void mkdir(MemorySegment name, int mode) throws ErrnoException {
    check(Libc.syscall(NR_MKDIRAT, fd.number(), name.address(), mode & 07777, 0, 0, 0));
  }

  /** {@code mknodat(2)}; {@code rdev} as in {@code makedev(3)}. */
  public void mknod(MemorySegment name, int mode, long rdev) throws ErrnoException {
    check(Libc.syscall(NR_MKNODAT, fd.number(), name.address(), mode, rdev, 0, 0));
  }

  /** {@code symlinkat(2)}. */
  public void symlink(MemorySegment name, MemorySegment target) throws ErrnoException {
    check(Libc.syscall(NR_SYMLINKAT, target.address(), fd.number(), name.address(), 0, 0, 0));
  }

  /** {@code linkat(2)}: {@code target} gets {@code name} in this directory. */
  public void link(MemorySegment name, HostFile target) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long number = Memory.cString(arena, Integer.toString(target.fd.number()));
      check(Libc.syscall(NR_LINKAT, selfFds().number(), number, fd.number(), name.address(), AT_SYMLINK_FOLLOW, 0));
    }
  }

  /** {@code unlinkat(2)}. */
  public void unlink(MemorySegment name, boolean directory) throws ErrnoException {
    check(Libc.syscall(NR_UNLINKAT, fd.number(), name.address(), directory ? AT_REMOVEDIR : 0, 0, 0, 0));
  }

  /** {@code renameat2(2)}. */
  public void rename(MemorySegment name, HostFile newDirectory, MemorySegment newName, int flags)
      throws ErrnoException {
    check(Libc.syscall(NR_RENAMEAT2, fd.number(), name.address(), newDirectory.fd.number(), newName.address(), flags,
        0));
  }

  /** {@code chmod(2)}; a symbolic link is EOPNOTSUPP. */
  public void chmod(int mode) throws ErrnoException {
    if (isSymlink()) {
      throw EOPNOTSUPP.error();
    }
    try (Arena arena = Arena.ofConfined()) {
      long number = Memory.cString(arena, Integer.toString(fd.number()));
      check(Libc.syscall(NR_FCHMODAT, selfFds().number(), number, mode & 07777, 0, 0, 0));
    }
  }

  /** {@code lchown(2)}; -1 leaves an id as it is. */
  public void chown(int uid, int gid) throws ErrnoException {
    check(Libc.syscall(NR_FCHOWNAT, fd.number(), EMPTY.address(), uid, gid, AT_EMPTY_PATH, 0));
  }

  /** {@code utimensat(2)}; nanoseconds may be UTIME_NOW or UTIME_OMIT. */
  public void setTimes(long atimeSeconds, long atimeNanos, long mtimeSeconds, long mtimeNanos) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment times = arena.allocate(32, 8);
      times.set(JAVA_LONG, 0, atimeSeconds);
      times.set(JAVA_LONG, 8, atimeNanos);
      times.set(JAVA_LONG, 16, mtimeSeconds);
      times.set(JAVA_LONG, 24, mtimeNanos);
      check(Libc.syscall(NR_UTIMENSAT, fd.number(), EMPTY.address(), times.address(), AT_EMPTY_PATH, 0, 0));
    }
  }

  /** {@code truncate(2)} of a regular file. */
  public void truncate(long length) throws ErrnoException {
    try (Fd data = openData(O_WRONLY)) {
      data.truncate(length);
    }
  }

  /** {@code fsync(2)} of a regular file or directory; of others there is nothing to write. */
  public void sync(boolean dataOnly) throws ErrnoException {
    if (isRegular() || isDirectory()) {
      try (Fd data = isDirectory() ? openDirectory() : reopen(Sys.O_RDONLY)) {
        data.sync(dataOnly);
      }
    }
  }

  /** {@code readlink(2)}: bytes of the target put into {@code out}. */
  public int readLink(MemorySegment out) throws ErrnoException {
    return (int) check(
        Libc.syscall(NR_READLINKAT, fd.number(), EMPTY.address(), out.address(), out.byteSize(), 0, 0));
  }

  /** {@code statfs(2)} into {@link #STATFS_SIZE} bytes. */
  public void statFs(MemorySegment out) throws ErrnoException {
    check(Libc.syscall(NR_FSTATFS, fd.number(), out.address(), 0, 0, 0, 0));
  }

  /** {@code getxattr(2)}: the length; with an empty {@code out} that is all. */
  public int getXattr(MemorySegment name, MemorySegment out) throws ErrnoException {
    try (Fd open = openForXattr()) {
      return (int) check(
          Libc.syscall(NR_FGETXATTR, open.number(), name.address(), out.address(), out.byteSize(), 0, 0));
    }
  }

  /** {@code listxattr(2)}: the length; with an empty {@code out} that is all. */
  public int listXattr(MemorySegment out) throws ErrnoException {
    try (Fd open = openForXattr()) {
      return (int) check(Libc.syscall(NR_FLISTXATTR, open.number(), out.address(), out.byteSize(), 0, 0, 0));
    }
  }

  /** {@code setxattr(2)}. */
  public void setXattr(MemorySegment name, MemorySegment value, int flags) throws ErrnoException {
    try (Fd open = openForXattr()) {
      check(Libc.syscall(NR_FSETXATTR, open.number(), name.address(), value.address(), value.byteSize(), flags, 0));
    }
  }

  /** {@code removexattr(2)}. */
  public void removeXattr(MemorySegment name) throws ErrnoException {
    try (Fd open = openForXattr()) {
      check(Libc.syscall(NR_FREMOVEXATTR, open.number(), name.address(), 0, 0, 0, 0));
    }
  }

  @Override
  public void close() {
    fd.close();
  }

  /** Only files and directories can be opened for it without side effects; Linux allows user attributes on no others. */
  private Fd openForXattr() throws ErrnoException {
    if (isDirectory()) {
      return openDirectory();
    }
    if (!isRegular()) {
      throw EOPNOTSUPP.error();
    }
    return reopen(Sys.O_RDONLY);
  }

  private Fd reopen(int flags) throws ErrnoException {
    return openAgain(fd, flags);
  }

  private static Fd openAgain(Fd fd, int flags) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long number = Memory.cString(arena, Integer.toString(fd.number()));
      return Fd.adopt((int) check(
          Libc.syscall(NR_OPENAT, selfFds().number(), number, flags | Sys.O_CLOEXEC | Sys.O_NOCTTY, 0, 0, 0)));
    }
  }

  private static void statOf(Fd fd, MemorySegment stat) throws ErrnoException {
    check(Libc.syscall(NR_NEWFSTATAT, fd.number(), EMPTY.address(), stat.address(), AT_EMPTY_PATH, 0, 0));
  }

  private static MemorySegment emptyAndDot() {
    MemorySegment paths = Arena.global().allocate(8);
    paths.set(JAVA_BYTE, 2, (byte) '.');
    return paths;
  }

  private static synchronized Fd selfFds() throws ErrnoException {
    if (selfFds == null) {
      findDescriptorsAt("/proc/self/fd");
    }
    return selfFds;
  }

  private static MemorySegment openHow(int flags, int mode) {
    MemorySegment how = Arena.global().allocate(24, 8);
    fillHow(how, flags, mode);
    return how;
  }

  private static void fillHow(MemorySegment how, int flags, int mode) {
    how.set(JAVA_LONG, 0, Integer.toUnsignedLong(flags));
    how.set(JAVA_LONG, 8, mode);
    how.set(JAVA_LONG, 16, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  }
}
