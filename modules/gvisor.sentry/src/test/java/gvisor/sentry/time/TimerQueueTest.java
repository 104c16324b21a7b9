package gvisor.sentry.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.host.HostClock;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TimerQueueTest {
  private static final HostClock CLOCK = new VmClock();

  private final TimerQueue queue = new TimerQueue(CLOCK);
  private final List<String> rung = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    queue.close();
  }

  private TimerQueue.Alarm alarm(String name, CountDownLatch latch) {
    return new TimerQueue.Alarm() {
      @Override
      protected void ring() {
        rung.add(name);
        latch.countDown();
      }
    };
  }

  @Test
  void ringsInTheOrderOfTimesWhateverTheOrderOfSetting() throws InterruptedException {
    CountDownLatch latch = new CountDownLatch(50);
    long start = CLOCK.monotonicNanos() + 20_000_000;
    for (int i = 0; i < 50; i++) {
      int at = i * 37 % 50;
      queue.set(alarm(String.valueOf(at), latch), start + at * 1000L);
    }
    assertTrue(latch.await(5, TimeUnit.SECONDS));
    for (int i = 0; i < 50; i++) {
      assertEquals(String.valueOf(i), rung.get(i));
    }
  }

  @Test
  void aCancelledAlarmDoesNotRingAndAMovedOneRingsOnce() throws InterruptedException {
    CountDownLatch latch = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    TimerQueue.Alarm moved = alarm("moved", latch);
    TimerQueue.Alarm cancelled = alarm("cancelled", never);
    long now = CLOCK.monotonicNanos();
    queue.set(cancelled, now + 10_000_000);
    queue.set(moved, now + 60_000_000_000L);
    queue.cancel(cancelled);
    queue.set(moved, now + 30_000_000);
    assertTrue(latch.await(5, TimeUnit.SECONDS));
    assertEquals(List.of("moved"), rung);
    assertFalse(never.await(0, TimeUnit.SECONDS));
  }

  @Test
  void anAlarmThatFailsDoesNotStopTheOthers() throws InterruptedException {
    CountDownLatch latch = new CountDownLatch(1);
    long now = CLOCK.monotonicNanos();
    queue.set(new TimerQueue.Alarm() {
      @Override
      protected void ring() {
        throw new IllegalStateException("on purpose");
      }
    }, now);
    queue.set(alarm("after", latch), now + 1_000_000);
    assertTrue(latch.await(5, TimeUnit.SECONDS));
  }

  @Test
  void sumsOfTimesSaturate() {
    assertEquals(Long.MAX_VALUE, Clocks.after(5, Long.MAX_VALUE));
    assertEquals(-5, Clocks.after(5, -10));
    assertEquals(12, Clocks.after(5, 7));
  }
}
