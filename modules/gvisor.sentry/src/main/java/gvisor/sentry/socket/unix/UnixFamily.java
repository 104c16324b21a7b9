package gvisor.sentry.socket.unix;

import static gvisor.api.abi.SocketAbi.AF_UNIX;
import static gvisor.api.abi.SocketAbi.SOCK_DGRAM;
import static gvisor.api.abi.SocketAbi.SOCK_RAW;
import static gvisor.api.abi.SocketAbi.SOCK_SEQPACKET;
import static gvisor.api.abi.SocketAbi.SOCK_STREAM;
import static gvisor.api.errno.Errno.EPROTONOSUPPORT;
import static gvisor.api.errno.Errno.ESOCKTNOSUPPORT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketCreds;
import gvisor.sentry.socket.SocketFamily;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import java.util.concurrent.ConcurrentHashMap;

/** AF_UNIX. Path names are the same in every network namespace, so they are here. */
public final class UnixFamily implements SocketFamily {
  private final ConcurrentHashMap<Inode, UnixSocket> bound = new ConcurrentHashMap<>();

  @Override
  public int number() {
    return AF_UNIX;
  }

  @Override
  public Object newState(Network net) {
    return new UnixNames();
  }

  @Override
  public Socket create(Caller caller, Network net, int type, int protocol) throws ErrnoException {
    if (protocol != 0 && protocol != AF_UNIX) {
      throw EPROTONOSUPPORT.error();
    }
    UnixSocket socket = switch (type) {
      case SOCK_STREAM -> new UnixStreamSocket(this, net);
      case SOCK_SEQPACKET -> new UnixSeqpacketSocket(this, net);
      // Linux makes a raw socket of this family a datagram one.
      case SOCK_DGRAM, SOCK_RAW -> new UnixDatagramSocket(this, net);
      default -> throw ESOCKTNOSUPPORT.error();
    };
    socket.names().add(socket);
    return socket;
  }

  @Override
  public void createPair(Caller caller, Network net, int type, int protocol, Socket[] pair)
      throws ErrnoException {
    Socket one = create(caller, net, type, protocol);
    Socket two = create(caller, net, type, protocol);
    SocketCreds creds = SocketCreds.peer(caller);
    if (one instanceof UnixConnectedSocket a && two instanceof UnixConnectedSocket b) {
      a.couple(b);
      a.setPeerCreds(creds);
      b.setPeerCreds(creds);
    } else if (one instanceof UnixDatagramSocket a && two instanceof UnixDatagramSocket b) {
      a.couple(b, creds);
    }
    pair[0] = one;
    pair[1] = two;
  }

  /** The socket bound to {@code inode}, or null. */
  UnixSocket find(Inode inode) {
    return bound.get(inode);
  }

  void bind(Inode inode, UnixSocket socket) {
    bound.put(inode, socket);
  }

  void unbind(Inode inode, UnixSocket socket) {
    bound.remove(inode, socket);
  }
}
