package gvisor.sentry.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExtentAllocatorTest {
  private static final int PAGE = 4096;

  private final FakeMachine.File file = new FakeMachine.File(96 << 20);
  private final ExtentAllocator pages = new ExtentAllocator(file, 0);

  @Test
  void consecutiveAllocationsAreNeighbours() throws Exception {
    long a = pages.allocate(PAGE, PAGE);
    long b = pages.allocate(4 * PAGE, PAGE);
    assertEquals(a + PAGE, b);
    assertTrue(pages.allocateAt(b + 4 * PAGE, PAGE));
    assertFalse(pages.allocateAt(b, PAGE));
    assertEquals(6L * PAGE, pages.allocatedBytes());
  }

  @Test
  void alignmentIsKept() throws Exception {
    pages.allocate(PAGE, PAGE);
    assertEquals(0, pages.allocate(4 << 20, 2 << 20) % (2 << 20));
  }

  @Test
  void freedPagesComeBackAsZeros() throws Exception {
    long a = pages.allocate(PAGE, PAGE);
    file.memory().set(ValueLayout.JAVA_INT, a, 1);
    pages.acquire(a, PAGE);
    pages.release(a, PAGE);
    assertEquals(1, pages.references(a));
    pages.release(a, PAGE);
    assertEquals(0, pages.allocatedBytes());
    long b = pages.allocate(PAGE, PAGE);
    assertEquals(a, b);
    assertEquals(0, file.memory().get(ValueLayout.JAVA_INT, b));
  }

  @Test
  void muchFreedMemoryGoesBackToTheHost() throws Exception {
    for (int i = 0; i < 5; i++) {
      long a = pages.allocate(16 << 20, PAGE);
      file.memory().set(ValueLayout.JAVA_INT, a, 1);
      pages.release(a, 16 << 20);
    }
    assertTrue(file.decommitted.cardinality() > 0);
    long all = pages.allocate(96 << 20, PAGE);
    assertEquals(0, all);
    assertEquals(96 << 20, file.nextData(0, 96 << 20));
  }

  @Test
  void exclusiveEndsAtTheFirstSharedPage() throws Exception {
    long a = pages.allocate(8 * PAGE, PAGE);
    pages.acquire(a + 3 * PAGE, PAGE);
    assertEquals(3 * PAGE, pages.exclusive(a, 8 * PAGE));
    assertEquals(0, pages.exclusive(a + 3 * PAGE, PAGE));
    assertEquals(4 * PAGE, pages.exclusive(a + 4 * PAGE, 4 * PAGE));
  }

  @Test
  void tooMuchIsEnomem() {
    assertEquals(Errno.ENOMEM,
        assertThrows(ErrnoException.class, () -> pages.allocate(97L << 20, PAGE)).errno());
  }

  @Test
  void limitIsOnCommittedMemory() throws Exception {
    ExtentAllocator limited = new ExtentAllocator(new FakeMachine.File(32 << 20), 1 << 20);
    long a = limited.allocate(1 << 20, PAGE);
    limited.allocate(512 << 10, PAGE); // promised, not used
    limited.memory().asSlice(a, 1 << 20).fill((byte) 1);
    limited.allocate(PAGE, PAGE);
    assertThrows(ErrnoException.class, () -> {
      while (true) {
        limited.allocate(64 << 10, PAGE);
      }
    });
  }

  @Test
  void randomUseLosesNothing() throws Exception {
    Random random = new Random(1);
    List<long[]> held = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      if (random.nextInt(3) > 0 && pages.allocatedBytes() < 40 << 20) {
        long length = (1L + random.nextInt(random.nextInt(10) == 0 ? 256 : 4)) * PAGE;
        long at = random.nextBoolean() ? pages.allocate(length, PAGE) : pages.allocateDirty(length);
        for (long n = 0; n < length; n += PAGE) {
          assertEquals(1, pages.references(at + n));
        }
        held.add(new long[] {at, length});
      } else if (!held.isEmpty()) {
        long[] h = held.remove(random.nextInt(held.size()));
        pages.release(h[0], h[1]);
      }
    }
    for (long[] h : held) {
      pages.release(h[0], h[1]);
    }
    assertEquals(0, pages.allocatedBytes());
    assertEquals(0, pages.allocate(96 << 20, PAGE));
  }
}
