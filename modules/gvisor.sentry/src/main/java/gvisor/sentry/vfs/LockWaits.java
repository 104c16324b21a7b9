package gvisor.sentry.vfs;

import java.util.IdentityHashMap;
import java.util.Map;

/** Who waits for whose POSIX lock, to refuse the wait that would close a circle ({@code man 2 fcntl}, EDEADLK). */
public final class LockWaits {
  private final Map<Object, Object> waitsFor = new IdentityHashMap<>();

  /** Notes that {@code owner} waits for {@code holder}; false, and nothing noted, when that would be a circle. */
  public synchronized boolean begin(Object owner, Object holder) {
    for (Object o = holder; o != null; o = waitsFor.get(o)) {
      if (o == owner) {
        return false;
      }
    }
    waitsFor.put(owner, holder);
    return true;
  }

  public synchronized void end(Object owner) {
    waitsFor.remove(owner);
  }
}
