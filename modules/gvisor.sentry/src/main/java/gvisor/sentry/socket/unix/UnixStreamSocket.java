package gvisor.sentry.socket.unix;

import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.SOCK_STREAM;
import static gvisor.api.abi.SocketAbi.SO_SNDBUF;
import static gvisor.api.abi.SocketAbi.SO_SNDBUFFORCE;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISCONN;
import static gvisor.api.errno.Errno.ENOTCONN;
import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.Control;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.StreamBuffer;
import gvisor.sentry.vfs.Caller;

/** SOCK_STREAM of AF_UNIX. */
public final class UnixStreamSocket extends UnixConnectedSocket {
  private static final int WRITABLE_SHARE = 4;

  private volatile StreamBuffer in;
  private volatile StreamBuffer out;

  UnixStreamSocket(UnixFamily unix, Network net) {
    super(unix, net, SOCK_STREAM);
  }

  @Override
  protected UnixConnectedSocket sibling() {
    return new UnixStreamSocket(unix(), net());
  }

  @Override
  protected void join(UnixConnectedSocket socket) {
    UnixStreamSocket other = (UnixStreamSocket) socket;
    out = new StreamBuffer(net().budget(), other.queue(), queue(), options().sendBuffer, WRITABLE_SHARE);
    in = new StreamBuffer(net().budget(), queue(), other.queue(), other.options().sendBuffer, WRITABLE_SHARE);
    other.out = in;
    other.in = out;
  }

  @Override
  protected void optionChanged(int name) {
    StreamBuffer buffer = out;
    if ((name == SO_SNDBUF || name == SO_SNDBUFFORCE) && buffer != null) {
      buffer.setLimit(options().sendBuffer);
    }
  }

  @Override
  public long send(Caller caller, Message message, IoBuffer src, int flags) throws ErrnoException {
    boolean urgent = (flags & MSG_OOB) != 0;
    if (urgent && src.remaining() == 0) {
      throw EOPNOTSUPP.error();
    }
    if (message != null && message.name.length > 0) {
      throw isConnected() ? EISCONN.error() : EOPNOTSUPP.error();
    }
    if (!isConnected()) {
      throw ENOTCONN.error();
    }
    if (host() != null) {
      return host().send(message, src, flags);
    }
    StreamBuffer buffer = out;
    Control control =
        control(caller, message, options().isPassCred || peer().options().isPassCred);
    if (control == null) {
      return buffer.write(src, null, urgent);
    }
    long sent = 0;
    try {
      sent = buffer.write(src, control, urgent);
    } finally {
      settle(control, message, sent > 0);
    }
    return sent;
  }

  @Override
  public long receive(Caller caller, Message message, IoBuffer dst, int flags) throws ErrnoException {
    if (!isConnected()) {
      throw EINVAL.error();
    }
    if (host() != null) {
      return receiveFromHost(message, dst, flags);
    }
    StreamBuffer buffer = in;
    if ((flags & MSG_OOB) != 0) {
      return buffer.readUrgent(message, dst, (flags & MSG_PEEK) != 0, options().isOobInline);
    }
    if (hasError() && buffer.used() == 0) {
      throwError();
    }
    long n = buffer.read(dst, message, (flags & MSG_PEEK) != 0, options().isPassCred, options().isOobInline);
    if (n > 0 && message != null) {
      putSource(message);
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
    StreamBuffer buffer = in;
    return buffer == null ? 0 : buffer.used();
  }

  @Override
  public boolean isAtMark() {
    StreamBuffer buffer = in;
    return buffer != null && buffer.isAtMark();
  }

  @Override
  protected boolean hasUrgent() {
    return in.hasUrgent();
  }

  @Override
  public int unsentBytes() throws ErrnoException {
    if (host() != null) {
      return host().unsentBytes();
    }
    StreamBuffer buffer = out;
    return buffer == null ? 0 : buffer.used();
  }

  @Override
  protected StreamBuffer in() {
    return in;
  }

  @Override
  protected StreamBuffer out() {
    return out;
  }

  @Override
  protected boolean hasRoom() {
    return out.isWritable();
  }
}
