package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.MSG_ERRQUEUE;
import static gvisor.api.abi.SocketAbi.MSG_TRUNC;
import static gvisor.api.abi.SocketAbi.SOL_IP;
import static gvisor.api.abi.SocketAbi.SOL_IPV6;
import static gvisor.sentry.vfs.FileOps.WOULD_BLOCK;

import gvisor.api.abi.SocketAbi;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Message;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;

/**
 * Errors of messages sent, in full, for who asked for them with IP_RECVERR or IPV6_RECVERR and reads them with
 * MSG_ERRQUEUE ({@code man 7 ip}). Thread-safe.
 */
final class ErrorQueue {
  /** What an ICMP message quotes of a UDP message: 576 bytes but for the headers. */
  static final int QUOTED = 520;

  private static final int MAX_ENTRIES = 64;

  // struct sock_extended_err, then the address of who reports the error.
  private static final int EXTENDED_ERROR_SIZE = 16;
  private static final int SO_EE_ORIGIN_ICMP = 2;
  private static final int SO_EE_ORIGIN_ICMP6 = 3;
  private static final int ICMP_UNREACHABLE = 3, ICMP_PORT = 3;
  private static final int ICMP6_UNREACHABLE = 1, ICMP6_PORT = 4;

  private record Entry(InetName to, byte[] quoted, Errno errno) {}

  private final ArrayDeque<Entry> entries = new ArrayDeque<>(1);

  /** A message to {@code to} that began with {@code quoted} found nobody at its port. */
  synchronized void addRefused(InetName to, byte[] quoted, Errno errno) {
    if (entries.size() < MAX_ENTRIES) {
      entries.add(new Entry(to, quoted, errno));
    }
  }

  synchronized boolean isEmpty() {
    return entries.isEmpty();
  }

  /** The errno of the first entry, or null. */
  synchronized Errno first() {
    Entry e = entries.peek();
    return e == null ? null : e.errno;
  }

  /** Receives the first entry: the quoted message, its destination as the source, and the error beside it. */
  long receive(Message message, IoBuffer dst, int family) throws ErrnoException {
    Entry e;
    synchronized (this) {
      e = entries.poll();
    }
    if (e == null) {
      return WOULD_BLOCK;
    }
    int n = (int) Math.min(e.quoted.length, dst.remaining());
    if (dst.put(MemorySegment.ofArray(e.quoted), 0, n) < n) {
      throw Errno.EFAULT.error();
    }
    if (message != null) {
      message.flags |= MSG_ERRQUEUE | (n < e.quoted.length ? MSG_TRUNC : 0);
      e.to.encode(message.name, family);
      describe(message, e);
    }
    return n;
  }

  private static void describe(Message message, Entry e) {
    boolean v4 = e.to.isV4();
    InetName reporter = new InetName();
    reporter.set(e.to.high, e.to.low, 0);
    AddrBuffer address = new AddrBuffer();
    reporter.encode(address, v4 ? SocketAbi.AF_INET : SocketAbi.AF_INET6);
    int length = EXTENDED_ERROR_SIZE + address.length;
    int at = v4
        ? message.addControl(SOL_IP, InetOptions.IP_RECVERR, length)
        : message.addControl(SOL_IPV6, InetOptions.IPV6_RECVERR, length);
    if (at < 0) {
      return;
    }
    message.control.set(ValueLayout.JAVA_INT_UNALIGNED, at, e.errno.number());
    message.control.set(ValueLayout.JAVA_BYTE, at + 4, (byte) (v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6));
    message.control.set(ValueLayout.JAVA_BYTE, at + 5, (byte) (v4 ? ICMP_UNREACHABLE : ICMP6_UNREACHABLE));
    message.control.set(ValueLayout.JAVA_BYTE, at + 6, (byte) (v4 ? ICMP_PORT : ICMP6_PORT));
    message.control.set(ValueLayout.JAVA_BYTE, at + 7, (byte) 0);
    message.control.set(ValueLayout.JAVA_LONG_UNALIGNED, at + 8, 0);
    MemorySegment.copy(address.segment(), 0, message.control, at + EXTENDED_ERROR_SIZE, address.length);
  }
}
