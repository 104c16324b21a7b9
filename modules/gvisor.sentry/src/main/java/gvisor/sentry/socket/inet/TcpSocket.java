package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_UNSPEC;
import static gvisor.api.abi.SocketAbi.IPPROTO_TCP;
import static gvisor.api.abi.SocketAbi.MSG_ERRQUEUE;
import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.MSG_TRUNC;
import static gvisor.api.abi.SocketAbi.SHUT_RD;
import static gvisor.api.abi.SocketAbi.SOCK_STREAM;
import static gvisor.api.abi.SocketAbi.SOL_TCP;
import static gvisor.api.abi.SocketAbi.SO_RCVBUF;
import static gvisor.api.abi.SocketAbi.SO_RCVBUFFORCE;
import static gvisor.api.abi.SocketAbi.SO_SNDBUF;
import static gvisor.api.abi.SocketAbi.SO_SNDBUFFORCE;
import static gvisor.api.errno.Errno.EALREADY;
import static gvisor.api.errno.Errno.ECONNABORTED;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISCONN;
import static gvisor.api.errno.Errno.ENOTCONN;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.vfs.Caller;

/** SOCK_STREAM of AF_INET and AF_INET6. */
public final class TcpSocket extends InetSocket implements StreamOwner {
  private static final int MAX_BACKLOG = 4096;
  private static final int INITIAL_SEND_BUFFER = 16384;
  private static final int INITIAL_RECEIVE_BUFFER = 131_072;

  private final StreamEndpoint endpoint;
  private final TcpOptions tcpOptions = new TcpOptions();

  /** A connect was begun and its outcome not asked for yet: Linux's SS_CONNECTING. Guarded by socketLock. */
  private boolean isConnecting;

  TcpSocket(Network net, int family, int uid) {
    super(net, family, SOCK_STREAM, IPPROTO_TCP, uid);
    options().sendBuffer = INITIAL_SEND_BUFFER;
    options().receiveBuffer = INITIAL_RECEIVE_BUFFER;
    endpoint = transport().newStream(this);
  }

  @Override
  public StreamOwner newChild() {
    TcpSocket child = new TcpSocket(net(), family(), uid());
    child.options().inherit(options());
    child.inetOptions().inherit(inetOptions());
    child.tcpOptions.inherit(tcpOptions);
    return child;
  }

  @Override
  public StreamEndpoint endpoint() {
    return endpoint;
  }

  @Override
  protected boolean isBound() {
    return endpoint.isBound();
  }

  @Override
  protected boolean isConnected() {
    int state = endpoint.state();
    return state != StreamEndpoint.CLOSE && state != StreamEndpoint.SYN_SENT && state != StreamEndpoint.LISTEN;
  }

  @Override
  public boolean isListening() {
    return endpoint.state() == StreamEndpoint.LISTEN;
  }

  // ---- names ----

  @Override
  public void bind(Caller caller, AddrBuffer address) throws ErrnoException {
    InetName name = new InetName();
    decodeForBind(caller, address, true, name);
    socketLock.lock();
    try {
      if (endpoint.isBound() || endpoint.state() != StreamEndpoint.CLOSE) {
        throw EINVAL.error();
      }
      endpoint.bind(name);
    } finally {
      socketLock.unlock();
    }
  }

  @Override
  public void localAddress(AddrBuffer out) {
    InetName name = new InetName();
    endpoint.local(name);
    name.encode(out, family());
  }

  @Override
  public void peerAddress(AddrBuffer out) throws ErrnoException {
    if (!isConnected()) {
      throw ENOTCONN.error();
    }
    InetName name = new InetName();
    endpoint.remote(name);
    name.encode(out, family());
  }

  @Override
  public void acceptedPeer(AddrBuffer out) {
    InetName name = new InetName();
    endpoint.remote(name);
    name.encode(out, family());
  }

  // ---- connecting ----

  @Override
  public long connect(Caller caller, AddrBuffer address, boolean nonblocking) throws ErrnoException {
    if (address.length < 2) {
      throw EINVAL.error();
    }
    socketLock.lock();
    try {
      if (address.family() == AF_UNSPEC) {
        isConnecting = false;
        takeError();
        endpoint.disconnect();
        return 0;
      }
      if (isConnecting) {
        if (endpoint.state() == StreamEndpoint.SYN_SENT && nonblocking) {
          throw EALREADY.error();
        }
        long outcome = outcome();
        return outcome == IN_PROGRESS ? ALREADY : outcome;
      }
      if (endpoint.state() != StreamEndpoint.CLOSE || isEnded()) {
        throw EISCONN.error();
      }
      InetName name = new InetName();
      decodePeer(address, name);
      takeError();
      endpoint.connect(name);
      isConnecting = true;
      return nonblocking ? IN_PROGRESS : outcome();
    } finally {
      socketLock.unlock();
    }
  }

