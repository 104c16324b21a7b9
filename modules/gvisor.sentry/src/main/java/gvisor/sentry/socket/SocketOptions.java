package gvisor.sentry.socket;

import static gvisor.api.abi.SocketAbi.*;
import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EDOM;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOPROTOOPT;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;

/**
 * Options of level SOL_SOCKET that every socket has ({@code man 7 socket}). Written under the socket's lock, read by
 * anyone.
 */
public final class SocketOptions {
  /** {@code /proc/sys/net/core/wmem_default} and {@code wmem_max}; rmem has the same. */
  public static final int DEFAULT_BUFFER = 212992;

  /** No timeout. */
  public static final long NO_TIMEOUT = Long.MAX_VALUE;

  private static final int MAX_BUFFER = 212992;
  private static final int MAX_FORCED_BUFFER = 16 << 20;
  private static final int MIN_SEND_BUFFER = 4608;
  private static final int MIN_RECEIVE_BUFFER = 2304;
  private static final int TIMEVAL_SIZE = 16;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final long MAX_SECONDS = Long.MAX_VALUE / NANOS_PER_SECOND - 1;

  public volatile boolean isReuseAddress;
  public volatile boolean isReusePort;
  public volatile boolean isKeepAlive;
  public volatile boolean isBroadcast;
  public volatile boolean isOobInline;
  public volatile boolean isPassCred;
  public volatile boolean isTimestamp;
  public volatile boolean isTimestampNanos;
  public volatile boolean isLinger;
  public volatile int lingerSeconds;
  public volatile int sendBuffer = DEFAULT_BUFFER;
  public volatile int receiveBuffer = DEFAULT_BUFFER;
  /** Whether the application chose the buffer's size, so that it is not to grow by itself. */
  public volatile boolean isSendBufferSet;
  public volatile boolean isReceiveBufferSet;
  public volatile int receiveLowWater = 1;
  /** How long a receive or an accept waits; {@link #NO_TIMEOUT} for ever, 0 not at all. */
  public volatile long receiveTimeoutNanos = NO_TIMEOUT;
  /** How long a send or a connect waits. */
  public volatile long sendTimeoutNanos = NO_TIMEOUT;
  public volatile int priority;
  public volatile int mark;
  /** Index of the device the socket is bound to; 0 for any. */
  public volatile int boundDevice;
  public volatile int peekOffset = -1;

  private volatile boolean isDebug;
  private volatile boolean isDontRoute;
  private volatile boolean isNoCheck;
  private volatile boolean isOverflowCount;
  private volatile boolean isPassSecurity;
  private volatile boolean isZeroCopy;
  private volatile boolean isSelectErrorQueue;
  private volatile boolean isNoFcs;
  private volatile int timestamping;
  private volatile int busyPoll;
  private volatile int incomingCpu = -1;
  private volatile long pacingRate = -1;

  /** Takes over what an accepted socket inherits from its listener. */
  public void inherit(SocketOptions listener) {
    isReuseAddress = listener.isReuseAddress;
    isReusePort = listener.isReusePort;
    isKeepAlive = listener.isKeepAlive;
    isOobInline = listener.isOobInline;
    isTimestamp = listener.isTimestamp;
    isTimestampNanos = listener.isTimestampNanos;
    isLinger = listener.isLinger;
    lingerSeconds = listener.lingerSeconds;
    sendBuffer = listener.sendBuffer;
    receiveBuffer = listener.receiveBuffer;
    isSendBufferSet = listener.isSendBufferSet;
    isReceiveBufferSet = listener.isReceiveBufferSet;
    receiveLowWater = listener.receiveLowWater;
    receiveTimeoutNanos = listener.receiveTimeoutNanos;
    sendTimeoutNanos = listener.sendTimeoutNanos;
    priority = listener.priority;
    mark = listener.mark;
    boundDevice = listener.boundDevice;
  }

