package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.fs.anon.Epoll;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;

/** The {@code epoll} calls. */
public final class SysEpoll {
  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CTL_DEL = 2;
  private static final int EPOLL_CTL_MOD = 3;

  /** As many events as fit into the task's scratch memory are delivered at once. */
  private static final int BATCH = Task.SCRATCH_SIZE / Epoll.EVENT_SIZE;

  private SysEpoll() {}

  /** epoll_create(2). */
  public static long epollCreate(Task t, SyscallArgs a) throws ErrnoException {
    if (a.i32(0) <= 0) {
      throw EINVAL.error();
    }
    return t.fds().install(Epoll.open(t.kernel().vfs()), false, t.fdLimit());
  }

  /** epoll_create1(2). */
  public static long epollCreate1(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(0);
    if ((flags & ~OpenFlags.O_CLOEXEC) != 0) {
      throw EINVAL.error();
    }
    return t.fds().install(Epoll.open(t.kernel().vfs()), flags != 0, t.fdLimit());
  }

  /** epoll_ctl(2). */
  public static long epollCtl(Task t, SyscallArgs a) throws ErrnoException {
    int operation = a.i32(1);
    int fd = a.fd(2);
    int events = 0;
    long data = 0;
    if (operation != EPOLL_CTL_DEL) {
      events = t.mm().readInt(a.addr(3));
      data = t.mm().readLong(a.addr(3) + 4);
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      FileDescription target = t.fds().get(fd);
      try {
        if (!target.ops().isPollable()) {
          throw gvisor.api.errno.Errno.EPERM.error();
        }
        Epoll epoll = Epoll.of(f);
        switch (operation) {
          case EPOLL_CTL_ADD -> epoll.add(fd, target, events, data);
          case EPOLL_CTL_DEL -> epoll.remove(fd, target);
          case EPOLL_CTL_MOD -> epoll.modify(fd, target, events, data);
          default -> throw EINVAL.error();
        }
        return 0;
      } finally {
        target.close();
      }
    } finally {
      f.close();
    }
  }

  /** epoll_wait(2). */
  public static long epollWait(Task t, SyscallArgs a) throws ErrnoException {
    return await(t, a, Timeouts.fromMillis(t, a.i32(3)));
  }

  /** epoll_pwait(2). */
  public static long epollPwait(Task t, SyscallArgs a) throws ErrnoException {
    SysPoll.setMask(t, a.addr(4), a.size(5));
    return await(t, a, Timeouts.fromMillis(t, a.i32(3)));
  }

  /** epoll_pwait2(2). */
  public static long epollPwait2(Task t, SyscallArgs a) throws ErrnoException {
    long deadline = Timeouts.fromTimespec(t, a.addr(3));
    SysPoll.setMask(t, a.addr(4), a.size(5));
    return await(t, a, deadline);
  }

  private static long await(Task t, SyscallArgs a, long deadline) throws ErrnoException {
    int max = a.i32(2);
    if (max <= 0 || max > Integer.MAX_VALUE / Epoll.EVENT_SIZE) {
      throw EINVAL.error();
    }
    if (!t.mm().isUserRange(a.addr(1), (long) max * Epoll.EVENT_SIZE)) {
      throw EFAULT.error();
    }
    max = Math.min(max, BATCH);
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Epoll epoll = Epoll.of(f);
      int n = epoll.collect(t.scratch(), max);
      if (n == 0 && (deadline == Task.FOREVER || deadline > Timeouts.now(t))) {
        n = block(t, epoll, max, deadline);
      }
      if (n > 0) {
        t.mm().copyOut(a.addr(1), t.scratch(), 0, (long) n * Epoll.EVENT_SIZE);
      }
      return n;
    } finally {
      f.close();
    }
  }

  private static int block(Task t, Epoll epoll, int max, long deadline) {
    epoll.register(t.waiter(), EventMask.READABLE);
    try {
      while (true) {
        int n = epoll.collect(t.scratch(), max);
        if (n > 0) {
          return n;
        }
        switch (t.block(deadline)) {
          case Task.TIMED_OUT -> {
            return epoll.collect(t.scratch(), max);
          }
          case Task.INTERRUPTED -> {
            return -EINTR.number();
          }
          default -> {}
        }
      }
    } finally {
      epoll.unregister(t.waiter());
    }
  }
}
