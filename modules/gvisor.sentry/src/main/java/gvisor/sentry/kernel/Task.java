package gvisor.sentry.kernel;

import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.UserBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FsContext;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/** One thread of an application. Like Linux {@code struct task_struct}. Fields belong to its thread unless they say otherwise. */
public final class Task implements Caller {
  /** What {@link #block} ended with. */
  public static final int WOKEN = 0;
  public static final int TIMED_OUT = 1;
  public static final int INTERRUPTED = 2;

  /** No deadline. */
  public static final long FOREVER = Long.MAX_VALUE;

  /** Bytes of {@link #scratch}. */
  public static final int SCRATCH_SIZE = 64 * 1024;

  private final Kernel kernel;
  private final UserBuffer buffer = new UserBuffer();
  private final MemorySegment scratch = Arena.ofAuto().allocate(SCRATCH_SIZE, 16);
  private final Waiter waiter = new Waiter();
  private volatile Thread thread;
  private volatile Credentials creds;
  private volatile MemoryManager mm;
  private volatile FsContext fs;
  private volatile FdTable fds = new FdTable();

  Task(Kernel kernel, Credentials creds, MemoryManager mm, FsContext fs) {
    this.kernel = kernel;
    this.creds = creds;
    this.mm = mm;
    this.fs = fs;
  }

  /** Wakes the task; registered with whatever it waits for. */
  private final class Waiter extends WaitEntry {
    volatile boolean woken;

    @Override
    public void notify(int mask) {
      woken = true;
      LockSupport.unpark(thread);
    }
  }

  public Kernel kernel() {
    return kernel;
  }

  @Override
  public Credentials creds() {
    return creds;
  }

  @Override
  public MemoryManager mm() {
    return mm;
  }

  @Override
  public FsContext fs() {
    return fs;
  }

  @Override
  public int tgid() {
    return 0;
  }

  @Override
  public int tid() {
    return 0;
  }

  @Override
  public long realtimeNanos() {
    return kernel.host().clock().realtimeNanos();
  }

  @Override
  public long fileSizeLimit() {
    return -1;
  }

  /** The task's descriptors. */
  public FdTable fds() {
    return fds;
  }

  void setFds(FdTable next) {
    fds = next;
  }

  /** RLIMIT_NOFILE: one more than the highest descriptor the task may make. */
  public int fdLimit() {
    return FdTable.MAX_FDS;
  }

  /** Memory of the task's own for copying arguments in and results out; its content lasts for one call. */
  public MemorySegment scratch() {
    return scratch;
  }

  /** The reusable buffer, pointed at {@code length} bytes of application memory. */
  public UserBuffer buffer(long addr, long length) {
    mm.wrap(buffer, addr, length);
    return buffer;
  }

  /**
   * The entry to register with what the task waits for. The order that loses no wake-up: register, try, {@link #block},
   * try again, ..., unregister.
   */
  public WaitEntry waiter() {
    return waiter;
  }

  /**
   * Waits until {@link #waiter} is told of something, a signal is to be handled, or the deadline passes.
   *
   * @param deadline CLOCK_MONOTONIC nanoseconds, or {@link #FOREVER}
   * @return {@link #WOKEN}, {@link #TIMED_OUT} or {@link #INTERRUPTED}
   */
  public int block(long deadline) {
    while (!waiter.woken) {
      if (hasPendingInterrupt()) {
        return INTERRUPTED;
      }
      if (deadline == FOREVER) {
        LockSupport.park(this);
      } else {
        long left = deadline - kernel.host().clock().monotonicNanos();
        if (left <= 0) {
          return TIMED_OUT;
        }
        LockSupport.parkNanos(this, left);
      }
    }
    waiter.woken = false;
    return WOKEN;
  }

  /** SIGPIPE to this thread, from a write to what nobody reads any more. */
  public void sendSigpipe() {}

  /**
   * Blocks {@code mask} until this call ends ({@code ppoll}, {@code pselect}, {@code epoll_pwait}, {@code sigsuspend}):
   * a handler that interrupts it runs with {@code mask}, and returns to the mask before.
   */
  public void setTemporaryMask(long mask) {}

  /** What goes on when {@code restart_syscall} is called; the handler then returns ERESTART_RESTARTBLOCK. */
  public long restartWith(RestartBlock block) {
    return Restart.ERESTART_RESTARTBLOCK;
  }

  /** Whether a signal waits that has to be handled, or the task is to stop or die. */
  public boolean hasPendingInterrupt() {
    return false;
  }
}
