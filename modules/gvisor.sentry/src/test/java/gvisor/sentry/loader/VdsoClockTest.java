package gvisor.sentry.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.host.HostClock;
import org.junit.jupiter.api.Test;

class VdsoClockTest {
  /** A host whose counter makes 2.5 ticks a nanosecond, in steps of each reading. */
  private static final class FakeHost implements HostClock {
    long nanos = 1_000_000_000_000L;
    double speed = 2.5;
    double counter = 1e15;
    long offset = 1_700_000_000_000_000_000L;

    void pass(long n) {
      nanos += n;
      counter += n * speed;
    }

    @Override
    public long monotonicNanos() {
      pass(1_000);
      return nanos;
    }

    @Override
    public long realtimeNanos() {
      pass(1_000);
      return nanos + offset;
    }

    @Override
    public long boottimeNanos() {
      return nanos + 5;
    }

    @Override
    public long threadCpuNanos() {
      return 0;
    }

    @Override
    public long timestampCounter() {
      pass(20);
      return (long) counter;
    }
  }

  @Test
  void timeFollowsTheHost() {
    FakeHost host = new FakeHost();
    VdsoClock clock = new VdsoClock(host);
    host.pass(1_000_000_000L);
    assertEquals(host.nanos, clock.monotonicNanos(), 500_000);
    assertEquals(host.nanos + host.offset, clock.realtimeNanos(), 500_000);
    clock.update(1_000_000_000L);
    host.pass(1_000_000_000L);
    assertEquals(host.nanos, clock.monotonicNanos(), 5_000);
  }

  @Test
  void timeNeverRunsBackwards() {
    FakeHost host = new FakeHost();
    VdsoClock clock = new VdsoClock(host);
    long last = 0;
    for (int i = 0; i < 2000; i++) {
      if (i % 100 == 0) {
        host.speed = 2.5 + (i % 7 - 3) * 1e-5;
        clock.update(10_000_000L);
      }
      host.pass(100_000);
      long now = clock.monotonicNanos();
      assertTrue(now >= last, "at step " + i);
      last = now;
    }
  }

  @Test
  void setClockIsFollowedAtOnce() {
    FakeHost host = new FakeHost();
    VdsoClock clock = new VdsoClock(host);
    host.offset += 3_600_000_000_000L;
    clock.update(1_000_000_000L);
    assertEquals(host.nanos + host.offset, clock.realtimeNanos(), 500_000);
  }

  @Test
  void bigCounterDifferencesDoNotOverflow() {
    VdsoClock.Parameters p = new VdsoClock.Parameters(100, 1L << 31, 7, 0, 0);
    assertEquals(7 + (1L << 60), p.monotonicAt(100 + (1L << 61)));
    assertEquals(7, p.monotonicAt(50));
  }
}
