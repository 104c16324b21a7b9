package gvisor.sentry.kernel;

import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Network devices, addresses and ports that tasks share ({@code man 7 network_namespaces}). What is in it belongs to
 * the socket packages: they keep it here by its class. Thread-safe.
 */
public final class NetNamespace {
  private final long inode;
  private final ConcurrentHashMap<Class<?>, Object> registries = new ConcurrentHashMap<>();

  public NetNamespace(Kernel kernel) {
    this.inode = kernel.nextNamespaceInode();
  }

  /** The inode number of {@code /proc/[pid]/ns/net}. */
  public long inode() {
    return inode;
  }

  /** The one {@code type} of this namespace, made when first asked for. */
  public <T> T registry(Class<T> type, Supplier<T> maker) {
    Object found = registries.get(type);
    if (found == null) {
      found = registries.computeIfAbsent(type, k -> maker.get());
    }
    return type.cast(found);
  }
}
