package gvisor.host;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostMessage;
import gvisor.api.host.HostSocket;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;

/** A socket that a {@link SocketMaker} made, or that was accepted by one. What names it, the maker does. */
final class LinuxSocket implements HostSocket {
  private static final int SOCK_NONBLOCK = 04000;
  private static final int NR_GETSOCKNAME = 51, NR_GETPEERNAME = 52;
  private static final int MAX_ADDRESS = 128;
  private static final int MAX_VALUE = 1024;

  // Of a thread: struct msghdr, an iovec, an address, control messages; or the value of an option, and its length.
  private static final int NAME = 72;
  private static final int CONTROL = NAME + MAX_ADDRESS;
  private static final int CONTROL_SIZE = 512;
  private static final int WORKING_SIZE = MAX_VALUE + 8;
  private static final ThreadLocal<MemorySegment> WORKING =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(WORKING_SIZE, 8));

  private final LinuxNetwork network;
  private final Fd fd;

  LinuxSocket(LinuxNetwork network, Fd fd) {
    this.network = network;
    this.fd = fd;
  }

  @Override
  public void bind(MemorySegment address, int length) throws ErrnoException {
    network.name(SocketMakerProgram.BIND, fd, address, length);
  }

  @Override
  public long connect(MemorySegment address, int length) throws ErrnoException {
    try {
      network.name(SocketMakerProgram.CONNECT, fd, address, length);
      return 0;
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EINPROGRESS) {
        return IN_PROGRESS;
      }
      throw e;
    }
  }

  @Override
  public void listen(int backlog) throws ErrnoException {
    network.listen(fd, backlog);
  }

  @Override
  public HostSocket accept(HostMessage peer) throws ErrnoException {
    network.countSocket();
    boolean done = false;
    try {
      MemorySegment m = WORKING.get();
      while (true) {
        m.set(JAVA_INT, 0, MAX_ADDRESS);
        int n = Libc.accept4(fd.number(), m.address() + NAME, m.address(), Sys.SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (n >= 0) {
          peer.nameLength = Math.min(m.get(JAVA_INT, 0), MAX_ADDRESS);
          MemorySegment.copy(m, NAME, peer.name, 0, peer.nameLength);
          done = true;
          return new LinuxSocket(network, Fd.adopt(n));
        }
        Errno e = Libc.errno();
        if (e == Errno.EAGAIN) {
          return null;
        }
        if (e != Errno.EINTR) {
          throw e.error();
        }
      }
    } finally {
      if (!done) {
        network.socketClosed();
      }
    }
  }

  @Override
  public long send(MemorySegment data, HostMessage message, int flags) throws ErrnoException {
    MemorySegment source = data;
    if (!data.isNative()) {
      source = Memory.bounce().asSlice(0, Math.min(data.byteSize(), Memory.BOUNCE_SIZE));
      MemorySegment.copy(data, 0, source, 0, source.byteSize());
    }
    int all = flags | Sys.MSG_DONTWAIT | Sys.MSG_NOSIGNAL;
    if (message == null || message.nameLength == 0 && message.controlLength == 0) {
      while (true) {
        long n = Libc.send(fd.number(), source.address(), source.byteSize(), all);
        if (n >= 0 || Libc.errno() != Errno.EINTR) {
          return orWouldBlock(n);
        }
      }
    }
    MemorySegment m = WORKING.get();
    MemorySegment.copy(message.name, 0, m, NAME, message.nameLength);
    MemorySegment.copy(message.control, 0, m, CONTROL, message.controlLength);
    setHeader(m, source, message.nameLength, message.controlLength);
    while (true) {
      long n = Libc.sendmsg(fd.number(), m.address(), all);
      if (n >= 0 || Libc.errno() != Errno.EINTR) {
        return orWouldBlock(n);
      }
    }
  }

  @Override
  public long receive(MemorySegment data, HostMessage message, int flags) throws ErrnoException {
    MemorySegment target = data;
    if (!data.isNative()) {
      target = Memory.bounce().asSlice(0, Math.min(data.byteSize(), Memory.BOUNCE_SIZE));
    }
    int all = flags | Sys.MSG_DONTWAIT;
    long n;
    if (message == null) {
      do {
        n = Libc.recv(fd.number(), target.address(), target.byteSize(), all);
      } while (n < 0 && Libc.errno() == Errno.EINTR);
    } else {
      MemorySegment m = WORKING.get();
      do {
        setHeader(m, target, MAX_ADDRESS, CONTROL_SIZE);
        n = Libc.recvmsg(fd.number(), m.address(), all);
      } while (n < 0 && Libc.errno() == Errno.EINTR);
      if (n >= 0) {
        message.nameLength = Math.min(m.get(JAVA_INT, 8), MAX_ADDRESS);
        message.controlLength = (int) Math.min(m.get(JAVA_LONG, 40), CONTROL_SIZE);
        message.flags = m.get(JAVA_INT, 48);
        MemorySegment.copy(m, NAME, message.name, 0, message.nameLength);
        MemorySegment.copy(m, CONTROL, message.control, 0, message.controlLength);
      }
    }
    if (n > 0 && !data.isNative()) {
      MemorySegment.copy(target, 0, data, 0, Math.min(n, target.byteSize()));
    }
    return orWouldBlock(n);
  }

  private static void setHeader(MemorySegment m, MemorySegment data, int nameLength, int controlLength) {
    m.set(JAVA_LONG, 0, nameLength == 0 ? 0 : m.address() + NAME);
    m.set(JAVA_LONG, 8, nameLength);
    m.set(JAVA_LONG, 16, m.address() + 56);
    m.set(JAVA_LONG, 24, 1);
    m.set(JAVA_LONG, 32, controlLength == 0 ? 0 : m.address() + CONTROL);
    m.set(JAVA_LONG, 40, controlLength);
    m.set(JAVA_LONG, 48, 0);
    m.set(JAVA_LONG, 56, data.address());
    m.set(JAVA_LONG, 64, data.byteSize());
  }

  @Override
  public int localAddress(MemorySegment out) throws ErrnoException {
    return address(NR_GETSOCKNAME, out);
  }

  @Override
  public int peerAddress(MemorySegment out) throws ErrnoException {
    return address(NR_GETPEERNAME, out);
  }

  private int address(int call, MemorySegment out) throws ErrnoException {
    MemorySegment m = WORKING.get();
    m.set(JAVA_INT, 0, MAX_ADDRESS);
    check(Libc.syscall(call, fd.number(), m.address() + NAME, m.address(), 0, 0, 0));
    int length = Math.min(m.get(JAVA_INT, 0), MAX_ADDRESS);
    MemorySegment.copy(m, NAME, out, 0, length);
    return length;
  }

  @Override
  public void shutdown(int how) throws ErrnoException {
    check(Libc.shutdown(fd.number(), how));
  }

  @Override
  public int option(int level, int name, MemorySegment value, int length) throws ErrnoException {
    MemorySegment m = WORKING.get();
    int room = Math.min(length, MAX_VALUE);
    MemorySegment.copy(value, 0, m, 8, room); // Some options read from there which of them is wanted.
    m.set(JAVA_INT, 0, room);
    check(Libc.getsockopt(fd.number(), level, name, m.address() + 8, m.address()));
    int given = Math.clamp(m.get(JAVA_INT, 0), 0, room);
    MemorySegment.copy(m, 8, value, 0, given);
    return given;
  }

  @Override
  public void setOption(int level, int name, MemorySegment value, int length) throws ErrnoException {
    MemorySegment m = WORKING.get();
    int given = Math.min(length, MAX_VALUE);
    MemorySegment.copy(value, 0, m, 8, given);
    check(Libc.setsockopt(fd.number(), level, name, m.address() + 8, given));
  }

  @Override
  public int count(int request) throws ErrnoException {
    MemorySegment m = WORKING.get();
    check(Libc.ioctl(fd.number(), request, m.address()));
    return m.get(JAVA_INT, 0);
  }

  @Override
  public int readiness(int mask) {
    return fd.readiness(mask);
  }

  @Override
  public void watch(int mask, IntConsumer listener) throws ErrnoException {
    fd.watch(mask, listener);
  }

  @Override
  public void close() {
    fd.close();
    network.socketClosed();
  }

  private static long orWouldBlock(long result) throws ErrnoException {
    if (result >= 0) {
      return result;
    }
    Errno e = Libc.errno();
    if (e == Errno.EAGAIN) {
      return WOULD_BLOCK;
    }
    throw e.error();
  }
}
