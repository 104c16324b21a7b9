package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EINTR;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@code poll}, {@code select} and their kin. */
public final class SysPoll {
  private static final int POLLFD_SIZE = 8;

  /** As far as select looks, also where the descriptor table is shorter. */
  private static final int FD_SETSIZE = 1024;

  /** What makes a descriptor of each of select's sets ready ({@code man 2 select}, "Correspondence"). */
  private static final int SELECT_READ = EventMask.READABLE | EventMask.EPOLLRDBAND | EventMask.ALWAYS;
  private static final int SELECT_WRITE = EventMask.WRITABLE | EventMask.EPOLLWRBAND | EventMask.EPOLLERR;
  private static final int SELECT_EXCEPT = EventMask.EPOLLPRI;

  private SysPoll() {}

  /** poll(2). */
  public static long poll(Task t, SyscallArgs a) throws ErrnoException {
    long addr = a.addr(0);
    int count = a.i32(1);
    return pollUntil(t, addr, count, Timeouts.fromMillis(t, a.i32(2)));
  }

  private static long pollUntil(Task t, long addr, int count, long deadline) throws ErrnoException {
    int ready = poll(t, addr, count, deadline);
    return ready >= 0 ? ready : t.restartWith(task -> pollUntil(task, addr, count, deadline));
  }

  /** ppoll(2). */
  public static long ppoll(Task t, SyscallArgs a) throws ErrnoException {
    long deadline = Timeouts.fromTimespec(t, a.addr(2));
    setMask(t, a.addr(3), a.size(4));
    int ready = poll(t, a.addr(0), a.i32(1), deadline);
    Timeouts.putRemainingTimespec(t, a.addr(2), deadline);
    return ready >= 0 ? ready : Restart.ERESTARTNOHAND;
  }

  /** Blocks the signals of the {@code sigset_t} at {@code addr}, if that is not null, until the call ends. */
  static void setMask(Task t, long addr, long size) throws ErrnoException {
    if (addr == 0) {
      return;
    }
    if (size != Long.BYTES) {
      throw EINVAL.error();
    }
    t.setTemporaryMask(t.mm().readLong(addr));
  }

  /** The number of ready files, or -1 when interrupted. */
  private static int poll(Task t, long addr, int count, long deadline) throws ErrnoException {
    if (count < 0 || count > t.fdLimit()) {
      throw EINVAL.error();
    }
    long bytes = (long) count * POLLFD_SIZE;
    MemorySegment fds = bytes <= Task.SCRATCH_SIZE ? t.scratch() : MemorySegment.ofArray(new long[count]);
    t.mm().copyIn(addr, fds, 0, bytes);
    try (PollSet set = new PollSet(count)) {
      // A negative descriptor is skipped, and not added: the set's index then falls behind.
      for (int i = 0; i < count; i++) {
        int fd = fds.get(ValueLayout.JAVA_INT_UNALIGNED, (long) i * POLLFD_SIZE);
        if (fd >= 0) {
          FileDescription f = t.fds().acquire(fd);
          if (f != null && f.isPath()) {
            f.close();
            f = null;
          }
          set.add(f, fds.get(ValueLayout.JAVA_SHORT_UNALIGNED, (long) i * POLLFD_SIZE + 4) & 0xffff);
        }
      }
      int ready = set.await(t, deadline);
      if (ready < 0) {
        return ready;
      }
      int index = 0;
      for (int i = 0; i < count; i++) {
        long at = (long) i * POLLFD_SIZE;
        int result = fds.get(ValueLayout.JAVA_INT_UNALIGNED, at) >= 0 ? set.result(index++) : 0;
        fds.set(ValueLayout.JAVA_SHORT_UNALIGNED, at + 6, (short) result);
      }
      t.mm().copyOut(addr, fds, 0, bytes);
      return ready;
    }
  }

  /** select(2). */
  public static long select(Task t, SyscallArgs a) throws ErrnoException {
    long deadline = Timeouts.fromTimeval(t, a.addr(4));
    int ready = select(t, a, deadline);
    Timeouts.putRemainingTimeval(t, a.addr(4), deadline);
    return ready >= 0 ? ready : Restart.ERESTARTNOHAND;
  }

  /** pselect6(2). */
  public static long pselect6(Task t, SyscallArgs a) throws ErrnoException {
    long deadline = Timeouts.fromTimespec(t, a.addr(4));
    if (a.addr(5) != 0) {
      // A pointer to a pointer and a size, for want of a seventh argument.
      setMask(t, t.mm().readLong(a.addr(5)), t.mm().readLong(a.addr(5) + 8));
    }
    int ready = select(t, a, deadline);
    Timeouts.putRemainingTimespec(t, a.addr(4), deadline);
    return ready >= 0 ? ready : Restart.ERESTARTNOHAND;
  }

  private static int select(Task t, SyscallArgs a, long deadline) throws ErrnoException {
    int n = a.i32(0);
    if (n < 0) {
      throw EINVAL.error();
    }
    n = Math.min(n, Math.max(t.fds().capacity(), FD_SETSIZE));
    int words = (n + 63) / 64;
    long[][] sets = new long[3][];
    for (int s = 0; s < sets.length; s++) {
      sets[s] = new long[words];
      if (a.addr(s + 1) != 0) {
        t.mm().copyIn(a.addr(s + 1), MemorySegment.ofArray(sets[s]), 0, (long) words * Long.BYTES);
      }
    }
    int members = 0;
    for (int w = 0; w < words; w++) {
      members += Long.bitCount((sets[0][w] | sets[1][w] | sets[2][w]) & below(n, w));
    }
    int[] fds = new int[members];
    try (PollSet files = new PollSet(members)) {
      int index = 0;
      for (int fd = 0; fd < n; fd++) {
        int mask = (isIn(sets[0], fd) ? SELECT_READ : 0) | (isIn(sets[1], fd) ? SELECT_WRITE : 0)
            | (isIn(sets[2], fd) ? SELECT_EXCEPT : 0);
        if (mask != 0) {
          files.add(open(t, fd), mask);
          fds[index++] = fd;
        }
      }
      if (files.await(t, deadline) < 0) {
        return -EINTR.number();
      }
      long[][] out = new long[3][words];
      int ready = 0;
      for (int i = 0; i < members; i++) {
        int result = files.result(i);
        ready += mark(sets[0], out[0], fds[i], result & SELECT_READ);
        ready += mark(sets[1], out[1], fds[i], result & SELECT_WRITE);
        ready += mark(sets[2], out[2], fds[i], result & SELECT_EXCEPT);
      }
      for (int s = 0; s < sets.length; s++) {
        if (a.addr(s + 1) != 0) {
          t.mm().copyOut(a.addr(s + 1), MemorySegment.ofArray(out[s]), 0, (long) words * Long.BYTES);
        }
      }
      return ready;
    }
  }

  private static FileDescription open(Task t, int fd) throws ErrnoException {
    FileDescription f = t.fds().acquire(fd);
    if (f == null) {
      throw EBADF.error();
    }
    return f;
  }

  /** The bits of word {@code w} that stand for descriptors below {@code n}. */
  private static long below(int n, int w) {
    int left = n - w * 64;
    return left >= 64 ? -1 : (1L << left) - 1;
  }

  private static boolean isIn(long[] set, int fd) {
    return (set[fd >> 6] >>> fd & 1) != 0;
  }

  private static int mark(long[] in, long[] out, int fd, int result) {
    if (result == 0 || !isIn(in, fd)) {
      return 0;
    }
    out[fd >> 6] |= 1L << fd;
    return 1;
  }
}
