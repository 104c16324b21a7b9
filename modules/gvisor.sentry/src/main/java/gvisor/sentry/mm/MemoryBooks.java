package gvisor.sentry.mm;

/** Sums over the vmas of a memory manager, in bytes; guarded by its lock. */
final class MemoryBooks {
  long total;
  long peakTotal;
  long data;
  long stack;
  long locked;
  long peakResident;
  /** Vma flags that new mappings get: {@code mlockall(MCL_FUTURE)}. */
  int futureFlags;

  void add(Vma v) {
    count(v, 1);
    peakTotal = Math.max(peakTotal, total);
  }

  void remove(Vma v) {
    count(v, -1);
  }

  private void count(Vma v, int sign) {
    long n = sign * v.length();
    total += n;
    if (v.isData()) {
      data += n;
    }
    if (v.is(Vma.GROWSDOWN)) {
      stack += n;
    }
    if (v.is(Vma.LOCKED)) {
      locked += n;
    }
  }

  void clear() {
    total = 0;
    data = 0;
    stack = 0;
    locked = 0;
  }
}
