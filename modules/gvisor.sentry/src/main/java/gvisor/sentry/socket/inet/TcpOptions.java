package gvisor.sentry.socket.inet;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOPROTOOPT;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.socket.OptionValue;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Options of level SOL_TCP ({@code man 7 tcp}). Written under the socket's lock, read by anyone. */
final class TcpOptions {
  static final int TCP_NODELAY = 1;
  static final int TCP_MAXSEG = 2;
  static final int TCP_CORK = 3;
  static final int TCP_KEEPIDLE = 4;
  static final int TCP_KEEPINTVL = 5;
  static final int TCP_KEEPCNT = 6;
  static final int TCP_SYNCNT = 7;
  static final int TCP_LINGER2 = 8;
  static final int TCP_DEFER_ACCEPT = 9;
  static final int TCP_WINDOW_CLAMP = 10;
  static final int TCP_INFO = 11;
  static final int TCP_QUICKACK = 12;
  static final int TCP_CONGESTION = 13;
  static final int TCP_THIN_LINEAR_TIMEOUTS = 16;
  static final int TCP_THIN_DUPACK = 17;
  static final int TCP_USER_TIMEOUT = 18;
  static final int TCP_REPAIR = 19;
  static final int TCP_FASTOPEN = 23;
  static final int TCP_TIMESTAMP = 24;
  static final int TCP_NOTSENT_LOWAT = 25;
  static final int TCP_SAVE_SYN = 27;
  static final int TCP_FASTOPEN_CONNECT = 30;
  static final int TCP_ULP = 31;
  static final int TCP_FASTOPEN_NO_COOKIE = 34;
  static final int TCP_INQ = 36;
  static final int TCP_TX_DELAY = 37;

  private static final int COUNT = 38;
  private static final int MAX_KEEP_TIME = 32767;
  private static final int MAX_KEEP_COUNT = 127;
  private static final int MIN_MSS = 88;
  private static final int MAX_MSS = 32767;
  private static final int DEFAULT_MSS = 536;
  private static final int LOOPBACK_MSS = 65483;
  private static final int CONGESTION_NAME = 16;
  private static final int INFO_SIZE = 232;

  private final int[] values = new int[COUNT];
  private volatile String congestion = "cubic";

  TcpOptions() {
    values[TCP_KEEPIDLE] = 7200;
    values[TCP_KEEPINTVL] = 75;
    values[TCP_KEEPCNT] = 9;
    values[TCP_SYNCNT] = 6;
    values[TCP_LINGER2] = 60;
    values[TCP_QUICKACK] = 1;
  }

  void inherit(TcpOptions listener) {
    System.arraycopy(listener.values, 0, values, 0, COUNT);
    congestion = listener.congestion;
  }

  void set(Credentials creds, int name, OptionValue value) throws ErrnoException {
    if (name == TCP_CONGESTION) {
      setCongestion(value);
      return;
    }
    if (name == TCP_ULP) {
      value.requireLength(1);
      throw ENOENT.error();
    }
    int number = value.asInt();
    switch (name) {
      case TCP_NODELAY, TCP_CORK, TCP_QUICKACK, TCP_TIMESTAMP -> values[name] = number != 0 ? 1 : 0;
      case TCP_THIN_LINEAR_TIMEOUTS, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE, TCP_INQ -> store(name, number, 0, 1);
      case TCP_THIN_DUPACK -> {
        if (number < 0 || number > 1) {
          throw EINVAL.error();
        }
      }
      case TCP_SAVE_SYN -> store(name, number, 0, 2);
      case TCP_MAXSEG -> {
        if (number != 0) {
          store(name, number, MIN_MSS, MAX_MSS);
        } else {
          values[name] = 0;
        }
      }
      case TCP_KEEPIDLE, TCP_KEEPINTVL -> store(name, number, 1, MAX_KEEP_TIME);
      case TCP_KEEPCNT, TCP_SYNCNT -> store(name, number, 1, MAX_KEEP_COUNT);
      case TCP_LINGER2 -> values[name] = number < 0 ? -1 : Math.min(number, 120);
      case TCP_DEFER_ACCEPT -> values[name] = Math.max(number, 0);
      case TCP_WINDOW_CLAMP -> values[name] = number == 0 ? 0 : Math.max(number, 1152);
      case TCP_USER_TIMEOUT, TCP_FASTOPEN, TCP_TX_DELAY -> store(name, number, 0, Integer.MAX_VALUE);
      case TCP_NOTSENT_LOWAT -> values[name] = number;
      case TCP_REPAIR -> throw creds.has(Capability.CAP_NET_ADMIN) ? ENOPROTOOPT.error() : EPERM.error();
      default -> throw ENOPROTOOPT.error();
    }
  }

  private void store(int name, int number, int least, int greatest) throws ErrnoException {
    if (number < least || number > greatest) {
      throw EINVAL.error();
    }
    values[name] = number;
  }

  private void setCongestion(OptionValue value) throws ErrnoException {
    value.requireLength(1);
    int n = 0;
    int max = Math.min(value.length, CONGESTION_NAME - 1);
    while (n < max && value.segment().get(ValueLayout.JAVA_BYTE, n) != 0) {
      n++;
    }
    String name =
        new String(value.segment().asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    if (!name.equals("cubic") && !name.equals("reno")) {
      throw ENOENT.error();
    }
    congestion = name;
  }

  void get(int state, int name, OptionValue out) throws ErrnoException {
    switch (name) {
      case TCP_MAXSEG -> out.setInt(isConnected(state) ? LOOPBACK_MSS : values[name] != 0 ? values[name] : DEFAULT_MSS);
      case TCP_CONGESTION -> {
        byte[] bytes = new byte[CONGESTION_NAME];
        byte[] name8 = congestion.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(name8, 0, bytes, 0, name8.length);
        out.setBytes(bytes, CONGESTION_NAME);
      }
      case TCP_INFO -> info(state, out);
      case TCP_ULP -> out.length = 0;
      case TCP_NODELAY, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT, TCP_LINGER2, TCP_DEFER_ACCEPT,
          TCP_WINDOW_CLAMP, TCP_QUICKACK, TCP_THIN_LINEAR_TIMEOUTS, TCP_THIN_DUPACK, TCP_USER_TIMEOUT, TCP_FASTOPEN,
          TCP_TIMESTAMP, TCP_NOTSENT_LOWAT, TCP_SAVE_SYN, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE, TCP_INQ,
          TCP_TX_DELAY -> out.setInt(values[name]);
      default -> throw ENOPROTOOPT.error();
    }
  }

  private static boolean isConnected(int state) {
    return state != StreamEndpoint.CLOSE && state != StreamEndpoint.LISTEN && state != StreamEndpoint.SYN_SENT;
  }

  /** {@code struct tcp_info}: what is known of a connection without packets. */
  private static void info(int state, OptionValue out) {
    out.start(INFO_SIZE);
    out.putByte(0, state);
    if (isConnected(state)) {
      out.putByte(5, 7);            // timestamps, SACK and window scaling
      out.putByte(6, 0x77);         // both window scales
      out.putInt(8, 201_000);       // retransmission timeout, in microseconds
      out.putInt(12, 40_000);       // delayed acknowledgement
      out.putInt(16, LOOPBACK_MSS); // of segments sent
      out.putInt(20, LOOPBACK_MSS); // of segments received
      out.putInt(60, 65536);        // path MTU
      out.putInt(68, 20);           // round trip, in microseconds
      out.putInt(72, 10);           // its variance
      out.putInt(80, 10);           // congestion window
      out.putInt(84, LOOPBACK_MSS); // advertised segment size
    }
  }
}
