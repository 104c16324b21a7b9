package gvisor.host;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.FileSys;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * A Unix-domain socket whose messages can carry descriptors ({@code man 7 unix}, SCM_RIGHTS). One thread may send while
 * another receives; {@link #shutdown} wakes both; {@link #close} only when nobody uses it any more.
 */
public final class ScmSocket implements AutoCloseable {
  /** {@code SOCK_STREAM}. */
  public static final int STREAM = 1;

  /** {@code SOCK_SEQPACKET}. */
  public static final int SEQPACKET = 5;

  /** Most descriptors in one message. */
  public static final int MAX_FDS = 64;

  private static final int SHUT_RDWR = 2;
  private static final int MSGHDR_SIZE = 56;
  private static final int CMSG_HEADER = 16;
  private static final int CONTROL_SIZE = CMSG_HEADER + MAX_FDS * 4;
  private static final int PATH_MAX = 107;

  private static final Fd[] NO_FDS = {};

  private final Fd fd;
  private final MemorySegment sendHeader;
  private final MemorySegment receiveHeader;

  /** A message received: how many bytes are in the buffer (0: the other side is gone) and what descriptors came. */
  public record Received(long length, Fd[] fds) {}

  /** Who made the other side of a connection, as the host saw it then. */
  public record Peer(int pid, int uid, int gid) {}

  private ScmSocket(Fd fd) {
    this.fd = fd;
    this.sendHeader = newHeader();
    this.receiveHeader = newHeader();
  }

  /** Takes ownership of a socket that was inherited or received. */
  public static ScmSocket adopt(Fd fd) {
    return new ScmSocket(fd);
  }

  /** Two connected sockets of {@link #STREAM} or {@link #SEQPACKET}, close-on-exec. */
  public static ScmSocket[] pair(int type) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment two = arena.allocate(8, 4);
      check(Libc.socketpair(Sys.AF_UNIX, type | Sys.SOCK_CLOEXEC, 0, two.address()));
      return new ScmSocket[] {
        new ScmSocket(Fd.adopt(two.get(JAVA_INT, 0))), new ScmSocket(Fd.adopt(two.get(JAVA_INT, 4)))
      };
    }
  }

  /**
   * Listens at {@code path}, which must not exist and may be of any length.
   *
   * @throws ErrnoException EADDRINUSE, or what the path gives
   */
  public static ScmSocket listen(String path, int type, int backlog) throws ErrnoException {
    ScmSocket s = new ScmSocket(Fd.adopt(check(Libc.socket(Sys.AF_UNIX, type | Sys.SOCK_CLOEXEC, 0))));
    try (Arena arena = Arena.ofConfined();
        ShortName name = ShortName.of(path)) {
      MemorySegment address = address(arena, name.path());
      check(Libc.bind(s.fd.number(), address.address(), (int) address.byteSize()));
      check(Libc.listen(s.fd.number(), backlog));
      return s;
    } catch (ErrnoException e) {
      s.close();
      throw e;
    }
  }

  /** Connects to who listens at {@code path}; ECONNREFUSED or ENOENT when nobody does. */
  public static ScmSocket connect(String path, int type) throws ErrnoException {
    ScmSocket s = new ScmSocket(Fd.adopt(check(Libc.socket(Sys.AF_UNIX, type | Sys.SOCK_CLOEXEC, 0))));
    try (Arena arena = Arena.ofConfined();
        ShortName name = ShortName.of(path)) {
      MemorySegment address = address(arena, name.path());
      while (Libc.connect(s.fd.number(), address.address(), (int) address.byteSize()) < 0) {
        if (Libc.errno() != Errno.EINTR) {
          throw Libc.errno().error();
        }
      }
      return s;
    } catch (ErrnoException e) {
      s.close();
      throw e;
    }
  }

  /** Waits for the next connection. */
  public ScmSocket accept() throws ErrnoException {
    while (true) {
      int n = Libc.accept4(fd.number(), 0, 0, Sys.SOCK_CLOEXEC);
      if (n >= 0) {
        return new ScmSocket(Fd.adopt(n));
      }
      if (Libc.errno() != Errno.EINTR) {
        throw Libc.errno().error();
      }
    }
  }

  /** The socket's descriptor; stays owned by this. */
  public Fd fd() {
    return fd;
  }

  /** Ends waits of {@link #receive} and {@link #send} with EAGAIN after {@code millis}; 0 waits for ever. */
  public void setTimeout(long millis) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment timeval = arena.allocate(16, 8);
      timeval.set(JAVA_LONG, 0, millis / 1000);
      timeval.set(JAVA_LONG, 8, millis % 1000 * 1000);
      check(Libc.setsockopt(fd.number(), Sys.SOL_SOCKET, Sys.SO_RCVTIMEO, timeval.address(), 16));
      check(Libc.setsockopt(fd.number(), Sys.SOL_SOCKET, Sys.SO_SNDTIMEO, timeval.address(), 16));
    }
  }

  /** Who is on the other side. */
  public Peer peer() throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment cred = arena.allocate(16, 8);
      cred.set(JAVA_INT, 12, 12);
      check(Libc.getsockopt(
          fd.number(), Sys.SOL_SOCKET, Sys.SO_PEERCRED, cred.address(), cred.address() + 12));
      return new Peer(cred.get(JAVA_INT, 0), cred.get(JAVA_INT, 4), cred.get(JAVA_INT, 8));
    }
  }

  /**
   * Sends {@code data}, which holds at least one byte, and duplicates of {@code fds} with it; waits for room. A stream
   * may take only a part: bytes taken are returned, and the descriptors went with the first of them.
   */
  public synchronized long send(MemorySegment data, List<Fd> fds) throws ErrnoException {
    if (fds.size() > MAX_FDS) {
      throw Errno.EINVAL.error();
    }
    MemorySegment source = data;
    if (!data.isNative()) {
      source = Memory.bounce().asSlice(0, Math.min(data.byteSize(), Memory.BOUNCE_SIZE));
      if (source.byteSize() < data.byteSize() && isPacket()) {
        throw Errno.EMSGSIZE.error();
      }
      source.copyFrom(data.asSlice(0, source.byteSize()));
    }
    setBuffer(sendHeader, source);
    long controlLength = 0;
    if (!fds.isEmpty()) {
      MemorySegment control = sendHeader.asSlice(MSGHDR_SIZE + 16);
      control.set(JAVA_LONG, 0, CMSG_HEADER + 4L * fds.size());
      control.set(JAVA_INT, 8, Sys.SOL_SOCKET);
      control.set(JAVA_INT, 12, Sys.SCM_RIGHTS);
      for (int i = 0; i < fds.size(); i++) {
        control.set(JAVA_INT, CMSG_HEADER + 4L * i, fds.get(i).number());
      }
      controlLength = CMSG_HEADER + 4L * fds.size() + 7 & ~7;
    }
    setControl(sendHeader, controlLength);
    while (true) {
      long n = Libc.sendmsg(fd.number(), sendHeader.address(), Sys.MSG_NOSIGNAL);
      if (n >= 0 || Libc.errno() != Errno.EINTR) {
        return check(n);
      }
    }
  }

  /** {@link #send} of all of {@code data} over a stream, without descriptors. */
  public void sendFully(MemorySegment data) throws ErrnoException {
    long done = 0;
    while (done < data.byteSize()) {
      done += send(data.asSlice(done), List.of());
    }
  }

  /**
   * Waits for a message (a packet, or what a stream has) and for descriptors with it, which become the caller's.
   *
   * @throws ErrnoException EMSGSIZE when a packet or its descriptors did not fit: they are gone
   */
  public Received receive(MemorySegment buffer) throws ErrnoException {
    synchronized (receiveHeader) {
      MemorySegment target =
          buffer.isNative()
              ? buffer
              : Memory.bounce().asSlice(0, Math.min(buffer.byteSize(), Memory.BOUNCE_SIZE));
      setBuffer(receiveHeader, target);
      setControl(receiveHeader, CONTROL_SIZE);
      long n;
      do {
        n = Libc.recvmsg(fd.number(), receiveHeader.address(), Sys.MSG_CMSG_CLOEXEC);
      } while (n < 0 && Libc.errno() == Errno.EINTR);
      check(n);
      Fd[] fds = takeFds();
      int flags = receiveHeader.get(JAVA_INT, 48);
      if ((flags & (Sys.MSG_TRUNC | Sys.MSG_CTRUNC)) != 0) {
        for (Fd f : fds) {
          f.close();
        }
        throw Errno.EMSGSIZE.error();
      }
      if (!buffer.isNative() && n > 0) {
        MemorySegment.copy(target, 0, buffer, 0, n);
      }
      return new Received(n, fds);
    }
  }

  /** Ends both directions: whoever waits in {@link #receive} gets 0 bytes. Any thread. */
  public void shutdown() {
    Libc.shutdown(fd.number(), SHUT_RDWR);
  }

  @Override
  public void close() {
    fd.close();
  }

  private boolean isPacket() throws ErrnoException {
    MemorySegment value = Memory.scratch();
    value.set(JAVA_INT, 4, 4);
    check(Libc.getsockopt(fd.number(), Sys.SOL_SOCKET, 3, value.address(), value.address() + 4));
    return value.get(JAVA_INT, 0) == SEQPACKET;
  }

  private Fd[] takeFds() {
    long controlLength = receiveHeader.get(JAVA_LONG, 40);
    MemorySegment control = receiveHeader.asSlice(MSGHDR_SIZE + 16);
    Fd[] fds = NO_FDS;
    long at = 0;
    while (at + CMSG_HEADER <= controlLength) {
      long length = control.get(JAVA_LONG, at);
      if (length < CMSG_HEADER || length > controlLength - at) {
        break;
      }
      if (control.get(JAVA_INT, at + 8) == Sys.SOL_SOCKET && control.get(JAVA_INT, at + 12) == Sys.SCM_RIGHTS) {
        int count = (int) (length - CMSG_HEADER) / 4;
        int before = fds.length;
        fds = Arrays.copyOf(fds, before + count);
        for (int i = 0; i < count; i++) {
          fds[before + i] = Fd.adopt(control.get(JAVA_INT, at + CMSG_HEADER + 4L * i));
        }
      }
      at += length + 7 & ~7;
    }
    return fds;
  }

  /** struct msghdr, one iovec and room for control messages, in a row. */
  private static MemorySegment newHeader() {
    MemorySegment h = Arena.ofAuto().allocate(MSGHDR_SIZE + 16 + CONTROL_SIZE, 8);
    h.set(JAVA_LONG, 16, h.address() + MSGHDR_SIZE);
    h.set(JAVA_LONG, 24, 1);
    return h;
  }

  private static void setBuffer(MemorySegment header, MemorySegment buffer) {
    header.set(JAVA_LONG, MSGHDR_SIZE, buffer.address());
    header.set(JAVA_LONG, MSGHDR_SIZE + 8, buffer.byteSize());
  }

  private static void setControl(MemorySegment header, long length) {
    header.set(JAVA_LONG, 32, length == 0 ? 0 : header.address() + MSGHDR_SIZE + 16);
    header.set(JAVA_LONG, 40, length);
    header.set(JAVA_INT, 48, 0);
  }

  private static MemorySegment address(Arena arena, String path) throws ErrnoException {
    byte[] name = path.getBytes(StandardCharsets.UTF_8);
    if (name.length > PATH_MAX) {
      throw Errno.ENAMETOOLONG.error();
    }
    MemorySegment a = arena.allocate(2 + name.length + 1, 2);
    a.set(JAVA_SHORT, 0, (short) Sys.AF_UNIX);
    a.asSlice(2).copyFrom(MemorySegment.ofArray(name));
    return a;
  }

  /**
   * A name that fits into a socket's address for a path that may not: engines give containers ids of 64 characters, and
   * put directories of their own before them.
   *
   * @param path at most {@link #PATH_MAX} bytes when the last part of the path is short enough
   * @param directory what the name goes through while this is open, or null
   */
  public record ShortName(String path, Fd directory) implements AutoCloseable {
    /** For the socket at {@code path}. */
    public static ShortName of(String path) throws ErrnoException {
      int slash = path.lastIndexOf('/');
      if (slash <= 0 || path.getBytes(StandardCharsets.UTF_8).length <= PATH_MAX) {
        return new ShortName(path, null);
      }
      Fd directory = Fd.open(path.substring(0, slash), FileSys.O_PATH | FileSys.O_DIRECTORY, 0);
      return new ShortName("/proc/self/fd/" + directory.number() + path.substring(slash), directory);
    }

    @Override
    public void close() {
      if (directory != null) {
        directory.close();
      }
    }
  }
}
