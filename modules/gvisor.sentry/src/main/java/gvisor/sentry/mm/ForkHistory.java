package gvisor.sentry.mm;

/**
 * Where a family of processes stores soon after a fork: the page with the stack pointer, that of the thread's own data,
 * what the allocator and the C library keep. These are copied by the fork itself: then neither child nor parent faults
 * on them, and the parent's are not write-protected in the first place. A fault costs far more than a page to copy.
 *
 * <p>What was copied on a store is noted, and taken for hot for a number of forks; then it has to fault once more to
 * stay. Shared by a parent and its children until they load another program. Thread-safe; its lock is a leaf.
 */
final class ForkHistory {
  /** Pages that a fork copies at most: no more than 48 KiB. */
  static final int MAX = 12;

  /** As many forks copy a page for each store that it was noted for. */
  private static final int FORKS = 32;

  private final long[] pages = new long[MAX];
  private final int[] forksLeft = new int[MAX];
  private int next;

  /** A store to {@code addr} had to copy the page, or will have to. */
  synchronized void note(long addr) {
    long page = addr & -PageAllocator.PAGE_SIZE;
    for (int i = 0; i < MAX; i++) {
      if (pages[i] == page) {
        forksLeft[i] = FORKS;
        return;
      }
    }
    pages[next] = page;
    forksLeft[next] = FORKS;
    next = (next + 1) % MAX;
  }

  /** Puts the pages to be copied by this fork into {@code into}, which has room for {@link #MAX}: how many. */
  synchronized int take(long[] into) {
    int count = 0;
    for (int i = 0; i < MAX; i++) {
      if (forksLeft[i] > 0) {
        forksLeft[i]--;
        into[count++] = pages[i];
      }
    }
    return count;
  }
}
