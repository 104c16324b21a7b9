package gvisor.sentry.aio;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.MapFlags;
import gvisor.sentry.mm.MemoryManager;
import java.util.HashMap;
import java.util.Map;

/**
 * The contexts of one process, by their ids: addresses of a page each that is mapped for the application, because C
 * libraries look there for results before they ask. The page stays zero, so they ask. Thread-safe.
 */
public final class AioContexts implements MemoryManager.Attachment {
  /** Most results that a process may have room for ({@code /proc/sys/fs/aio-max-nr}). */
  private static final int MAX_EVENTS = 65536;

  private static final int ACCESS = MapFlags.PROT_READ | MapFlags.PROT_WRITE;

  private final MemoryManager mm;
  private final Map<Long, AioContext> contexts = new HashMap<>();
  private int total;

  private AioContexts(MemoryManager mm) {
    this.mm = mm;
  }

  /** Those of {@code mm}. */
  public static AioContexts of(MemoryManager mm) {
    return (AioContexts) mm.attachment(() -> new AioContexts(mm));
  }

  /** Makes a context with room for {@code capacity} results: its id; EAGAIN, ENOMEM. */
  public long create(int capacity) throws ErrnoException {
    synchronized (this) {
      if (capacity > MAX_EVENTS - total) {
        throw EAGAIN.error();
      }
      total += capacity;
    }
    long id = 0;
    try {
      int flags = MapFlags.MAP_PRIVATE | MapFlags.MAP_ANONYMOUS;
      id = mm.mappings().map(0, MemoryManager.PAGE_SIZE, ACCESS, flags, null, null, 0, ACCESS, false);
    } finally {
      synchronized (this) {
        if (id == 0) {
          total -= capacity;
        } else {
          contexts.put(id, new AioContext(capacity));
        }
      }
    }
    return id;
  }

  /** The context of that id; EINVAL. */
  public synchronized AioContext get(long id) throws ErrnoException {
    AioContext found = contexts.get(id);
    if (found == null) {
      throw EINVAL.error();
    }
    return found;
  }

  /** Ends the context of that id and what it waits for; EINVAL. */
  public void destroy(long id) throws ErrnoException {
    AioContext gone;
    synchronized (this) {
      gone = contexts.remove(id);
      if (gone == null) {
        throw EINVAL.error();
      }
      total -= gone.capacity();
    }
    gone.close();
    gone.settle();
    mm.mappings().unmap(id, MemoryManager.PAGE_SIZE);
  }

  @Override
  public void memoryGone() {
    AioContext[] all;
    synchronized (this) {
      all = contexts.values().toArray(new AioContext[0]);
      contexts.clear();
    }
    for (AioContext context : all) {
      context.close();
      context.settle();
    }
  }
}
