package gvisor.sentry.socket;

import static gvisor.api.abi.SocketAbi.AF_MAX;
import static gvisor.api.abi.SocketAbi.AF_PACKET;
import static gvisor.api.errno.Errno.EAFNOSUPPORT;
import static gvisor.api.errno.Errno.ENFILE;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Host;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.vfs.Caller;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What all sockets of a sandbox share: the address families, the quota of buffer memory, counts of files in flight.
 * Families are registered when the kernel boots; everything else is thread-safe.
 */
public final class SocketLayer {
  /** Bytes all socket buffers of a sandbox may take. */
  private static final long BUFFER_BYTES = 96L << 20;

  /** Sockets a sandbox may have, so that making them without end fails before the kernel's heap does. */
  private static final int MAX_SOCKETS = 100_000;

  private final Host host;
  private final AtomicInteger sockets = new AtomicInteger();
  private final SocketFamily[] families = new SocketFamily[AF_MAX];
  private final BufferBudget budget = new BufferBudget(BUFFER_BYTES);
  private final ConcurrentHashMap<Integer, InFlight> inFlight = new ConcurrentHashMap<>();

  public SocketLayer(Host host) {
    this.host = host;
  }

  public Host host() {
    return host;
  }

  public BufferBudget budget() {
    return budget;
  }

  /** One more socket is about to become a file; ENFILE. */
  void countSocket() throws ErrnoException {
    if (sockets.incrementAndGet() > MAX_SOCKETS) {
      sockets.decrementAndGet();
      throw ENFILE.error();
    }
  }

  void socketClosed() {
    sockets.decrementAndGet();
  }

  /** Files the user with {@code uid} has in messages. */
  public InFlight inFlight(int uid) {
    InFlight found = inFlight.get(uid);
    return found != null ? found : inFlight.computeIfAbsent(uid, u -> new InFlight());
  }

  public void register(SocketFamily family) {
    families[family.number()] = family;
  }

  SocketFamily familyOrNull(int number) {
    return families[number];
  }

  /** The family with {@code number}; EAFNOSUPPORT, or EPERM for packet sockets without CAP_NET_RAW. */
  public SocketFamily family(Caller caller, int number) throws ErrnoException {
    if (number >= 0 && number < AF_MAX && families[number] != null) {
      return families[number];
    }
    if (number == AF_PACKET && !caller.creds().has(Capability.CAP_NET_RAW)) {
      throw EPERM.error();
    }
    throw EAFNOSUPPORT.error();
  }
}
