package gvisor.sentry.socket.unix;

import static gvisor.api.abi.SocketAbi.AF_UNIX;
import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.abi.SocketAbi.SOCKADDR_UN;
import static gvisor.api.abi.SocketAbi.SOCK_STREAM;
import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPROTOTYPE;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Control;
import gvisor.sentry.socket.InFlight;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketCreds;
import gvisor.sentry.vfs.BoundSocket;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Names;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;
import gvisor.sentry.vfs.Permissions;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.ReentrantLock;

/** What all AF_UNIX sockets share: names and credentials. */
public abstract class UnixSocket extends Socket {
  /** Where the name starts in an address. */
  private static final int PATH_OFFSET = 2;

  private static final int SOCKET_PERMISSIONS = 0777;

  private final UnixFamily unix;
  private final int unixType;

  /** Guards the connection and the name; ranks above accept locks and buffers. */
  protected final ReentrantLock socketLock = new ReentrantLock();

  private volatile byte[] name;
  private Path boundPath;
  private BoundSocket.Host boundOnHost;

  /** The host's end of a name that it knows, too; null where it does not. */
  private volatile HostConnection hostListener;
  private String abstractName;
  private volatile SocketCreds peerCreds = SocketCreds.NONE;
  private volatile boolean isClosed;

  protected UnixSocket(UnixFamily unix, Network net, int type) {
    super(net, AF_UNIX, type, 0);
    this.unix = unix;
    this.unixType = type;
  }

  protected final UnixFamily unix() {
    return unix;
  }

  final UnixNames names() {
    return (UnixNames) net().state(AF_UNIX);
  }

  @Override
  protected final Errno protocolOptionError() {
    return EOPNOTSUPP;
  }

  @Override
  protected final SocketCreds peerCreds() {
    return peerCreds;
  }

  final void setPeerCreds(SocketCreds creds) {
    peerCreds = creds;
  }

  /** The address as {@code getsockname} gives it, or null without one. Never changed once set. */
  public final byte[] name() {
    return name;
  }

  /** Whether it is connected. */
  public abstract boolean hasPeer();

  /** An accepted socket has its listener's name, which it does not own. */
  protected final void shareName(UnixSocket listener) {
    name = listener.name;
  }

  protected final boolean isClosed() {
    return isClosed;
  }

  // ---- names ----

  @Override
  public final void bind(Caller caller, AddrBuffer address) throws ErrnoException {
    if (address.family() != AF_UNIX || address.length > SOCKADDR_UN) {
      throw EINVAL.error();
    }
    socketLock.lock();
    try {
      if (name != null) {
        throw EINVAL.error();
      }
      if (address.length <= PATH_OFFSET) {
        autobind();
      } else if (address.bytes()[PATH_OFFSET] == 0) {
        String wanted = UnixNames.string(address.bytes(), PATH_OFFSET, address.length - PATH_OFFSET);
        names().bind(wanted, this);
        abstractName = wanted;
        name = address.toBytes();
      } else {
        String path = pathName(address);
        BoundSocket bound = Names.bindSocket(caller, path, SOCKET_PERMISSIONS, unixType);
        boundPath = bound.path();
        unix.bind(boundPath.dentry().inode(), this);
        name = pathAddress(path);
        if (bound.host() != null) {
          boundOnHost = bound.host();
          hostListener = new HostConnection(boundOnHost.fd(), unixType == SOCK_STREAM, queue());
        }
      }
    } finally {
      socketLock.unlock();
    }
  }

  /** Gives the socket an abstract name if it has none. The caller holds socketLock. */
  protected final void autobind() throws ErrnoException {
    if (name == null) {
      abstractName = names().autobind(this);
      name = pathAddress(abstractName);
      // Unlike a path, an abstract name ends where the address ends, without NUL.
      name = java.util.Arrays.copyOf(name, name.length - 1);
    }
  }

  private static String pathName(AddrBuffer address) {
    int end = PATH_OFFSET;
    while (end < address.length && address.bytes()[end] != 0) {
      end++;
    }
    return UnixNames.string(address.bytes(), PATH_OFFSET, end - PATH_OFFSET);
  }

