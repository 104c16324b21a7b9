package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;
import java.util.ArrayList;
import java.util.List;

/**
 * What is to be done about files whose mappings went away, once the memory manager's lock has been given up: writing
 * back, leaving the mapping space, letting the file go.
 */
final class Leftovers {
  private record WriteBack(Mappable mappable, long offset, long length) {}

  private final MemoryManager mm;
  private List<Vma> vmas;
  private List<WriteBack> writeBacks;

  Leftovers(MemoryManager mm) {
    this.mm = mm;
  }

  /** {@code v} is gone, and with it its reference to the file. */
  void add(Vma v) {
    if (v.file == null) {
      return;
    }
    if (vmas == null) {
      vmas = new ArrayList<>(2);
    }
    vmas.add(v);
  }

  /** Notes what may have been stored to a file through {@code p}, which is about to go. */
  void noteStores(Pma p, RangeList<Vma> in) {
    if (!p.ofFile || !p.writable()) {
      return;
    }
    Vma v = in.find(p.start);
    if (v == null || !v.isShared() || !v.mappable.tracksStores()) {
      return;
    }
    if (writeBacks == null) {
      writeBacks = new ArrayList<>(2);
    }
    writeBacks.add(new WriteBack(v.mappable, v.offset + p.start - v.start, p.length()));
  }

  /** Does it. An error of writing back is the file system's to keep for {@code fsync}: unmapping does not fail. */
  void settle() {
    if (writeBacks != null) {
      for (WriteBack w : writeBacks) {
        try {
          w.mappable.writeBack(w.offset, w.length);
        } catch (ErrnoException e) {
          continue;
        }
      }
    }
    if (vmas != null) {
      for (Vma v : vmas) {
        v.mappable.mappingSpace().remove(mm);
        v.file.release();
      }
    }
  }
}
