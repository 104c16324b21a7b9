package gvisor.platform.ptrace;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class MappingQueueTest {
  private final MappingQueue queue = new MappingQueue(5);
  private final MemorySegment work = MemorySegment.ofArray(new long[512]);

  private long item(int index, int field) {
    return work.get(JAVA_LONG, index * 64L + field * 8L);
  }

  @Test
  void joinsNeighboursInMemoryAndFile() {
    queue.map(0x1000, 0x1000, 0x5000, 3, false);
    queue.map(0x2000, 0x1000, 0x6000, 3, false);
    queue.map(0x3000, 0x1000, 0x9000, 3, false);
    assertEquals(2, queue.write(0, work));
    assertEquals(MappingQueue.MAP, item(0, 0));
    assertEquals(0x1000, item(0, 1));
    assertEquals(0x2000, item(0, 2));
    assertEquals(3, item(0, 3));
    assertEquals(0x11, item(0, 4));
    assertEquals(5, item(0, 5));
    assertEquals(0x5000, item(0, 6));
  }

  @Test
  void anUnmappingSwallowsWhatItUndoes() {
    queue.map(0x1000, 0x1000, 0, 3, false);
    queue.protect(0x1000, 0x1000, 1);
    queue.unmap(0, 0x10000);
    queue.unmap(0x10000, 0x1000);
    assertEquals(1, queue.write(0, work));
    assertEquals(MappingQueue.UNMAP, item(0, 0));
    assertEquals(0x11000, item(0, 2));
  }

  @Test
  void aMappingReplacesAnUnmappingOfTheSamePlace() {
    queue.unmap(0x1000, 0x1000);
    queue.map(0x1000, 0x2000, 0, 1, true);
    assertEquals(1, queue.write(0, work));
    assertEquals(0x8011, item(0, 4));
  }

  @Test
  void theResetComesFirstAndBoundsTheQueue() {
    queue.map(0x1000, 0x1000, 0, 1, false);
    queue.resetFirst();
    assertEquals(2, queue.write(0, work));
    assertEquals(StubCode.ADDRESS, item(0, 2));
    assertEquals(0x1000, item(1, 1));
    for (int i = 0; i < 100_000; i++) {
      queue.map(0x10000L + i * 0x2000L, 0x1000, 0, 1, false);
    }
    assertTrue(queue.size() <= 1024);
    assertEquals(64, queue.write(0, work));
  }
}
