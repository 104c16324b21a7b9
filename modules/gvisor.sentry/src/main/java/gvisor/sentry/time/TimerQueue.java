package gvisor.sentry.time;

import gvisor.api.host.HostClock;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Alarms in a heap by their time, and the one thread that rings them. The thread starts with the first alarm and sleeps
 * until the next is due. Thread-safe; the lock is a leaf, and an alarm rings without it.
 */
public final class TimerQueue {
  private static final Logger LOG = LogManager.getLogger(TimerQueue.class);
  private static final int INITIAL = 16;

  /** What happens at a time. One that is in the queue has one time; setting it again moves it. */
  public abstract static class Alarm {
    private long due;
    private int index = -1;

    /** The time has come. On the timer thread: takes kernel locks, never blocks, may set alarms. */
    protected abstract void ring();
  }

  private final HostClock clock;
  private final ReentrantLock queueLock = new ReentrantLock();
  private Alarm[] heap = new Alarm[INITIAL];
  private int count;
  private volatile Thread thread;
  private volatile boolean closed;

  public TimerQueue(HostClock clock) {
    this.clock = clock;
  }

  /** Has {@code alarm} ring at {@code due} on CLOCK_MONOTONIC, in nanoseconds, instead of any earlier setting. */
  public void set(Alarm alarm, long due) {
    boolean wake;
    queueLock.lock();
    try {
      if (alarm.index >= 0) {
        removeAt(alarm.index);
      }
      alarm.due = due;
      if (count == heap.length) {
        heap = Arrays.copyOf(heap, count * 2);
      }
      heap[count] = alarm;
      alarm.index = count;
      count++;
      up(count - 1);
      wake = alarm.index == 0;
      if (thread == null && !closed) {
        thread = new Thread(null, this::run, "timers", 256 << 10, false);
        thread.setDaemon(true);
        thread.start();
        wake = false;
      }
    } finally {
      queueLock.unlock();
    }
    if (wake) {
      LockSupport.unpark(thread);
    }
  }

  /** Takes {@code alarm} out; it may be ringing already. */
  public void cancel(Alarm alarm) {
    queueLock.lock();
    try {
      if (alarm.index >= 0) {
        removeAt(alarm.index);
      }
    } finally {
      queueLock.unlock();
    }
  }

  /** Ends the thread. */
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }

  private void run() {
    while (!closed) {
      Alarm alarm = null;
      long wait = Long.MAX_VALUE;
      queueLock.lock();
      try {
        if (count > 0) {
          wait = heap[0].due - clock.monotonicNanos();
          if (wait <= 0) {
            alarm = heap[0];
            removeAt(0);
          }
        }
      } finally {
        queueLock.unlock();
      }
      if (alarm == null) {
        if (wait == Long.MAX_VALUE) {
          LockSupport.park(this);
        } else {
          LockSupport.parkNanos(this, wait);
        }
        continue;
      }
      try {
        alarm.ring();
      } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
        LOG.error("a timer failed", e);
      }
    }
  }

  private void removeAt(int i) {
    heap[i].index = -1;
    count--;
    Alarm moved = heap[count];
    heap[count] = null;
    if (i < count) {
      heap[i] = moved;
      moved.index = i;
      up(i);
      down(moved.index);
    }
  }

  private void up(int from) {
    int i = from;
    Alarm a = heap[i];
    while (i > 0) {
      int parent = (i - 1) / 2;
      if (heap[parent].due <= a.due) {
        break;
      }
      heap[i] = heap[parent];
      heap[i].index = i;
      i = parent;
    }
    heap[i] = a;
    a.index = i;
  }

  private void down(int from) {
    int i = from;
    Alarm a = heap[i];
    while (2 * i + 1 < count) {
      int child = 2 * i + 1;
      if (child + 1 < count && heap[child + 1].due < heap[child].due) {
        child++;
      }
      if (heap[child].due >= a.due) {
        break;
      }
      heap[i] = heap[child];
      heap[i].index = i;
      i = child;
    }
    heap[i] = a;
    a.index = i;
  }
}
