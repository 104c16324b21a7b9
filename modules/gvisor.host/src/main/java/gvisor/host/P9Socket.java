package gvisor.host;

import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EPIPE;
import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.p9.P9Transport;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * 9P messages over a SOCK_SEQPACKET Unix socket: one message a packet, at most one descriptor beside it. Works for both
 * ends.
 *
 * <p>Any thread may send; one at a time may receive.
 */
public final class P9Socket implements P9Transport {
  private static final int SOCK_SEQPACKET = 5;
  private static final int SHUT_RDWR = 2;

  /** {@code struct msghdr}, then an iovec, then the control data. */
  private static final int MSG_IOV = 16, MSG_IOVLEN = 24, MSG_CONTROL = 32, MSG_CONTROLLEN = 40, MSG_FLAGS = 48,
      IOVEC = 56, CONTROL = 72;

  /** CMSG_LEN(sizeof(int)), and CMSG_SPACE of it: a second descriptor would fit into the padding. */
  private static final int CONTROL_LENGTH = 20, CONTROL_SPACE = 24, CMSG_LEVEL = 8, CMSG_TYPE = 12, CMSG_DATA = 16;

  private static final int HEADER_SIZE = CONTROL + CONTROL_SPACE;

  /** Set in {@link #users} once closed. */
  private static final int CLOSED = 1 << 30;

  /** Set in {@link #users} once the number has been closed, too. */
  private static final int FREED = 1 << 29;

  private final Fd socket;

  /** Threads inside a call on the socket; the number is closed when closed and nobody is left in one. */
  private final AtomicInteger users = new AtomicInteger();

  private final MemorySegment receiveHeader = newHeader();
  private final ReentrantLock sendHeaderLock = new ReentrantLock();
  private final MemorySegment sendHeader = newHeader();
  private Fd received;

  /** Takes ownership of a connected SOCK_SEQPACKET socket. */
  public P9Socket(Fd socket) {
    this.socket = socket;
  }

  /** A connected pair: what one sends, the other receives. */
  public static P9Socket[] pair() throws ErrnoException {
    Fd[] fds = fdPair();
    return new P9Socket[] {new P9Socket(fds[0]), new P9Socket(fds[1])};
  }

  /** A connected pair of sockets for this class, close-on-exec: one is to be handed to another process. */
  public static Fd[] fdPair() throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment two = arena.allocate(8, 4);
      check(Libc.socketpair(Sys.AF_UNIX, SOCK_SEQPACKET | Sys.SOCK_CLOEXEC, 0, two.address()));
      return new Fd[] {Fd.adopt(two.get(JAVA_INT, 0)), Fd.adopt(two.get(JAVA_INT, 4))};
    }
  }

  @Override
  public MemorySegment newBuffer(long size) {
    return Arena.ofAuto().allocate(size, 64);
  }

  @Override
  public void send(MemorySegment message, long length) throws ErrnoException {
    enter();
    try {
      while (Libc.send(socket.number(), message.address(), length, Sys.MSG_NOSIGNAL) < 0) {
        retryOrThrow();
      }
    } finally {
      leave();
    }
  }

  /** Sends with {@code fd} beside the message; the caller keeps its own. */
  public void send(MemorySegment message, long length, Fd fd) throws ErrnoException {
    enter();
    sendHeaderLock.lock();
    try {
      prepare(sendHeader, message, length);
      sendHeader.set(JAVA_LONG, CONTROL, CONTROL_LENGTH);
      sendHeader.set(JAVA_INT, CONTROL + CMSG_LEVEL, Sys.SOL_SOCKET);
      sendHeader.set(JAVA_INT, CONTROL + CMSG_TYPE, Sys.SCM_RIGHTS);
      sendHeader.set(JAVA_INT, CONTROL + CMSG_DATA, fd.number());
      while (Libc.sendmsg(socket.number(), sendHeader.address(), Sys.MSG_NOSIGNAL) < 0) {
        retryOrThrow();
      }
    } finally {
      sendHeaderLock.unlock();
      leave();
    }
  }

  @Override
  public long receive(MemorySegment message) throws ErrnoException {
    HostFd untaken = takeFd();
    if (untaken != null) {
      untaken.close();
    }
    enter();
    try {
      long n;
      do {
        prepare(receiveHeader, message, message.byteSize());
        n = Libc.recvmsg(socket.number(), receiveHeader.address(), Sys.MSG_CMSG_CLOEXEC);
        if (n < 0) {
          retryOrThrow();
        }
      } while (n < 0);
      takeDescriptors();
      boolean cut = (receiveHeader.get(JAVA_INT, MSG_FLAGS) & Sys.MSG_TRUNC) != 0;
      return cut ? message.byteSize() + 1 : n;
    } finally {
      leave();
    }
  }

  @Override
  public HostFd takeFd() {
    Fd fd = received;
    received = null;
    return fd;
  }

  @Override
  public void close() {
    int before = users.getAndUpdate(u -> u | CLOSED);
    if ((before & CLOSED) == 0) {
      if (before > 0) {
        // Whoever is inside a call wakes up and, as the last to leave, closes.
        Libc.shutdown(socket.number(), SHUT_RDWR);
      }
      closeIfUnused();
    }
  }

  private void enter() throws ErrnoException {
    if ((users.getAndIncrement() & CLOSED) != 0) {
      leave();
      throw EPIPE.error();
    }
  }

  private void leave() {
    if (users.decrementAndGet() == CLOSED) {
      closeIfUnused();
    }
  }

  private void closeIfUnused() {
    if (users.compareAndSet(CLOSED, CLOSED | FREED)) {
      socket.close();
    }
  }

  /** The kernel has left the header's lengths as it found them for sending, but not for receiving. */
  private static void prepare(MemorySegment header, MemorySegment message, long length) {
    header.set(JAVA_LONG, IOVEC, message.address());
    header.set(JAVA_LONG, IOVEC + 8, length);
    header.set(JAVA_LONG, MSG_CONTROLLEN, CONTROL_SPACE);
    header.set(JAVA_INT, MSG_FLAGS, 0);
  }

  private static MemorySegment newHeader() {
    MemorySegment h = Arena.ofAuto().allocate(HEADER_SIZE, 8);
    h.set(JAVA_LONG, MSG_IOV, h.address() + IOVEC);
    h.set(JAVA_LONG, MSG_IOVLEN, 1);
    h.set(JAVA_LONG, MSG_CONTROL, h.address() + CONTROL);
    return h;
  }

  /** Keeps the first descriptor that came, and closes the others. */
  private void takeDescriptors() {
    if (receiveHeader.get(JAVA_LONG, MSG_CONTROLLEN) < CONTROL_LENGTH
        || receiveHeader.get(JAVA_INT, CONTROL + CMSG_LEVEL) != Sys.SOL_SOCKET
        || receiveHeader.get(JAVA_INT, CONTROL + CMSG_TYPE) != Sys.SCM_RIGHTS) {
      return;
    }
    long end = Math.min(receiveHeader.get(JAVA_LONG, CONTROL), CONTROL_SPACE);
    for (long at = CMSG_DATA; at + 4 <= end; at += 4) {
      Fd fd = Fd.adopt(receiveHeader.get(JAVA_INT, CONTROL + at));
      if (received == null) {
        received = fd;
      } else {
        fd.close();
      }
    }
  }

  private static void retryOrThrow() throws ErrnoException {
    if (Libc.errno() != EINTR) {
      throw Libc.errno().error();
    }
  }
}