  private static byte[] pathAddress(String path) {
    byte[] bytes = new byte[PATH_OFFSET + path.length() + 1];
    bytes[0] = AF_UNIX;
    System.arraycopy(path.getBytes(StandardCharsets.ISO_8859_1), 0, bytes, PATH_OFFSET, path.length());
    return bytes;
  }

  /**
   * What {@code address} names.
   *
   * @throws ErrnoException EINVAL for what is no address; ECONNREFUSED when it cannot be a socket; EPROTOTYPE when it
   *     is of another type; what the path walk gives
   */
  protected final Found find(Caller caller, AddrBuffer address) throws ErrnoException {
    if (address.length <= PATH_OFFSET || address.length > SOCKADDR_UN || address.family() != AF_UNIX) {
      throw EINVAL.error();
    }
    UnixSocket found;
    Inode inode = null;
    if (address.bytes()[PATH_OFFSET] == 0) {
      found = names().find(unixType, UnixNames.string(address.bytes(), PATH_OFFSET, address.length - PATH_OFFSET));
    } else {
      inode = PathWalk.resolve(caller, null, pathName(address), true).dentry().inode();
      inode.checkPermission(caller, Permissions.MAY_WRITE);
      found = unix.find(inode);
    }
    if (found == null && (inode == null || inode.type() != Inode.S_IFSOCK)) {
      throw ECONNREFUSED.error();
    }
    if (found != null && found.unixType != unixType) {
      throw EPROTOTYPE.error();
    }
    return new Found(found, inode);
  }

  /** What an address names: a socket of this kernel; or, where that is null, a node that may be a socket of the host. */
  protected record Found(UnixSocket socket, Inode inode) {}

  /** The host's end of the name, or null where the name is this kernel's alone. */
  protected final HostConnection hostListener() {
    return hostListener;
  }

  /** Has processes of the host connect to the name. */
  protected final void listenOnHost(int backlog) throws ErrnoException {
    if (boundOnHost != null) {
      boundOnHost.listen(backlog);
    }
  }

  @Override
  public final void localAddress(AddrBuffer out) {
    putName(this, out);
  }

  /** The name of {@code socket}, or the family alone when it has none. */
  protected static void putName(UnixSocket socket, AddrBuffer out) {
    byte[] n = socket.name;
    if (n == null) {
      out.start(AF_UNIX, PATH_OFFSET);
    } else {
      out.set(n);
    }
  }

  @Override
  public final void close() {
    isClosed = true;
    socketLock.lock();
    try {
      if (abstractName != null) {
        names().unbind(abstractName, this);
      }
      if (boundPath != null) {
        unix.unbind(boundPath.dentry().inode(), this);
        boundPath = null;
      }
      if (boundOnHost != null) {
        boundOnHost.close();
      }
    } finally {
      socketLock.unlock();
    }
    names().remove(this);
    disconnect();
  }

  /** Lets go of buffers and the other end. */
  protected abstract void disconnect();

  // ---- what goes beside the data ----

  /** What a message carries; null for nothing. The files stay the message's until {@link #taken}. */
  protected final Control control(Caller caller, Message message, boolean isAsked) throws ErrnoException {
    boolean hasFiles = message != null && message.files != null;
    boolean hasCreds = message != null && message.creds != null;
    if (!hasFiles && !hasCreds && !isAsked) {
      return null;
    }
    SocketCreds creds = hasCreds ? message.creds : isAsked ? SocketCreds.sender(caller) : null;
    if (!hasFiles) {
      return new Control(creds, null, null);
    }
    InFlight count = net().layer().inFlight(caller.creds().uid());
    count.add(message.files.length, message.inFlightLimit < 0 ? Long.MAX_VALUE : message.inFlightLimit);
    return new Control(creds, message.files, count);
  }

  /**
   * The message went out with {@code control}, if {@code isSent} says so: its files are the sender's no longer. By then
   * the receiver may have taken them out of {@code control}, which is not to be asked.
   */
  protected static void settle(Control control, Message message, boolean isSent) {
    if (control == null || message == null || message.files == null) {
      return;
    }
    if (isSent) {
      message.files = null;
    } else {
      // Uncounts them; the references are still the message's.
      control.takeFiles();
    }
  }

  protected static void refuseOob(int flags) throws ErrnoException {
    if ((flags & MSG_OOB) != 0) {
      throw EOPNOTSUPP.error();
    }
  }
}
