package gvisor.sentry.kernel;

import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * System V IPC and POSIX message queues that tasks share ({@code man 7 ipc_namespaces}). What is in it belongs to the
 * packages that implement each kind: they keep it here by its class. Thread-safe.
 */
public final class IpcNamespace {
  private final long inode;
  private final ConcurrentHashMap<Class<?>, Object> registries = new ConcurrentHashMap<>();

  public IpcNamespace(Kernel kernel) {
    this.inode = kernel.nextNamespaceInode();
  }

  /** The inode number of {@code /proc/[pid]/ns/ipc}. */
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

  /** What undoes something when a process ends: a registry that implements it is told of every one. */
  public interface ExitListener {
    /** {@code process}, whose id was {@code pid}, is over. */
    void processExited(ThreadGroup process, int pid, long nowSeconds);
  }

  /** The last thread of {@code process} has ended. */
  void processExited(ThreadGroup process) {
    for (Object registry : registries.values()) {
      if (registry instanceof ExitListener listener) {
        long now = process.kernel().host().clock().realtimeNanos() / 1_000_000_000L;
        listener.processExited(process, process.pid().number(), now);
      }
    }
  }
}
