package gvisor.host;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;

/**
 * An owned host file descriptor. Thread-safe but for {@link #close}, which the one owner calls last.
 *
 * <p>Never sets O_NONBLOCK: the open file description may be shared with processes that do not expect it (a shell's
 * terminal). What must not wait asks first, or uses the flags the host has for one call.
 */
public final class Fd implements HostFd {
  /** Most that is written to a terminal at once; more could wait for the other side in the middle of the call. */
  private static final int TERMINAL_WRITE_MAX = 1024;

  private static final int TCGETS = 0x5401;
  private static final int STAT_SIZE = 144;
  private static final int STAT_MODE = 24;
  private static final int O_ACCMODE = 3;

  /** An address of no memory: Linux maps nothing into the first page (mmap_min_addr). */
  private static final long UNMAPPED = 16;

  private enum Kind {
    UNKNOWN,
    /** Reads and writes never wait. */
    PLAIN,
    SOCKET,
    TERMINAL,
    /** Pipes and other devices. */
    STREAM,
    /** Somebody has made the description non-blocking already. */
    NONBLOCKING
  }

  private volatile int number;
  private volatile Kind kind = Kind.UNKNOWN;
  private volatile Poller.Watch watch;

  private Fd(int number) {
    this.number = number;
  }

  /** Takes ownership of an open descriptor: one that was inherited, or that a host call has just returned. */
  public static Fd adopt(int number) {
    if (number < 0) {
      throw new IllegalArgumentException("descriptor " + number);
    }
    return new Fd(number);
  }

