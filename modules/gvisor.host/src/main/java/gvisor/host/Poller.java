package gvisor.host;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;

/**
 * One epoll instance and one daemon thread that tell listeners of readiness, edge-triggered. Listeners run on that
 * thread: they set flags and wake threads, nothing that waits.
 *
 * <p>Thread-safe.
 */
public final class Poller {
  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CTL_DEL = 2;
  private static final int EPOLLET = 1 << 31;
  private static final int EVENT_SIZE = 12; // struct epoll_event is packed on x86-64
  private static final int EVENT_DATA = 4;
  private static final int MAX_EVENTS = 64;

  private final Fd epoll;
  private final ConcurrentHashMap<Long, IntConsumer> listeners = new ConcurrentHashMap<>();
  private long nextToken = 1;

  /** One descriptor being watched. */
  final class Watch {
    private final long token;

    private Watch(long token) {
      this.token = token;
    }

    /** Stops it, while descriptor {@code fd} is still open; a call that is under way still finishes. */
    void end(int fd) {
      listeners.remove(token);
      Libc.epoll_ctl(epoll.number(), EPOLL_CTL_DEL, fd, 0);
    }
  }

  private static final class Holder {
    static final Poller SHARED = new Poller();
  }

  private Poller() {
    int fd = Libc.epoll_create1(Sys.O_CLOEXEC);
    if (fd < 0) {
      throw new IllegalStateException("epoll_create1: " + Libc.errno().message());
    }
    epoll = Fd.adopt(fd);
    Thread.ofPlatform().name("poller").daemon().start(this::run);
  }

  /** The poller of this process; its thread starts with the first call. */
  public static Poller shared() {
    return Holder.SHARED;
  }

  /** Watches {@code fd}; null where epoll does not take it because it is always ready. */
  Watch watch(Fd fd, int mask, IntConsumer listener) throws ErrnoException {
    long token;
    synchronized (this) {
      token = nextToken++;
    }
    listeners.put(token, listener);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment event = arena.allocate(EVENT_SIZE, 4);
      event.set(JAVA_INT_UNALIGNED, 0, mask | EPOLLET);
      event.set(JAVA_LONG_UNALIGNED, EVENT_DATA, token);
      if (Libc.epoll_ctl(epoll.number(), EPOLL_CTL_ADD, fd.number(), event.address()) < 0) {
        Errno e = Libc.errno();
        listeners.remove(token);
        if (e == Errno.EPERM) {
          return null;
        }
        throw e.error();
      }
    }
    return new Watch(token);
  }

  private void run() {
    Cpus.unpinCurrent(); // a task's thread may have made this one
    MemorySegment events = Arena.global().allocate((long) EVENT_SIZE * MAX_EVENTS, 8);
    while (true) {
      int n;
      try {
        n = check(Libc.epoll_wait(epoll.number(), events.address(), MAX_EVENTS, -1));
      } catch (ErrnoException e) {
        if (e.errno() == Errno.EINTR) {
          continue;
        }
        throw new IllegalStateException("epoll_wait: " + e.errno().message());
      }
      for (int i = 0; i < n; i++) {
        long at = (long) i * EVENT_SIZE;
        IntConsumer listener = listeners.get(events.get(JAVA_LONG_UNALIGNED, at + EVENT_DATA));
        if (listener != null) {
          tell(listener, events.get(JAVA_INT_UNALIGNED, at));
        }
      }
    }
  }

  private static void tell(IntConsumer listener, int mask) {
    try {
      listener.accept(mask);
    } catch (RuntimeException e) {
      // One listener's defect must not deafen the others; the default handler reports it.
      Thread t = Thread.currentThread();
      t.getUncaughtExceptionHandler().uncaughtException(t, e);
    }
  }
}
