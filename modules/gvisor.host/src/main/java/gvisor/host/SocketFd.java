package gvisor.host;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.ECONNABORTED;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.host.HostUnixSocket;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@link HostUnixSocket} over a descriptor, which stays its owner's. */
public final class SocketFd implements HostUnixSocket {
  private static final int SO_ERROR = 4;
  private static final int MSG_PEEK = 2;

  /** {@code struct msghdr}, then an iovec: there is no room for control data, so the kernel closes what comes. */
  private static final int MSG_IOV = 16, MSG_IOVLEN = 24, MSG_FLAGS = 48, IOVEC = 56, HEADER_SIZE = 72;

  private final Fd fd;

  SocketFd(Fd fd) {
    this.fd = fd;
  }

  @Override
  public long send(MemorySegment src) throws ErrnoException {
    if (src.isNative()) {
      return sendNative(src);
    }
    if (src.byteSize() <= Memory.BOUNCE_SIZE) {
      return sendNative(Memory.bounce().asSlice(0, src.byteSize()).copyFrom(src));
    }
    try (Arena arena = Arena.ofConfined()) {
      return sendNative(arena.allocate(src.byteSize(), 1).copyFrom(src));
    }
  }

  private long sendNative(MemorySegment src) throws ErrnoException {
    while (true) {
      long n = Libc.send(fd.number(), src.address(), src.byteSize(), Sys.MSG_DONTWAIT | Sys.MSG_NOSIGNAL);
      if (n >= 0) {
        return n;
      }
      Errno e = Libc.errno();
      if (e == EAGAIN) {
        return HostFd.WOULD_BLOCK;
      }
      if (e != EINTR) {
        throw e.error();
      }
    }
  }

  @Override
  public long receive(MemorySegment dst, boolean peek) throws ErrnoException {
    if (dst.isNative()) {
      return receiveNative(dst, peek);
    }
    if (dst.byteSize() <= Memory.BOUNCE_SIZE) {
      return receiveVia(Memory.bounce().asSlice(0, dst.byteSize()), dst, peek);
    }
    try (Arena arena = Arena.ofConfined()) {
      return receiveVia(arena.allocate(dst.byteSize(), 1), dst, peek);
    }
  }

  private long receiveVia(MemorySegment memory, MemorySegment dst, boolean peek) throws ErrnoException {
    long n = receiveNative(memory, peek);
    if (n > 0) {
      MemorySegment.copy(memory, 0, dst, 0, Math.min(n & ~CONTROL_DROPPED, dst.byteSize()));
    }
    return n;
  }

  private long receiveNative(MemorySegment dst, boolean peek) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment header = arena.allocate(HEADER_SIZE, 8);
      header.set(JAVA_LONG, MSG_IOV, header.address() + IOVEC);
      header.set(JAVA_LONG, MSG_IOVLEN, 1);
      header.set(JAVA_LONG, IOVEC, dst.address());
      header.set(JAVA_LONG, IOVEC + 8, dst.byteSize());
      int flags = Sys.MSG_DONTWAIT | Sys.MSG_TRUNC | (peek ? MSG_PEEK : 0);
      while (true) {
        long n = Libc.recvmsg(fd.number(), header.address(), flags);
        if (n >= 0) {
          return (header.get(JAVA_INT, MSG_FLAGS) & Sys.MSG_CTRUNC) != 0 ? n | CONTROL_DROPPED : n;
        }
        Errno e = Libc.errno();
        if (e == EAGAIN) {
          return HostFd.WOULD_BLOCK;
        }
        if (e != EINTR) {
          throw e.error();
        }
      }
    }
  }

  @Override
  public HostFd accept() throws ErrnoException {
    while (true) {
      int n = Libc.accept4(fd.number(), 0, 0, Sys.SOCK_CLOEXEC);
      if (n >= 0) {
        return Fd.adopt(n);
      }
      Errno e = Libc.errno();
      if (e == EAGAIN) {
        return null;
      }
      if (e != EINTR && e != ECONNABORTED) {
        throw e.error();
      }
    }
  }

  @Override
  public void shutdown(int how) throws ErrnoException {
    check(Libc.shutdown(fd.number(), how));
  }

  @Override
  public Peer peer() throws ErrnoException {
    MemorySegment cred = option(Sys.SO_PEERCRED, 12);
    return new Peer(cred.get(JAVA_INT, 0), cred.get(JAVA_INT, 4), cred.get(JAVA_INT, 8));
  }

  @Override
  public int takeError() throws ErrnoException {
    return option(SO_ERROR, 4).get(JAVA_INT, 0);
  }

  /** The value of an option, of {@code length} bytes at most 48, in this thread's scratch memory. */
  private MemorySegment option(int name, int length) throws ErrnoException {
    MemorySegment scratch = Memory.scratch();
    scratch.fill((byte) 0);
    scratch.set(JAVA_INT, 48, length);
    check(Libc.getsockopt(fd.number(), Sys.SOL_SOCKET, name, scratch.address(), scratch.address() + 48));
    return scratch;
  }
}