  /** {@code open(2)} with O_CLOEXEC added. */
  public static Fd open(String path, int flags, int mode) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      return new Fd(check(Libc.open(Memory.cString(arena, path), flags | Sys.O_CLOEXEC, mode)));
    }
  }

  /** {@code pipe2(2)}, close-on-exec: the reading end, then the writing end. */
  public static Fd[] pipe() throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment two = arena.allocate(8, 4);
      check(Libc.pipe2(two.address(), Sys.O_CLOEXEC));
      return new Fd[] {new Fd(two.get(JAVA_INT, 0)), new Fd(two.get(JAVA_INT, 4))};
    }
  }

  /** The number, for a call or a command line; stays owned by this. */
  public int number() {
    return number;
  }

  /** A second descriptor for the same open file description, close-on-exec. */
  public Fd duplicate() throws ErrnoException {
    return new Fd(check(Libc.fcntl(number, Sys.F_DUPFD_CLOEXEC, 0)));
  }

  /** Hands ownership of the number to the caller; this is closed to all intents then. */
  public int release() {
    int n = number;
    number = -1;
    return n;
  }

  /** Whether an {@code execve} closes it. */
  public void setCloseOnExec(boolean on) throws ErrnoException {
    check(Libc.fcntl(number, Sys.F_SETFD, on ? Sys.FD_CLOEXEC : 0));
  }

  @Override
  public long pread(MemorySegment dst, long offset) throws ErrnoException {
    if (!dst.isNative()) {
      MemorySegment bounce = bounceFor(dst);
      return toHeap(pread(bounce, offset), bounce, dst);
    }
    while (true) {
      long n = Libc.pread(number, dst.address(), dst.byteSize(), offset);
      if (n >= 0 || !retry()) {
        return check(n);
      }
    }
  }

  @Override
  public long pwrite(MemorySegment src, long offset) throws ErrnoException {
    if (!src.isNative()) {
      return pwrite(fromHeap(src), offset);
    }
    while (true) {
      long n = Libc.pwrite(number, src.address(), src.byteSize(), offset);
      if (n >= 0 || !retry()) {
        return check(n);
      }
    }
  }

  @Override
  public long read(MemorySegment dst) throws ErrnoException {
    if (!dst.isNative()) {
      MemorySegment bounce = bounceFor(dst);
      return toHeap(read(bounce), bounce, dst);
    }
    switch (kind()) {
      case SOCKET -> {
        return orWouldBlock(Libc.recv(number, dst.address(), dst.byteSize(), Sys.MSG_DONTWAIT));
      }
      case STREAM -> {
        long n = vectored(dst, false);
        if (n != -EOPNOTSUPP.number()) {
          return n;
        }
        if (readiness(Sys.POLLIN) == 0) {
          return WOULD_BLOCK;
        }
      }
      case TERMINAL -> {
        if (readiness(Sys.POLLIN) == 0) {
          return WOULD_BLOCK;
        }
      }
      default -> {}
    }
    return readWaiting(dst);
  }

  @Override
  public long write(MemorySegment src) throws ErrnoException {
    if (!src.isNative()) {
      return write(fromHeap(src));
    }
    MemorySegment piece = src;
    switch (kind()) {
      case SOCKET -> {
        return orWouldBlock(
            Libc.send(number, src.address(), src.byteSize(), Sys.MSG_DONTWAIT | Sys.MSG_NOSIGNAL));
      }
      case STREAM -> {
        long n = vectored(src, true);
        if (n != -EOPNOTSUPP.number()) {
          return n;
        }
        if (readiness(Sys.POLLOUT) == 0) {
          return WOULD_BLOCK;
        }
      }
      case TERMINAL -> {
        if (readiness(Sys.POLLOUT) == 0) {
          return WOULD_BLOCK;
        }
        piece = src.asSlice(0, Math.min(src.byteSize(), TERMINAL_WRITE_MAX));
      }
      default -> {}
    }
    return writeWaiting(piece);
  }

  /** {@code read(2)} that waits for data: bytes read, 0 at the end. */
  public long readWaiting(MemorySegment dst) throws ErrnoException {
    if (!dst.isNative()) {
      MemorySegment bounce = bounceFor(dst);
      return toHeap(readWaiting(bounce), bounce, dst);
    }
    while (true) {
      long n = Libc.read(number, dst.address(), dst.byteSize());
      if (n >= 0 || !retry()) {
        return orWouldBlock(n);
      }
    }
  }

  /** {@code write(2)} that waits for room: bytes written. */
  public long writeWaiting(MemorySegment src) throws ErrnoException {
    if (!src.isNative()) {
      return writeWaiting(fromHeap(src));
    }
    while (true) {
      long n = Libc.write(number, src.address(), src.byteSize());
      if (n >= 0 || !retry()) {
        return orWouldBlock(n);
      }
    }
  }

  @Override
  public void fstat(MemorySegment out) throws ErrnoException {
    if (out.byteSize() < STAT_SIZE) {
      throw new IllegalArgumentException("stat buffer of " + out.byteSize() + " bytes");
    }
    if (!out.isNative()) {
      MemorySegment bounce = Memory.bounce().asSlice(0, STAT_SIZE);
      fstat(bounce);
      out.asSlice(0, STAT_SIZE).copyFrom(bounce);
      return;
    }
    check(Libc.syscall(Sys.NR_FSTAT, number, out.address(), 0, 0, 0, 0));
  }

  @Override
  public void truncate(long length) throws ErrnoException {
    check(Libc.ftruncate(number, length));
  }

  @Override
  public void fallocate(int mode, long offset, long length) throws ErrnoException {
    while (Libc.fallocate(number, mode, offset, length) < 0) {
      if (!retry()) {
        throw Libc.errno().error();
      }
    }
  }

  @Override
  public void sync(boolean dataOnly) throws ErrnoException {
    check(dataOnly ? Libc.fdatasync(number) : Libc.fsync(number));
  }

  @Override
  public long seekHole(long offset, boolean data) throws ErrnoException {
    return check(Libc.lseek(number, offset, data ? Sys.SEEK_DATA : Sys.SEEK_HOLE));
  }

  @Override
  public long seek(long offset, int whence) throws ErrnoException {
    return check(Libc.lseek(number, offset, whence));
  }

  @Override
  public long terminalIoctl(long request, MemorySegment argument) throws ErrnoException {
    int size = terminalArgumentSize(request);
    if (size < 0) {
      throw Errno.ENOTTY.error();
    }
    if (argument.byteSize() < size) {
      throw Errno.EINVAL.error();
    }
    if (argument.isNative()) {
      return check(Libc.ioctl(number, request, argument.address()));
    }
    MemorySegment bounce = Memory.bounce().asSlice(0, argument.byteSize());
    bounce.copyFrom(argument);
    int result = check(Libc.ioctl(number, request, bounce.address()));
    if (!argument.isReadOnly()) {
      argument.copyFrom(bounce);
    }
    return result;
  }

  @Override
  public int readiness(int mask) {
    MemorySegment poll = Memory.scratch();
    poll.set(JAVA_INT, 0, number);
    poll.set(JAVA_SHORT, 4, (short) mask);
    poll.set(JAVA_SHORT, 6, (short) 0);
    while (true) {
      int n = Libc.poll(poll.address(), 1, 0);
      if (n >= 0) {
        return n == 0 ? 0 : poll.get(JAVA_SHORT, 6) & 0xffff;
      }
      if (Libc.errno() != EINTR) {
        return 0;
      }
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>May be called once for each descriptor. What epoll does not take (regular files) is always ready and never told.
   */
  @Override
  public void watch(int mask, IntConsumer listener) throws ErrnoException {
    watch = Poller.shared().watch(this, mask, listener);
  }

  @Override
  public int accessMode() {
    return Libc.fcntl(number, Sys.F_GETFL, 0) & O_ACCMODE;
  }

  @Override
  public SocketFd socket() throws ErrnoException {
    if (kind() != Kind.SOCKET) {
      throw Errno.ENOTSOCK.error();
    }
    return new SocketFd(this);
  }

  /**
   * {@inheritDoc}
   *
   * <p>No call tells this of a fifo that is empty. But a read to where no memory is fails with another errno for each
   * case, and takes nothing out.
   */
  @Override
  public boolean hasWriter() throws ErrnoException {
    if (readiness(Sys.POLLIN) != 0) {
      return true; // Data, or the hangup of one who has come and gone.
    }
    if (Libc.read(number, UNMAPPED, 1) == 0) {
      return false;
    }
    Errno e = Libc.errno();
    if (e == EAGAIN || e == Errno.EFAULT) {
      return true;
    }
    throw e.error();
  }

  @Override
  public boolean isTerminal() {
    return kind() == Kind.TERMINAL || isatty();
  }

  /** {@code listen(2)}. */
  public void listen(int backlog) throws ErrnoException {
    check(Libc.listen(number, backlog));
  }

  /** Type bits of {@code st_mode}; EBADF when the descriptor is not open. */
  public int fileType() throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stat = arena.allocate(STAT_SIZE, 8);
      fstat(stat);
      return stat.get(JAVA_INT, STAT_MODE) & Sys.S_IFMT;
    }
  }

  @Override
  public void close() {
    int n = release();
    if (n >= 0) {
      Poller.Watch w = watch;
      if (w != null) {
        w.end(n);
      }
      // Linux frees the number whatever close says, so there is nothing to repeat and nobody to tell.
      Libc.close(n);
    }
  }

  @Override
  public String toString() {
    return "fd " + number;
  }

  private Kind kind() {
    Kind k = kind;
    if (k == Kind.UNKNOWN) {
      k = findKind();
      kind = k;
    }
    return k;
  }

  private Kind findKind() {
    try {
      int type = fileType();
      if (type == Sys.S_IFREG || type == Sys.S_IFBLK || type == Sys.S_IFDIR) {
        return Kind.PLAIN;
      }
      if (type == Sys.S_IFSOCK) {
        return Kind.SOCKET;
      }
      if ((Libc.fcntl(number, Sys.F_GETFL, 0) & Sys.O_NONBLOCK) != 0) {
        return Kind.NONBLOCKING;
      }
      return isatty() ? Kind.TERMINAL : Kind.STREAM;
    } catch (ErrnoException e) {
      // Not open, or not to be looked at: the call that follows says so itself.
      return Kind.PLAIN;
    }
  }

  private boolean isatty() {
    return Libc.ioctl(number, TCGETS, Memory.scratch().address()) == 0;
  }

  /** Bytes that {@code request} reads or writes, or -1 for one that may not be passed on. */
  private static int terminalArgumentSize(long request) {
    return switch ((int) request) {
      case TCGETS, 0x5402, 0x5403, 0x5404 -> 36; // TCGETS, TCSETS, TCSETSW, TCSETSF: struct termios
      case 0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d -> 44; // the same with struct termios2
      case 0x5413, 0x5414 -> 8; // TIOCGWINSZ, TIOCSWINSZ
      case 0x5411, 0x541b -> 4; // TIOCOUTQ, FIONREAD
      default -> -1;
    };
  }

  /** One read or write with RWF_NOWAIT: bytes, WOULD_BLOCK, or -EOPNOTSUPP where the file does not know the flag. */
  private long vectored(MemorySegment buffer, boolean write) throws ErrnoException {
    MemorySegment iov = Memory.scratch();
    iov.set(JAVA_LONG, 0, buffer.address());
    iov.set(JAVA_LONG, 8, buffer.byteSize());
    while (true) {
      long n = write
          ? Libc.pwritev2(number, iov.address(), 1, -1, Sys.RWF_NOWAIT)
          : Libc.preadv2(number, iov.address(), 1, -1, Sys.RWF_NOWAIT);
      if (n >= 0) {
        return n;
      }
      Errno e = Libc.errno();
      if (e == EAGAIN) {
        return WOULD_BLOCK;
      }
      if (e == EOPNOTSUPP || e == Errno.ENOSYS || e == Errno.EINVAL || e == Errno.ESPIPE) {
        return -EOPNOTSUPP.number();
      }
      if (e != EINTR) {
        throw e.error();
      }
    }
  }

  private static boolean retry() {
    return Libc.errno() == EINTR;
  }

  private static long orWouldBlock(long result) throws ErrnoException {
    if (result >= 0) {
      return result;
    }
    Errno e = Libc.errno();
    if (e == EAGAIN || e == EINTR) {
      return WOULD_BLOCK;
    }
    throw e.error();
  }

  private static MemorySegment bounceFor(MemorySegment heap) {
    return Memory.bounce().asSlice(0, Math.min(heap.byteSize(), Memory.BOUNCE_SIZE));
  }

  private static long toHeap(long n, MemorySegment bounce, MemorySegment heap) {
    if (n > 0) {
      MemorySegment.copy(bounce, 0, heap, 0, n);
    }
    return n;
  }

  private static MemorySegment fromHeap(MemorySegment heap) {
    MemorySegment bounce = bounceFor(heap);
    MemorySegment.copy(heap, 0, bounce, 0, bounce.byteSize());
    return bounce;
  }
}
