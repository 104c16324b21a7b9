package gvisor.sentry.socket.inet;

import static gvisor.api.errno.Errno.EADDRINUSE;

import gvisor.api.errno.ErrnoException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/**
 * Which ports of one protocol are taken, and by whom. Guarded by the transport's lock.
 *
 * <p>Two sockets may not have the same port when their addresses overlap, unless both allow it: by SO_REUSEADDR while
 * nobody listens yet, or by SO_REUSEPORT for sockets of the same user ({@code man 7 socket}).
 */
final class PortSpace {
  /** {@code /proc/sys/net/ipv4/ip_local_port_range}. */
  static final int FIRST_EPHEMERAL = 32768;
  static final int LAST_EPHEMERAL = 60999;

  /** One socket's claim. The owner changes the address when it connects, under the transport's lock. */
  abstract static class Binding {
    long high;
    long low;
    int port;
    /** The wildcard of IPv6 that takes IPv4 as well. */
    boolean isDual;

    abstract boolean isReuseAddress();

    abstract boolean isReusePort();

    abstract boolean isListening();

    abstract int uid();

    final boolean overlaps(Binding other) {
      if (isDual || other.isDual) {
        return true;
      }
      if (InetName.isV4(high, low) != InetName.isV4(other.high, other.low)) {
        return false;
      }
      return InetName.isAny(high, low) || InetName.isAny(other.high, other.low)
          || high == other.high && low == other.low;
    }

    /** Whether a packet for the address is this socket's: 0 no, 1 by a wildcard of both, 2 by a wildcard, 3 exactly. */
    final int match(long dstHigh, long dstLow) {
      if (high == dstHigh && low == dstLow) {
        return 3;
      }
      if (isDual) {
        return 1;
      }
      return InetName.isAny(high, low) && InetName.isV4(high, low) == InetName.isV4(dstHigh, dstLow) ? 2 : 0;
    }
  }

  private final boolean isStream;
  private final HashMap<Integer, ArrayList<Binding>> ports = new HashMap<>();
  private int nextEphemeral;

  PortSpace(boolean isStream, long seed) {
    this.isStream = isStream;
    this.nextEphemeral = (int) Math.floorMod(seed, (long) (LAST_EPHEMERAL - FIRST_EPHEMERAL + 1));
  }

  /** Everybody at {@code port}; empty when nobody is. */
  List<Binding> at(int port) {
    ArrayList<Binding> all = ports.get(port);
    return all == null ? List.of() : all;
  }

  /** Enters {@code binding} with its port, or with a free one for port 0; EADDRINUSE. */
  void add(Binding binding) throws ErrnoException {
    if (binding.port == 0) {
      binding.port = ephemeral(binding);
    } else if (conflicts(binding)) {
      throw EADDRINUSE.error();
    }
    enter(binding);
  }

  /** Enters {@code binding} whatever is there: a connection that shares its listener's port. */
  void enter(Binding binding) {
    ports.computeIfAbsent(binding.port, p -> new ArrayList<>(1)).add(binding);
  }

  void remove(Binding binding) {
    ArrayList<Binding> all = ports.get(binding.port);
    if (all != null) {
      all.remove(binding);
      if (all.isEmpty()) {
        ports.remove(binding.port);
      }
    }
  }

  /** Whether somebody else's claim forbids this one. */
  boolean conflicts(Binding binding) {
    for (Binding other : at(binding.port)) {
      if (other == binding || !binding.overlaps(other)) {
        continue;
      }
      boolean reuse = binding.isReuseAddress() && other.isReuseAddress()
          && !(isStream && other.isListening());
      boolean share = binding.isReusePort() && other.isReusePort() && binding.uid() == other.uid();
      if (!reuse && !share) {
        return true;
      }
    }
    return false;
  }

  private int ephemeral(Binding binding) throws ErrnoException {
    int count = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;
    for (int i = 0; i < count; i++) {
      nextEphemeral = (nextEphemeral + 1) % count;
      int port = FIRST_EPHEMERAL + nextEphemeral;
      boolean taken = false;
      for (Binding other : at(port)) {
        taken |= binding.overlaps(other);
      }
      if (!taken) {
        return port;
      }
    }
    throw EADDRINUSE.error();
  }

  /** Every claim, for {@code /proc/net}. */
  List<Binding> all() {
    List<Binding> list = new ArrayList<>();
    for (ArrayList<Binding> some : ports.values()) {
      list.addAll(some);
    }
    return list;
  }
}
