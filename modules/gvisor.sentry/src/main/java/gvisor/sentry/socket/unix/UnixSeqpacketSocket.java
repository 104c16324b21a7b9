package gvisor.sentry.socket.unix;

import static gvisor.api.abi.SocketAbi.SOCK_SEQPACKET;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ENOTCONN;
import static gvisor.api.errno.Errno.EPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.Control;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.PacketQueue;
import gvisor.sentry.vfs.Caller;

/** SOCK_SEQPACKET of AF_UNIX: connected, with message boundaries. */
public final class UnixSeqpacketSocket extends UnixConnectedSocket {
  private volatile PacketQueue in;
  private volatile PacketQueue out;

  UnixSeqpacketSocket(UnixFamily unix, Network net) {
    super(unix, net, SOCK_SEQPACKET);
  }

  @Override
  protected UnixConnectedSocket sibling() {
    return new UnixSeqpacketSocket(unix(), net());
  }

  @Override
  protected void join(UnixConnectedSocket socket) {
    UnixSeqpacketSocket other = (UnixSeqpacketSocket) socket;
    out = new PacketQueue(net().budget(), other.queue(), queue());
    in = new PacketQueue(net().budget(), queue(), other.queue());
    other.out = in;
    other.in = out;
  }

  @Override
  public long send(Caller caller, Message message, IoBuffer src, int flags) throws ErrnoException {
    if (!isConnected()) {
      throw ENOTCONN.error();
    }
    refuseOob(flags);
    PacketQueue packets = out;
    if (src.remaining() > options().sendBuffer - UnixDatagramSocket.HEADROOM) {
      throw EMSGSIZE.error();
    }
    if (host() != null) {
      return host().send(message, src, flags);
    }
    throwError();
    if (packets.isFinished() || packets.isAbandoned()) {
      throw EPIPE.error();
    }
    Control control = control(caller, message, options().isPassCred || peer().options().isPassCred);
    long sent = WOULD_BLOCK;
    try {
      sent = packets.write(src, null, control, 0, 0, options().sendBuffer, Integer.MAX_VALUE);
      if (sent == PacketQueue.GONE) {
        throw EPIPE.error();
      }
    } finally {
      settle(control, message, sent >= 0);
    }
    return sent;
  }

  @Override
  public long receive(Caller caller, Message message, IoBuffer dst, int flags) throws ErrnoException {
    if (!isConnected()) {
      throw ENOTCONN.error();
    }
    refuseOob(flags);
    if (host() != null) {
      return receiveFromHost(message, dst, flags);
    }
    PacketQueue packets = in;
    if (packets.isEmpty()) {
      throwError();
    }
    long n = UnixDatagramSocket.take(packets, dst, message, flags);
    if (n != WOULD_BLOCK && message != null) {
      putSource(message);
      if (!options().isPassCred) {
        message.creds = null;
      }
    }
    return n;
  }

  @Override
  public int readableBytes() throws ErrnoException {
    if (isListening()) {
      throw EINVAL.error();
    }
    if (host() != null) {
      return host().readableBytes();
    }
    PacketQueue packets = in;
    return packets == null ? 0 : packets.firstLength();
  }

  @Override
  public int unsentBytes() throws ErrnoException {
    if (host() != null) {
      return host().unsentBytes();
    }
    PacketQueue packets = out;
    return packets == null ? 0 : packets.usedBytes();
  }

  @Override
  protected PacketQueue in() {
    return in;
  }

  @Override
  protected PacketQueue out() {
    return out;
  }

  @Override
  protected boolean hasRoom() {
    return out.isWritable(options().sendBuffer);
  }
}
