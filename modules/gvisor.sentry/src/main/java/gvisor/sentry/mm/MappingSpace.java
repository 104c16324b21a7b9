package gvisor.sentry.mm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The mappings of one file. Like Linux {@code struct address_space}'s {@code i_mmap}. Thread-safe; its lock is a leaf.
 */
public final class MappingSpace {
  /** A memory manager that maps some of the file. */
  public interface Mapper {
    /**
     * Pages of the file in {@code [offset, offset + length)} are gone: no application may reach them any more.
     *
     * @param copiesToo also what a private mapping has copied on write
     */
    void invalidate(MappingSpace space, long offset, long length, boolean copiesToo);
  }

  private final ReentrantLock spaceLock = new ReentrantLock();
  private final List<Mapper> mappers = new ArrayList<>(1);

  /** Adds one mapping made by {@code mapper}. */
  public void add(Mapper mapper) {
    spaceLock.lock();
    try {
      mappers.add(mapper);
    } finally {
      spaceLock.unlock();
    }
  }

  /** Takes one mapping of {@code mapper} away. */
  public void remove(Mapper mapper) {
    spaceLock.lock();
    try {
      mappers.remove(mapper);
    } finally {
      spaceLock.unlock();
    }
  }

  /** Whether nobody maps the file. */
  public boolean isEmpty() {
    spaceLock.lock();
    try {
      return mappers.isEmpty();
    } finally {
      spaceLock.unlock();
    }
  }

  /** Has every mapper drop its pages of the range. Call without any lock that {@link Mappable#pages} takes. */
  public void invalidate(long offset, long length) {
    invalidate(offset, length, false);
  }

  /** The file ends at {@code offset}, a page's start: private copies of what was behind go, too. As above. */
  public void truncated(long offset) {
    invalidate(offset, Long.MAX_VALUE - offset, true);
  }

  private void invalidate(long offset, long length, boolean copiesToo) {
    Mapper[] now;
    spaceLock.lock();
    try {
      now = mappers.stream().distinct().toArray(Mapper[]::new);
    } finally {
      spaceLock.unlock();
    }
    for (Mapper m : now) {
      m.invalidate(this, offset, length, copiesToo);
    }
  }
}
