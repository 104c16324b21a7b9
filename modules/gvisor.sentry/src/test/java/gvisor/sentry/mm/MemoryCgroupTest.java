package gvisor.sentry.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import org.junit.jupiter.api.Test;

class MemoryCgroupTest {
  private static final int PAGE = PageAllocator.PAGE_SIZE;
  private static final long MIB = 1 << 20;

  private final ExtentAllocator memory = new ExtentAllocator(new FakeMachine.File(96 << 20), 0);
  private final Watcher watcher = new Watcher();

  /** Remembers what it was asked for, and has {@code cached} to give back. */
  private static final class Watcher implements MemoryCgroup.Guard {
    int watches;
    int hurries;
    PageAllocator pages;
    long cached = -1;

    @Override
    public void watch() {
      watches++;
    }

    @Override
    public void hurry() {
      hurries++;
    }

    @Override
    public long reclaim() {
      if (cached < 0) {
        return 0;
      }
      pages.release(cached, 4 * MIB);
      cached = -1;
      return 4 * MIB;
    }

    @Override
    public long cachedBytes() {
      return cached < 0 ? 0 : 4 * MIB;
    }
  }

  private MemoryCgroup group(long limit) throws ErrnoException {
    MemoryCgroup group = new MemoryCgroup(memory);
    group.setGuard(watcher);
    group.setLimitBytes(limit);
    watcher.watches = 0;
    watcher.pages = group.pages();
    return group;
  }

  /** Allocates and touches. */
  private long use(PageAllocator pages, long length) throws ErrnoException {
    long at = pages.allocate(length, PAGE);
    memory.memory().asSlice(at, length).fill((byte) 1);
    return at;
  }

  @Test
  void usageIsWhatWasTouched() throws Exception {
    MemoryCgroup one = group(0);
    MemoryCgroup two = group(0);
    long at = one.pages().allocate(4 * MIB, PAGE);
    memory.memory().asSlice(at, MIB).fill((byte) 1);
    use(two.pages(), 2 * MIB);
    use(memory, MIB);
    assertEquals(MIB, one.usageBytes());
    assertEquals(4 * MIB, one.allocatedChargeBytes());
    assertEquals(2 * MIB, two.usageBytes());
    one.pages().acquire(at, PAGE);
    one.pages().release(at, 4 * MIB);
    assertEquals(PAGE, one.usageBytes(), "what others still refer to stays charged");
    one.pages().release(at, PAGE);
    assertEquals(0, one.usageBytes());
    assertEquals(MIB, one.peakBytes());
  }

  @Test
  void belowTheLimitNobodyWatches() throws Exception {
    MemoryCgroup group = group(8 * MIB);
    use(group.pages(), 8 * MIB);
    assertEquals(0, watcher.watches);
    group.pages().allocate(PAGE, PAGE);
    assertEquals(1, watcher.watches);
  }

  @Test
  void promisesAreNotUse() throws Exception {
    MemoryCgroup group = group(4 * MIB);
    for (int i = 0; i < 20; i++) {
      group.pages().allocate(MIB, PAGE);
    }
    assertEquals(0, group.usageBytes());
    assertFalse(group.takeRefusal());
  }

  @Test
  void windowsHaveToFitBelowTheLimit() throws Exception {
    MemoryCgroup group = group(16 * MIB);
    use(group.pages(), 10 * MIB);
    ErrnoException e = assertThrows(ErrnoException.class, () -> group.pages().allocate(8 * MIB, PAGE));
    assertEquals(Errno.ENOMEM, e.errno());
    assertFalse(group.takeRefusal(), "who is refused a window asks for less");
    group.pages().allocate(MIB, PAGE);
  }

  @Test
  void filesEndAtTheLimitAndProcessesABitAbove() throws Exception {
    MemoryCgroup group = group(8 * MIB);
    PageAllocator files = group.pages().forFiles();
    assertThrows(ErrnoException.class, () -> {
      while (true) {
        use(files, MIB / 4);
        Thread.sleep(3); // A measurement may be that old.
      }
    });
    assertTrue(group.usageBytes() > 8 * MIB, "the limit is passed, so that somebody is killed for it");
    assertTrue(group.usageBytes() <= 9 * MIB);
    assertTrue(group.takeRefusal());
    assertTrue(watcher.hurries > 0);
    use(group.pages(), MIB);
  }

  @Test
  void cachesGoBeforeMemoryIsRefused() throws Exception {
    MemoryCgroup group = group(8 * MIB);
    watcher.cached = use(group.pages(), 4 * MIB);
    use(group.pages(), 2 * MIB);
    use(group.pages(), 2 * MIB);
    use(group.pages(), PAGE);
    assertEquals(4 * MIB, group.cachedBytes());
    Thread.sleep(3); // A measurement may be that old.
    use(group.pages().forFiles(), MIB);
    assertEquals(0, group.cachedBytes());
    assertFalse(group.takeRefusal());
  }

  @Test
  void ownersAreUsedAgainWhenNothingIsLeftOfThem() throws Exception {
    long kept = 0;
    for (int i = 0; i < 1000; i++) {
      MemoryCgroup group = new MemoryCgroup(memory);
      long at = use(group.pages(), PAGE);
      if (i % 10 == 0) {
        kept++;
      } else {
        group.pages().release(at, PAGE);
      }
      assertEquals(i % 10 == 0 ? PAGE : 0, group.usageBytes());
      group.close();
    }
    assertEquals(100, kept);
  }

  @Test
  void tooManyGroupsIsEnomem() {
    assertThrows(ErrnoException.class, () -> {
      while (true) {
        group(0);
      }
    });
  }
}
