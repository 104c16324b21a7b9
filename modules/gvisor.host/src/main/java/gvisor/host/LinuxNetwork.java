package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostNetwork;
import gvisor.api.host.HostSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sockets from a {@link SocketMaker}. Thread-safe: requests take turns, each some microseconds long, for the maker never
 * waits.
 */
public final class LinuxNetwork implements HostNetwork {
  private static final int SOCK_NONBLOCK = 04000;
  private static final int SOCK_CLOEXEC = 02000000;

  private final ScmSocket maker;
  private final int maxSockets;
  private final AtomicInteger sockets = new AtomicInteger();
  private final MemorySegment request = Arena.ofAuto().allocate(SocketMakerProgram.REQUEST_SIZE, 8);
  private final MemorySegment answer = Arena.ofAuto().allocate(SocketMakerProgram.ANSWER_SIZE, 8);

  /**
   * Over the connection {@code maker}, which becomes its own.
   *
   * @param maxSockets how many sockets there may be at a time, accepted ones too; more are ENFILE
   */
  public LinuxNetwork(ScmSocket maker, int maxSockets) {
    this.maker = maker;
    this.maxSockets = maxSockets;
  }

  @Override
  public HostSocket socket(int family, int type, int protocol) throws ErrnoException {
    countSocket();
    boolean done = false;
    try {
      int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
      Fd made = ask(SocketMakerProgram.SOCKET, family, type | flags, protocol, null, List.of());
      if (made == null) {
        throw Errno.EACCES.error();
      }
      done = true;
      return new LinuxSocket(this, made);
    } finally {
      if (!done) {
        socketClosed();
      }
    }
  }

  /** One more socket; ENFILE. */
  void countSocket() throws ErrnoException {
    if (sockets.incrementAndGet() > maxSockets) {
      sockets.decrementAndGet();
      throw Errno.ENFILE.error();
    }
  }

  void socketClosed() {
    sockets.decrementAndGet();
  }

  /** Has {@code operation} done to {@code socket}, with an address. */
  void name(int operation, Fd socket, MemorySegment address, int length) throws ErrnoException {
    ask(operation, 0, 0, length, address, List.of(socket));
  }

  /** {@code listen(2)}. */
  void listen(Fd socket, int backlog) throws ErrnoException {
    ask(SocketMakerProgram.LISTEN, backlog, 0, 0, null, List.of(socket));
  }

  /** One request; the socket that came with the answer, or null. ENETDOWN when the maker is gone. */
  private synchronized Fd ask(int operation, int first, int second, int third, MemorySegment address, List<Fd> fds)
      throws ErrnoException {
    request.fill((byte) 0);
    request.set(JAVA_INT, 0, operation);
    request.set(JAVA_INT, 4, first);
    request.set(JAVA_INT, 8, second);
    request.set(JAVA_INT, 12, third);
    if (address != null) {
      if (third < 0 || third > SocketMakerProgram.MAX_ADDRESS) {
        throw Errno.EINVAL.error();
      }
      MemorySegment.copy(address, 0, request, SocketMakerProgram.ADDRESS, third);
    }
    ScmSocket.Received received;
    try {
      maker.send(request, fds);
      received = maker.receive(answer);
    } catch (ErrnoException e) {
      // ETOOMANYREFS: too many descriptors are on their way for all processes of this user together.
      throw e.errno() == Errno.ETOOMANYREFS ? e : Errno.ENETDOWN.error();
    }
    if (received.length() != SocketMakerProgram.ANSWER_SIZE || received.fds().length > 1) {
      for (Fd fd : received.fds()) {
        fd.close();
      }
      throw Errno.ENETDOWN.error();
    }
    Fd made = received.fds().length == 1 ? received.fds()[0] : null;
    long result = answer.get(JAVA_LONG, 0);
    if (result < 0) {
      if (made != null) {
        made.close();
      }
      throw Errno.of((int) -result).error();
    }
    return made;
  }
}
