package gvisor.sentry.kernel;

import gvisor.api.platform.Context;
import gvisor.api.platform.Registers;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.auth.IdMap;
import gvisor.sentry.kernel.futex.FutexWaiter;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.mm.UserBuffer;
import gvisor.sentry.seccomp.SeccompFilter;
import gvisor.sentry.socket.Message;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DevicePolicy;
import gvisor.sentry.vfs.FsContext;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * One thread of an application. Like Linux {@code struct task_struct}. Fields belong to its thread unless they say
 * otherwise.
 */
public final class Task implements Caller {
  /** What {@link #block} ended with. */
  public static final int WOKEN = 0;
  public static final int TIMED_OUT = 1;
  public static final int INTERRUPTED = 2;

  /** No deadline. */
  public static final long FOREVER = Long.MAX_VALUE;

  /** Bytes of {@link #scratch}. */
  public static final int SCRATCH_SIZE = 64 * 1024;

  private static final long DEFAULT_TIMER_SLACK = 50_000;

  // What waits at the next boundary, bits of work.
  static final int WORK_KILL = 1;
  static final int WORK_SIGNAL = 2;
  static final int WORK_STOP = 4;
  static final int WORK_TRACE = 8;
  static final int WORK_PAUSE = 16;

  /** The work that makes a blocked task give up: a paused one may as well stay blocked. */
  private static final int INTERRUPTING = WORK_KILL | WORK_SIGNAL | WORK_STOP | WORK_TRACE;

  private static final VarHandle WORK;