  /** {@code setsockopt} at level SOL_SOCKET; ENOPROTOOPT for what is not known. */
  void set(Credentials creds, int family, int type, int name, OptionValue value) throws ErrnoException {
    if (name == SO_BINDTODEVICE) {
      bindToDevice(value);
      return;
    }
    int number = value.asInt();
    boolean on = number != 0;
    switch (name) {
      case SO_DEBUG -> {
        if (on) {
          requireNetAdmin(creds, EACCES.error());
        }
        isDebug = on;
      }
      case SO_REUSEADDR -> isReuseAddress = on;
      case SO_REUSEPORT -> isReusePort = on;
      case SO_TYPE, SO_PROTOCOL, SO_DOMAIN, SO_ERROR -> throw ENOPROTOOPT.error();
      case SO_DONTROUTE -> isDontRoute = on;
      case SO_BROADCAST -> isBroadcast = on;
      case SO_SNDBUF -> setSendBuffer(Math.min(number & 0x7fffffff, MAX_BUFFER), number < 0);
      case SO_SNDBUFFORCE -> {
        requireNetAdmin(creds, EPERM.error());
        setSendBuffer(Math.min(Math.max(number, 0), MAX_FORCED_BUFFER), false);
      }
      case SO_RCVBUF -> setReceiveBuffer(Math.min(number & 0x7fffffff, MAX_BUFFER), number < 0);
      case SO_RCVBUFFORCE -> {
        requireNetAdmin(creds, EPERM.error());
        setReceiveBuffer(Math.min(Math.max(number, 0), MAX_FORCED_BUFFER), false);
      }
      case SO_KEEPALIVE -> isKeepAlive = on;
      case SO_OOBINLINE -> isOobInline = on;
      case SO_NO_CHECK -> isNoCheck = on;
      case SO_PRIORITY -> {
        if (number < 0 || number > 6) {
          requireNetAdmin(creds, EPERM.error());
        }
        priority = number;
      }
      case SO_LINGER -> {
        value.requireLength(8);
        isLinger = on;
        if (on) {
          lingerSeconds = value.intAt(4);
        }
      }
      case SO_PASSCRED -> {
        requirePassing(family);
        isPassCred = on;
      }
      case SO_PASSSEC -> {
        requirePassing(family);
        isPassSecurity = on;
      }
      case SO_RCVLOWAT -> receiveLowWater = number < 0 ? Integer.MAX_VALUE : Math.max(number, 1);
      case SO_RCVTIMEO, SO_RCVTIMEO_NEW -> receiveTimeoutNanos = timeout(value);
      case SO_SNDTIMEO, SO_SNDTIMEO_NEW -> sendTimeoutNanos = timeout(value);
      case SO_TIMESTAMP -> {
        isTimestamp = on;
        isTimestampNanos = false;
      }
      case SO_TIMESTAMPNS -> {
        isTimestamp = false;
        isTimestampNanos = on;
      }
      case SO_TIMESTAMPING -> timestamping = number;
      case SO_MARK -> {
        requireNetAdmin(creds, EPERM.error());
        mark = number;
      }
      case SO_RXQ_OVFL -> isOverflowCount = on;
      case SO_PEEK_OFF -> {
        if (family != AF_UNIX) {
          throw gvisor.api.errno.Errno.EOPNOTSUPP.error();
        }
        peekOffset = number;
      }
      case SO_NOFCS -> isNoFcs = on;
      case SO_SELECT_ERR_QUEUE -> isSelectErrorQueue = on;
      case SO_BUSY_POLL -> {
        if (number < 0) {
          throw EINVAL.error();
        }
        busyPoll = number;
      }
      case SO_MAX_PACING_RATE -> pacingRate = value.length >= 8 ? value.longAt(0) : number & 0xffffffffL;
      case SO_INCOMING_CPU -> incomingCpu = number;
      case SO_ZEROCOPY -> {
        if (number < 0 || number > 1) {
          throw EINVAL.error();
        }
        if (family != AF_INET && family != AF_INET6) {
          throw gvisor.api.errno.Errno.EOPNOTSUPP.error();
        }
        isZeroCopy = on;
      }
      case SO_DETACH_FILTER -> throw gvisor.api.errno.Errno.ENOENT.error();
      default -> throw ENOPROTOOPT.error();
    }
  }