  /** Whether there was a connection and both ends have shut it: the socket cannot connect again before it is closed. */
  private boolean isEnded() {
    return (endpoint.readiness() & EventMask.EPOLLRDHUP) != 0;
  }

  @Override
  public long connectResult() throws ErrnoException {
    socketLock.lock();
    try {
      return isConnecting ? outcome() : 0;
    } finally {
      socketLock.unlock();
    }
  }

  private long outcome() throws ErrnoException {
    int state = endpoint.state();
    if (state == StreamEndpoint.SYN_SENT) {
      return IN_PROGRESS;
    }
    isConnecting = false;
    if (state == StreamEndpoint.CLOSE) {
      Errno error = takeError();
      endpoint.disconnect();
      throw error == null ? ECONNABORTED.error() : error.error();
    }
    return 0;
  }

  @Override
  public void listen(Caller caller, int backlog) throws ErrnoException {
    socketLock.lock();
    try {
      int state = endpoint.state();
      if (isConnecting || state != StreamEndpoint.CLOSE && state != StreamEndpoint.LISTEN || isEnded()) {
        throw EINVAL.error();
      }
      endpoint.listen(backlog < 0 || backlog > MAX_BACKLOG ? MAX_BACKLOG : backlog);
    } finally {
      socketLock.unlock();
    }
  }

  @Override
  public Socket accept(Caller caller) throws ErrnoException {
    StreamOwner child = endpoint.accept();
    if (child == null && endpoint.state() != StreamEndpoint.LISTEN) {
      throw EINVAL.error();
    }
    return (Socket) child;
  }

  // ---- data ----

  @Override
  public long send(Caller caller, Message message, IoBuffer src, int flags) throws ErrnoException {
    if (hasError()) {
      throwError();
    }
    return endpoint.write(src, (flags & MSG_OOB) != 0);
  }

  @Override
  public long receive(Caller caller, Message message, IoBuffer dst, int flags) throws ErrnoException {
    if ((flags & MSG_ERRQUEUE) != 0) {
      return WOULD_BLOCK;
    }
    if ((flags & MSG_OOB) != 0) {
      return endpoint.readUrgent(message, dst, (flags & MSG_PEEK) != 0);
    }
    long n;
    if ((flags & MSG_TRUNC) != 0 && (flags & MSG_PEEK) == 0) {
      // Linux throws the bytes away instead of copying them.
      n = endpoint.discard(dst.remaining());
    } else {
      n = endpoint.read(dst, (flags & MSG_PEEK) != 0);
    }
    if (n <= 0 && hasError()) {
      throwError();
    }
    return n;
  }

  @Override
  public int readableBytes() throws ErrnoException {
    if (isListening()) {
      throw EINVAL.error();
    }
    return endpoint.readableBytes();
  }

  @Override
  public int unsentBytes() throws ErrnoException {
    if (isListening()) {
      throw EINVAL.error();
    }
    return endpoint.unsentBytes();
  }

  @Override
  public boolean isAtMark() {
    return endpoint.isAtMark();
  }

  // ---- ends ----

  @Override
  public void shutdown(int how) throws ErrnoException {
    int state = endpoint.state();
    endpoint.shutdown(how);
    if (state == StreamEndpoint.CLOSE && how >= SHUT_RD) {
      throw ENOTCONN.error();
    }
  }

  @Override
  public void close() {
    endpoint.close(options().isLinger && options().lingerSeconds == 0);
  }

  @Override
  public int readiness(int mask) {
    int ready = endpoint.readiness() | (hasError() ? EventMask.EPOLLERR : 0);
    return ready & (mask | EventMask.ALWAYS);
  }

  // ---- options ----

  @Override
  protected void optionChanged(int name) {
    if (name == SO_SNDBUF || name == SO_RCVBUF || name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE) {
      endpoint.bufferSizeChanged();
    }
  }

  @Override
  public void setOption(Caller caller, int level, int name, OptionValue value) throws ErrnoException {
    if (level == SOL_TCP) {
      tcpOptions.set(caller.creds(), name, value);
    } else {
      super.setOption(caller, level, name, value);
    }
  }

  @Override
  public void getOption(Caller caller, int level, int name, OptionValue out) throws ErrnoException {
    if (level == SOL_TCP) {
      tcpOptions.get(endpoint.state(), name, out);
    } else {
      super.getOption(caller, level, name, out);
    }
  }
}