  static {
    try {
      WORK = MethodHandles.lookup().findVarHandle(Task.class, "work", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Kernel kernel;
  private final UserBuffer buffer = new UserBuffer();
  private final Waiter waiter = new Waiter();
  private MemorySegment scratch;
  private Message message;

  // Set when a worker takes the task, and null again when it is dead. The thread and the context are read by others.
  volatile Thread thread;
  volatile Context context;
  Registers registers;
  SyscallArgs args;

  /** Application code may be running: an interrupt has to go to the context rather than to the thread. */
  volatile boolean inApplication;

  /** Registers and extended state to start with; for the first switch only. */
  long[] initialRegisters;
  MemorySegment initialFpu;

  // Identity; guarded by tasksLock, where not final.
  volatile Pid pid;
  volatile ThreadGroup group;
  volatile String comm = "";

  private volatile Credentials creds;
  private volatile MemoryManager mm;
  private volatile FsContext fs;
  private volatile FdTable fds;
  private volatile UtsNamespace uts;
  private volatile IpcNamespace ipc;
  volatile NetNamespace netNamespace;
  /** Where its children are born; its own namespace unless it unshared. */
  volatile PidNamespace childPidNamespace;

  // Signals. The mask is written by the task (or a tracer while it is stopped) under tasksLock and read anywhere.
  final PendingSignals pending = new PendingSignals();
  private volatile long signalMask;
  long savedMask;
  boolean hasSavedMask;
  /** Signals that sigtimedwait waits for although they are blocked; guarded by tasksLock. */
  long waitedSignals;
  long altStackBase;
  long altStackSize;
  int altStackFlags = AltStack.SS_DISABLE;
  /** A signal sent to the process when the thread that made it dies; 0 for none. */
  volatile int parentDeathSignal;

  @SuppressWarnings("unused") // through WORK
  private volatile int work;

  // The system call it is in, -1 for none that may be restarted, and what restart_syscall goes on with.
  long syscallNumber = -1;
  RestartBlock restartBlock;
  long faultAddress;
  int faultCode;
  int faultTrap;

  // Addresses the application registered.
  volatile long clearChildTid;
  volatile long robustList;
  volatile long rseqAddress;
  int rseqLength;
  int rseqSignature;

  // Accounting: nanoseconds; written by the task, read by all.
  volatile long utimeNanos;
  volatile long stimeNanos;
  volatile long lastStamp;
  volatile long minorFaults;
  private final IoCounts io = new IoCounts();
  volatile long voluntarySwitches;
  volatile long involuntarySwitches;
  final long startNanos;
  volatile boolean blocked;
  volatile int loginUid = -1;
  volatile int auditSession = -1;

  // Life. Guarded by tasksLock.
  volatile boolean dead;
  volatile boolean stopped;
  boolean countedInStop;
  int exitStatus;
  UserCounts counts;
  /** A vfork parent waits for this task to let go of its memory. */
  volatile VforkWait vforkWait;
  /** Who made it: for PDEATHSIG and __WNOTHREAD. */
  Task creator;

  final SchedulingAttributes scheduling = new SchedulingAttributes();
  /** How many nanoseconds a timeout may be late, as PR_SET_TIMERSLACK stores it. */
  volatile long timerSlackNanos = DEFAULT_TIMER_SLACK;
  volatile Seccomp seccomp;
  private SeccompFilter.Evaluation evaluation;
  volatile Tracee tracee;
  final FutexWaiter futexWaiter = new FutexWaiter(waiter, 0);
  volatile boolean syscallTrace;

  Task(Kernel kernel, Credentials creds, MemoryManager mm, FsContext fs, FdTable fds, UtsNamespace uts,
      IpcNamespace ipc) {
    this.kernel = kernel;
    this.creds = creds;
    this.mm = mm;
    this.fs = fs;
    this.fds = fds;
    this.uts = uts;
    this.ipc = ipc;
    this.startNanos = kernel.host().clock().monotonicNanos();
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

  // ---- what it has ----

  public Kernel kernel() {
    return kernel;
  }

  @Override
  public Credentials creds() {
    return creds;
  }

  /** Replaces who it is; by the task itself. */
  public void setCreds(Credentials next) {
    if (next.uid() != creds.uid()) {
      counts.tasks.getAndDecrement();
      counts = kernel.userCounts(next.uid());
      counts.tasks.getAndIncrement();
    }
    creds = next;
  }

  /** Another thread of the process has put it under a filter, and with that under {@code no_new_privs}. */
  void forceNoNewPrivs() {
    creds = creds.withNoNewPrivs();
  }

  @Override
  public MemoryManager mm() {
    return mm;
  }

  void setMm(MemoryManager next) {
    mm = next;
  }

  @Override
  public FsContext fs() {
    return fs;
  }

  /** Replaces root, current directory and umask ({@code unshare}, {@code setns}); the old ones are not released. */
  public void setFs(FsContext next) {
    fs = next;
  }

  /** File descriptors; null once it is dead. */
  public FdTable fds() {
    return fds;
  }

  void setFds(FdTable next) {
    fds = next;
  }

  public UtsNamespace uts() {
    return uts;
  }

  void setUts(UtsNamespace next) {
    uts = next;
  }

  public IpcNamespace ipc() {
    return ipc;
  }

  void setIpc(IpcNamespace next) {
    ipc = next;
  }

  public NetNamespace netNamespace() {
    return netNamespace;
  }

  /** Memory for running seccomp filters. */
  SeccompFilter.Evaluation seccompEvaluation() {
    if (evaluation == null) {
      evaluation = new SeccompFilter.Evaluation();
    }
    return evaluation;
  }

  public ThreadGroup threadGroup() {
    return group;
  }

  /** The namespace its ids are in. */
  public PidNamespace pidNamespace() {
    return pid.namespace();
  }

  public Pid pid() {
    return pid;
  }

  @Override
  public int tgid() {
    return group.pid().number();
  }

  @Override
  public int tid() {
    return pid.number();
  }

  /** Whether its id is the process's. */
  public boolean isLeader() {
    return group.leader() == this;
  }

  /** The name, at most 15 bytes ({@code PR_SET_NAME}). */
  public String comm() {
    return comm;
  }

  /** Sets the name, cut to 15 bytes. */
  public void setComm(String name) {
    comm = name.length() > 15 ? name.substring(0, 15) : name;
  }

  public Rlimits rlimits() {
    return group.rlimits;
  }

  /** RLIMIT_NOFILE as the bound of a new descriptor. */
  public int fdLimit() {
    long limit = group.rlimits.soft(Rlimits.RLIMIT_NOFILE);
    return limit < 0 || limit > Rlimits.NR_OPEN ? (int) Rlimits.NR_OPEN : (int) limit;
  }

  @Override
  public long realtimeNanos() {
    return kernel.host().clock().realtimeNanos();
  }

  @Override
  public long fileSizeLimit() {
    return group.rlimits.soft(Rlimits.RLIMIT_FSIZE);
  }

  @Override
  public PageAllocator pages(PageAllocator otherwise) {
    return group.container().memory().pages();
  }

  @Override
  public IdMap users() {
    return group.container().users();
  }

  @Override
  public IdMap groups() {
    return group.container().groups();
  }

  @Override
  public DevicePolicy devices() {
    return group.container().devices();
  }

  /** The container it belongs to. */
  public Container container() {
    return group.container();
  }

  /** Memory of the task's own for copying arguments in and results out; its content lasts for one call. */
  public MemorySegment scratch() {
    if (scratch == null) {
      scratch = Arena.ofAuto().allocate(SCRATCH_SIZE, 16);
    }
    return scratch;
  }

  void lendScratch(MemorySegment lent) {
    scratch = lent;
  }

  /** Whether the reusable buffer met memory that could not be had; whoever asks is told once. */
  boolean takeBufferFailure() {
    return buffer.takeFailure();
  }

  /** The reusable buffer, pointed at {@code length} bytes of application memory. */
  public UserBuffer buffer(long addr, long length) {
    mm.wrap(buffer, addr, length);
    return buffer;
  }

  /** What socket calls move beside the data; reused from call to call. */
  public Message message() {
    if (message == null) {
      message = new Message();
    }
    message.clear();
    return message;
  }

  /** The general registers, while the task runs kernel code. */
  public Registers registers() {
    return registers;
  }

  // ---- waiting ----

  /**
   * The entry to register with what the task waits for. The order that loses no wake-up: register, try, {@link #block},
   * try again, ..., unregister.
   */
  public WaitEntry waiter() {
    return waiter;
  }

  /**
   * Waits until {@link #waiter} is told of something, a signal is to be handled, or the deadline passes. May report
   * {@link #WOKEN} for something that happened before.
   *
   * @param deadline CLOCK_MONOTONIC nanoseconds, or {@link #FOREVER}
   * @return {@link #WOKEN}, {@link #TIMED_OUT} or {@link #INTERRUPTED}
   */
  public int block(long deadline) {
    return park(deadline, INTERRUPTING);
  }

  /** As {@link #block} without a deadline, but only SIGKILL interrupts it. */
  int blockKillable() {
    return park(FOREVER, WORK_KILL);
  }

  private int park(long deadline, int interrupting) {
    if (waiter.woken) {
      waiter.woken = false;
      return WOKEN;
    }
    if (kernel.fileSignals().hasWork()) {
      kernel.fileSignals().send();
    }
    long before = kernel.host().clock().monotonicNanos();
    stimeNanos = stimeNanos + (before - lastStamp);
    voluntarySwitches = voluntarySwitches + 1;
    blocked = true;
    int result;
    long now = before;
    while (true) {
      if (waiter.woken) {
        waiter.woken = false;
        result = WOKEN;
        break;
      }
      if ((work & interrupting) != 0) {
        result = INTERRUPTED;
        break;
      }
      if (deadline == FOREVER) {
        LockSupport.park(this);
      } else {
        if (deadline <= now) {
          result = TIMED_OUT;
          break;
        }
        LockSupport.parkNanos(this, deadline - now);
      }
      now = kernel.host().clock().monotonicNanos();
    }
    blocked = false;
    lastStamp = now;
    return result;
  }

  /** Whether a signal waits that has to be handled, or the task is to stop or die. */
  public boolean hasPendingInterrupt() {
    return (work & INTERRUPTING) != 0;
  }

  /** Whether SIGKILL is on its way. */
  public boolean isDying() {
    return (work & WORK_KILL) != 0;
  }

  /** What waits at the boundary. */
  int work() {
    return work;
  }

  /** Adds to what waits at the boundary, and gets the task there. Any thread. */
  void interrupt(int bits) {
    WORK.getAndBitwiseOr(this, bits);
    kick();
  }

  /** Gets the task to look at its work. Any thread. */
  void kick() {
    if (inApplication) {
      Context c = context;
      if (c != null) {
        c.interrupt();
      }
    } else {
      LockSupport.unpark(thread);
    }
  }

  void clearWork(int bits) {
    WORK.getAndBitwiseAnd(this, ~bits);
  }

  // ---- signals ----

  /** Blocked signals. */
  public long signalMask() {
    return signalMask;
  }

  /** Replaces the set of blocked signals; SIGKILL and SIGSTOP stay out of it. By the task itself. */
  public void setSignalMask(long mask) {
    kernel.tasksLock.lock();
    try {
      setSignalMaskLocked(mask);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  void setSignalMaskLocked(long mask) {
    long before = signalMask;
    signalMask = mask & ~Signal.UNBLOCKABLE;
    long newlyBlocked = signalMask & ~before;
    if (newlyBlocked != 0 && (group.pending.set() & newlyBlocked) != 0) {
      Signals.retarget(this, newlyBlocked);
    }
    recalculateSignals();
  }

  /**
   * Reads, and if {@code change} replaces, what the process does with {@code signo}. A pending signal that is ignored
   * from now on is forgotten.
   *
   * @return handler, flags, restorer and mask before
   */
  public long[] action(int signo, boolean change, long handler, long flags, long restorer, long mask) {
    kernel.tasksLock.lock();
    try {
      SignalHandlers h = group.handlers;
      long[] old = {h.handler(signo), h.flags(signo), h.restorer(signo), h.mask(signo)};
      if (change) {
        h.set(signo, handler, flags, restorer, mask);
        if (h.ignores(signo)) {
          Signals.discardEverywhere(group, Signal.bit(signo));
        }
      }
      return old;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Base and size of the alternate signal stack. */
  public long[] altStack() {
    return new long[] {altStackBase, altStackSize};
  }

  /** Replaces the alternate signal stack, which has been checked. */
  public void setAltStack(long base, long size, int flags) {
    altStackBase = base;
    altStackSize = size;
    altStackFlags = flags;
  }

  /** Where 0 is stored, and a futex woken, when the thread dies. */
  public void setClearChildTid(long addr) {
    clearChildTid = addr;
  }

  public long clearChildTid() {
    return clearChildTid;
  }

  public int parentDeathSignal() {
    return parentDeathSignal;
  }

  /** The signal its process gets when the thread that made it dies; 0 for none. */
  public void setParentDeathSignal(int signo) {
    parentDeathSignal = signo;
  }

  /** It has gained or lost rights: a parent may not signal it any more. */
  public void clearParentDeathSignal() {
    parentDeathSignal = 0;
  }

  /** PR_GET_TIMERSLACK, in nanoseconds. */
  public long timerSlack() {
    return timerSlackNanos;
  }

  /** PR_SET_TIMERSLACK: 0 or less for the default. */
  public void setTimerSlack(long nanos) {
    timerSlackNanos = nanos <= 0 ? DEFAULT_TIMER_SLACK : nanos;
  }

  /** {@code /proc/[pid]/loginuid}: the user that logged in, or -1. */
  public int loginUid() {
    return loginUid;
  }

  /** {@code /proc/[pid]/sessionid}, or -1 before somebody logged in. */
  public int auditSession() {
    return auditSession;
  }

  /** Somebody logs in, or, with -1, nobody is logged in. */
  public void setLoginUid(int uid) {
    auditSession = uid == -1 ? -1 : kernel().newAuditSession();
    loginUid = uid;
  }

  /**
   * The system call that it waits in, while it waits in one: number, six arguments, stack pointer and instruction
   * pointer; a number of -1 when it waits outside of calls, and null when it runs. A look at a task that goes on meanwhile
   * may mix two calls.
   */
  public long[] waitingCall(Task caller) {
    Registers r = registers;
    if (r == null || isDying() || !blocked && this != caller) {
      return null;
    }
    long[] call = new long[9];
    call[0] = syscallNumber;
    for (int i = 0; i < 6; i++) {
      call[1 + i] = r.argument(i);
    }
    call[7] = r.get(Registers.RSP);
    call[8] = r.rip();
    return call;
  }

  /** The head of the list of locks it holds. */
  public long robustList() {
    return robustList;
  }

  public void setRobustList(long head) {
    robustList = head;
  }

  /** Its one wait on a futex, reused. */
  public FutexWaiter futexWaiter() {
    return futexWaiter;
  }

  /** Takes what {@code restart_syscall} is to go on with, or null. */
  public RestartBlock takeRestartBlock() {
    RestartBlock block = restartBlock;
    restartBlock = null;
    return block;
  }

  /** Starts with {@code mask}, before anybody knows the task. */
  void inheritSignalMask(long mask) {
    signalMask = mask;
  }

  /**
   * Blocks {@code mask} until this call ends ({@code ppoll}, {@code pselect}, {@code epoll_pwait}, {@code sigsuspend}):
   * a handler that interrupts it runs with {@code mask}, and returns to the mask before.
   */
  public void setTemporaryMask(long mask) {
    savedMask = signalMask;
    hasSavedMask = true;
    setSignalMask(mask);
  }

  /** Sets or clears the signal bit of the work by what is pending and not blocked. The lock is held. */
  void recalculateSignals() {
    if (((pending.set() | group.pending.set()) & ~signalMask) != 0) {
      WORK.getAndBitwiseOr(this, WORK_SIGNAL);
    } else {
      WORK.getAndBitwiseAnd(this, ~WORK_SIGNAL);
    }
  }

  /** Signals sent and not yet taken, of the task and of its process. */
  public long pendingSignals() {
    return pending.set() | group.pending.set();
  }

  /** Signals sent to this thread alone and not yet taken. */
  public long privatePendingSignals() {
    return pending.set();
  }

  /** Sends a signal to this thread, as {@code tgkill} would, but without asking for permission. Any thread. */
  public void sendSignal(SigInfo info) {
    kernel.tasksLock.lock();
    try {
      Signals.send(group, this, info, false);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** SIGPIPE to this thread, from a write to what nobody reads any more. */
  public void sendSigpipe() {
    sendSignal(SigInfo.user(Signal.SIGPIPE, Signal.SI_USER, tgid(), creds.uid()));
  }

  /** What goes on when {@code restart_syscall} is called; the handler then returns ERESTART_RESTARTBLOCK. */
  public long restartWith(RestartBlock block) {
    restartBlock = block;
    return Restart.ERESTART_RESTARTBLOCK;
  }

  // ---- time ----

  /** User CPU time so far, in nanoseconds. Any thread. */
  public long utime() {
    return inApplication ? utimeNanos + running() : utimeNanos;
  }

  /** System CPU time so far, in nanoseconds. Any thread. */
  public long stime() {
    return inApplication || blocked || dead || stopped ? stimeNanos : stimeNanos + running();
  }

  private long running() {
    long since = lastStamp;
    return since == 0 ? 0 : Math.max(0, kernel.host().clock().monotonicNanos() - since);
  }

  /** CLOCK_MONOTONIC when it was made, in nanoseconds. */
  public long startNanos() {
    return startNanos;
  }

  /** The letter of {@code /proc/[pid]/stat}: R, S, T, t, Z or X. */
  public char state() {
    if (dead) {
      return 'Z';
    }
    if (tracee != null && tracee.isStopped()) {
      return 't';
    }
    if (stopped) {
      return 'T';
    }
    return blocked ? 'S' : 'R';
  }

  /** Context switches for {@code /proc/[pid]/status}. */
  public long voluntarySwitches() {
    return voluntarySwitches;
  }

  public long involuntarySwitches() {
    return involuntarySwitches;
  }

  /** Where its children are born. */
  public PidNamespace childPidNamespace() {
    return childPidNamespace == null ? pidNamespace() : childPidNamespace;
  }

  /** What it has read and written. */
  public IoCounts io() {
    return io;
  }

  public long minorFaults() {
    return minorFaults;
  }

  public SchedulingAttributes scheduling() {
    return scheduling;
  }

  /** 0 without seccomp, 1 strict, 2 with filters, as {@code /proc/[pid]/status} has it. */
  public int seccompMode() {
    Seccomp s = seccomp;
    return s == null ? 0 : s.mode();
  }

  /** The tracer's id in {@code viewer}, or 0. */
  public int tracerPid(PidNamespace viewer) {
    Tracee t = tracee;
    return t == null ? 0 : t.tracer().pid().in(viewer);
  }

  @Override
  public String toString() {
    Pid p = pid;
    return p == null ? "task" : tgid() + ":" + p.number() + " " + comm;
  }
}