  /** {@code getsockopt} for what is stored here; false when {@code name} is not among it. */
  boolean get(int name, OptionValue out) {
    switch (name) {
      case SO_DEBUG -> out.setBoolean(isDebug);
      case SO_REUSEADDR -> out.setBoolean(isReuseAddress);
      case SO_REUSEPORT -> out.setBoolean(isReusePort);
      case SO_DONTROUTE -> out.setBoolean(isDontRoute);
      case SO_BROADCAST -> out.setBoolean(isBroadcast);
      case SO_SNDBUF -> out.setInt(sendBuffer);
      case SO_RCVBUF -> out.setInt(receiveBuffer);
      case SO_KEEPALIVE -> out.setBoolean(isKeepAlive);
      case SO_OOBINLINE -> out.setBoolean(isOobInline);
      case SO_NO_CHECK -> out.setBoolean(isNoCheck);
      case SO_PRIORITY -> out.setInt(priority);
      case SO_LINGER -> {
        out.start(8);
        out.putInt(0, isLinger ? 1 : 0);
        out.putInt(4, lingerSeconds);
      }
      case SO_PASSCRED -> out.setBoolean(isPassCred);
      case SO_PASSSEC -> out.setBoolean(isPassSecurity);
      case SO_RCVLOWAT -> out.setInt(receiveLowWater);
      case SO_SNDLOWAT -> out.setInt(1);
      case SO_RCVTIMEO, SO_RCVTIMEO_NEW -> putTimeout(out, receiveTimeoutNanos);
      case SO_SNDTIMEO, SO_SNDTIMEO_NEW -> putTimeout(out, sendTimeoutNanos);
      case SO_TIMESTAMP -> out.setBoolean(isTimestamp);
      case SO_TIMESTAMPNS -> out.setBoolean(isTimestampNanos);
      case SO_TIMESTAMPING -> {
        out.start(8);
        out.putInt(0, timestamping);
      }
      case SO_MARK -> out.setInt(mark);
      case SO_RXQ_OVFL -> out.setBoolean(isOverflowCount);
      case SO_PEEK_OFF -> out.setInt(peekOffset);
      case SO_NOFCS -> out.setBoolean(isNoFcs);
      case SO_SELECT_ERR_QUEUE -> out.setBoolean(isSelectErrorQueue);
      case SO_BUSY_POLL -> out.setInt(busyPoll);
      case SO_LOCK_FILTER, SO_PREFER_BUSY_POLL, SO_BUSY_POLL_BUDGET -> out.setInt(0);
      case SO_MAX_PACING_RATE -> {
        out.start(8);
        out.putLong(0, pacingRate);
      }
      case SO_INCOMING_CPU -> out.setInt(incomingCpu);
      case SO_ZEROCOPY -> out.setBoolean(isZeroCopy);
      case SO_BINDTODEVICE -> {
        out.start(16);
        out.length = 0;
        if (boundDevice == 1) {
          out.putByte(0, 'l');
          out.putByte(1, 'o');
          out.length = 3;
        }
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private void setSendBuffer(int wanted, boolean isNegative) {
    int value = isNegative ? MAX_BUFFER : wanted;
    sendBuffer = Math.max(value * 2, MIN_SEND_BUFFER);
    isSendBufferSet = true;
  }

  private void setReceiveBuffer(int wanted, boolean isNegative) {
    int value = isNegative ? MAX_BUFFER : wanted;
    receiveBuffer = Math.max(value * 2, MIN_RECEIVE_BUFFER);
    isReceiveBufferSet = true;
  }

  private void bindToDevice(OptionValue value) throws ErrnoException {
    int n = 0;
    while (n < value.length && n < 15 && value.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, n) != 0) {
      n++;
    }
    if (n == 0) {
      boundDevice = 0;
    } else if (n == 2 && value.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0) == 'l'
        && value.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 1) == 'o') {
      boundDevice = 1;
    } else {
      throw ENODEV.error();
    }
  }

  private static void requirePassing(int family) throws ErrnoException {
    if (family != AF_UNIX && family != AF_NETLINK) {
      throw gvisor.api.errno.Errno.EOPNOTSUPP.error();
    }
  }

  private static void requireNetAdmin(Credentials creds, ErrnoException otherwise) throws ErrnoException {
    if (!creds.has(Capability.CAP_NET_ADMIN)) {
      throw otherwise;
    }
  }

  private static long timeout(OptionValue value) throws ErrnoException {
    value.requireLength(TIMEVAL_SIZE);
    long seconds = value.longAt(0);
    long micros = value.longAt(8);
    if (micros < 0 || micros >= 1_000_000) {
      throw EDOM.error();
    }
    if (seconds < 0) {
      return 0;
    }
    if (seconds == 0 && micros == 0 || seconds > MAX_SECONDS) {
      return NO_TIMEOUT;
    }
    return seconds * NANOS_PER_SECOND + micros * 1000;
  }

  private static void putTimeout(OptionValue out, long nanos) {
    out.start(TIMEVAL_SIZE);
    if (nanos != NO_TIMEOUT) {
      out.putLong(0, nanos / NANOS_PER_SECOND);
      out.putLong(8, nanos % NANOS_PER_SECOND / 1000);
    }
  }
}
