package gvisor.sentry.kernel;

import gvisor.api.platform.Registers;
import gvisor.sentry.auth.Capability;
import java.util.concurrent.locks.LockSupport;

/**
 * A task under a tracer ({@code man 2 ptrace}): its stops, and what the tracer has asked for. Guarded by
 * {@link Kernel#tasksLock}. In a stop the tracee's thread waits; the tracer reads and changes its registers meanwhile,
 * and has the tracee's own thread do what only that may ({@link #runOnTracee}).
 */
public final class Tracee {
  public static final int O_TRACESYSGOOD = 1;
  public static final int O_TRACEFORK = 1 << 1;
  public static final int O_TRACEVFORK = 1 << 2;
  public static final int O_TRACECLONE = 1 << 3;
  public static final int O_TRACEEXEC = 1 << 4;
  public static final int O_TRACEVFORKDONE = 1 << 5;
  public static final int O_TRACEEXIT = 1 << 6;
  public static final int O_TRACESECCOMP = 1 << 7;
  public static final int O_EXITKILL = 1 << 20;

  /** Every option there is here. */
  public static final int OPTIONS = O_TRACESYSGOOD | O_TRACEFORK | O_TRACEVFORK | O_TRACECLONE | O_TRACEEXEC
      | O_TRACEVFORKDONE | O_TRACEEXIT | O_TRACESECCOMP | O_EXITKILL;

  static final int EVENT_FORK = 1;
  static final int EVENT_VFORK = 2;
  static final int EVENT_CLONE = 3;
  static final int EVENT_EXEC = 4;
  static final int EVENT_VFORK_DONE = 5;
  static final int EVENT_EXIT = 6;
  static final int EVENT_SECCOMP = 7;
  static final int EVENT_STOP = 128;

  /** How it goes on. */
  public enum Resume { CONT, SYSCALL, SINGLESTEP, LISTEN }

  /** What kind of system call stop it is in, for PTRACE_GET_SYSCALL_INFO. */
  public enum SyscallStop { NONE, ENTRY, EXIT, SECCOMP }

  private static final long TRAP_FLAG = 0x100;

  private final Task task;
  private final Task tracer;
  private final boolean seized;
  private volatile int options;
  private volatile Resume mode = Resume.CONT;
  private volatile boolean stopped;
  private volatile boolean detached;
  private boolean listening;
  private int stopCode;
  private boolean reported;
  private int injected;
  private long message;
  private SigInfo info;
  private SyscallStop syscallStop = SyscallStop.NONE;
  private volatile Runnable command;
  private boolean fresh;

  Tracee(Task task, Task tracer, boolean seized, int options) {
    this.task = task;
    this.tracer = tracer;
    this.seized = seized;
    this.options = options;
  }

  Task tracer() {
    return tracer;
  }

  boolean isStopped() {
    return stopped;
  }

  public boolean isSeized() {
    return seized;
  }

  public void setOptions(int bits) {
    options = bits;
  }

  /** PTRACE_GETEVENTMSG. */
  public long message() {
    return message;
  }

  /** PTRACE_GETSIGINFO: of a signal or group stop, else null. */
  public SigInfo info() {
    return info;
  }

  /** PTRACE_SETSIGINFO. */
  public void setInfo(SigInfo replaced) {
    info = replaced;
  }

  public SyscallStop syscallStop() {
    return syscallStop;
  }

  boolean has(int option) {
    return (options & option) != 0;
  }

  boolean wantsSyscalls() {
    return mode == Resume.SYSCALL && !detached;
  }

  boolean wantsSeccomp() {
    return has(O_TRACESECCOMP) && !detached;
  }

  boolean isStepping() {
    return mode == Resume.SINGLESTEP && !detached;
  }

  boolean mayGainRights() {
    return tracer.creds().has(Capability.CAP_SYS_PTRACE);
  }

  // ---- on the tracee's thread ----

  /** Stops with {@code code}: a signal, and an event above it. Returns the signal to go on with, 0 for none. */
  private int stop(int code, SigInfo why, long eventMessage, SyscallStop kind) {
    Kernel kernel = task.kernel();
    kernel.tasksLock.lock();
    try {
      if (detached || task.isDying() && code >> 8 != EVENT_EXIT) {
        return code & 0x7f;
      }
      stopCode = code;
      info = why;
      message = eventMessage;
      syscallStop = kind;
      reported = false;
      injected = 0;
      listening = false;
      stopped = true;
      tellTracer();
    } finally {
      kernel.tasksLock.unlock();
    }
    while (stopped && (!task.isDying() || code >> 8 == EVENT_EXIT)) {
      Runnable c = command;
      if (c != null) {
        c.run();
        command = null;
        LockSupport.unpark(tracer.thread);
        continue;
      }
      LockSupport.park(this);
    }
    stopped = false;
    syscallStop = SyscallStop.NONE;
    task.lastStamp = kernel.host().clock().monotonicNanos();
    if (mode == Resume.SINGLESTEP && !detached) {
      task.registers.set(Registers.RFLAGS, task.registers.get(Registers.RFLAGS) | TRAP_FLAG);
    }
    return injected;
  }

  private void tellTracer() {
    ThreadGroup tg = tracer.group;
    if ((tg.handlers.flags(Signal.SIGCHLD) & Signal.SA_NOCLDSTOP) == 0) {
      Signals.send(tg, null, SigInfo.child(Signal.SIGCHLD, Signal.CLD_TRAPPED, task.pid.in(tracer.pidNamespace()),
          task.creds().uid(), stopCode & 0x7f, 0, 0), false);
    }
    tg.notifyChildEvent();
  }

  /** A call begins; true when it is not to be made. */
  boolean syscallEntry() {
    int signo = stop(Signal.SIGTRAP | (has(O_TRACESYSGOOD) ? 0x80 : 0), null, 1, SyscallStop.ENTRY);
    inject(signo);
    return task.syscallNumber < 0;
  }

  /** A call ends. */
  void syscallExit(long result) {
    int signo = stop(Signal.SIGTRAP | (has(O_TRACESYSGOOD) ? 0x80 : 0), null, 2, SyscallStop.EXIT);
    inject(signo);
  }

  private void inject(int signo) {
    if (signo != 0 && !detached) {
      task.sendSignal(SigInfo.user(signo, Signal.SI_USER, tracer.pid.in(task.pidNamespace()), tracer.creds().uid()));
    }
  }

  void seccompStop(int data) {
    stop(Signal.SIGTRAP | EVENT_SECCOMP << 8, null, data, SyscallStop.SECCOMP);
  }

  /** The processor trapped after one step: the flag that made it is not the application's. */
  void stepped() {
    task.registers.set(Registers.RFLAGS, task.registers.get(Registers.RFLAGS) & ~TRAP_FLAG);
  }

  /** PTRACE_INTERRUPT, or a task that was seized or born while it was stopped. */
  void interruptStop() {
    if (!seized) {
      return;
    }
    int signo = task.group.stopActive ? task.group.stopSignal : Signal.SIGTRAP;
    groupOrEventStop(signo | EVENT_STOP << 8);
  }

  /** The process stops by job control. */
  void groupStop(int signo) {
    groupOrEventStop(seized ? signo | EVENT_STOP << 8 : signo);
  }

  private void groupOrEventStop(int code) {
    SigInfo why = SigInfo.user(code & 0x7f, code, task.tgid(), task.creds().uid());
    stop(code, seized ? why : null, 0, SyscallStop.NONE);
  }

  /** A signal is about to be taken; the tracer decides which, null for none. */
  SigInfo signalStop(SigInfo taken) {
    int signo = stop(taken.signo, taken, 0, SyscallStop.NONE);
    if (signo == 0) {
      return null;
    }
    SigInfo now = info != null ? info : taken;
    return now.signo == signo ? now
        : SigInfo.user(signo, Signal.SI_USER, tracer.pid.in(task.pidNamespace()), tracer.creds().uid());
  }

  /** Another program has been loaded. */
  void execStop(int oldTid) {
    if (has(O_TRACEEXEC)) {
      stop(Signal.SIGTRAP | EVENT_EXEC << 8, null, oldTid, SyscallStop.NONE);
    } else if (!seized && !detached) {
      task.sendSignal(SigInfo.user(Signal.SIGTRAP, Signal.SI_USER, task.tgid(), task.creds().uid()));
    }
  }

  void exitStop() {
    if (has(O_TRACEEXIT) && !detached) {
      int status = task.group.exiting ? task.group.exitStatus : task.exitStatus;
      stop(Signal.SIGTRAP | EVENT_EXIT << 8, null, status, SyscallStop.NONE);
    }
  }

  /** The first thing a traced child does is to stop. */
  void afterBirth() {
    if (fresh) {
      fresh = false;
      if (seized) {
        groupOrEventStop(Signal.SIGTRAP | EVENT_STOP << 8);
      }
    }
  }

  // ---- clone, on the parent's thread ----

  private static int cloneEvent(CloneArgs args) {
    return args.has(CloneArgs.CLONE_VFORK) ? EVENT_VFORK
        : args.exitSignal() != Signal.SIGCHLD ? EVENT_CLONE : EVENT_FORK;
  }

  private boolean tells(int event) {
    return !detached && has(1 << event);
  }

  /** A child was made: it is traced too if the tracer wants to hear of its birth. It does not run yet. */
  void cloned(Task child, CloneArgs args) {
    boolean follow = tells(cloneEvent(args)) && !args.has(CloneArgs.CLONE_UNTRACED);
    if (!follow && !(args.has(CloneArgs.CLONE_PTRACE) && !detached)) {
      return;
    }
    Kernel kernel = task.kernel();
    kernel.tasksLock.lock();
    try {
      Tracee t = new Tracee(child, tracer, seized, options);
      t.fresh = true;
      child.tracee = t;
      child.syscallTrace = true;
      tracer.group.tracees.add(child);
      if (!seized) {
        child.pending.add(SigInfo.user(Signal.SIGSTOP, Signal.SI_USER, 0, 0));
        child.interrupt(Task.WORK_SIGNAL);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  void cloneStop(Task child, CloneArgs args) {
    int event = cloneEvent(args);
    if (tells(event) && !args.has(CloneArgs.CLONE_UNTRACED)) {
      stop(Signal.SIGTRAP | event << 8, null, child.pid.in(tracer.pidNamespace()), SyscallStop.NONE);
    }
  }

  void vforkDoneStop(Task child) {
    if (tells(EVENT_VFORK_DONE)) {
      stop(Signal.SIGTRAP | EVENT_VFORK_DONE << 8, null, child.pid.in(tracer.pidNamespace()), SyscallStop.NONE);
    }
  }

  // ---- by the tracer ----

  /** The stop that waiting has not reported yet, or 0. The lock is held. */
  int unreportedStop(boolean consume) {
    if (!stopped || reported || stopCode == 0) {
      return 0;
    }
    reported = consume;
    return stopCode;
  }

  /** Lets the tracee go on with {@code signo}. The lock is held, and it is stopped. */
  void resume(Resume how, int signo) {
    if (how == Resume.LISTEN) {
      listening = true;
      return;
    }
    mode = how;
    injected = signo;
    stopped = false;
    LockSupport.unpark(task.thread);
  }

  /** SIGCONT has come while the tracer only listened: it stops anew. The lock is held. */
  void continued() {
    if (listening) {
      listening = false;
      stopped = false;
      task.interrupt(Task.WORK_TRACE);
      LockSupport.unpark(task.thread);
    }
  }

  /** Ends the trace. The lock is held. */
  void detach(int signo) {
    detached = true;
    injected = signo;
    mode = Resume.CONT;
    stopped = false;
    task.tracee = null;
    tracer.group.tracees.remove(task);
    if (task.group.stopActive && !task.dead) {
      task.interrupt(Task.WORK_STOP);
    }
    LockSupport.unpark(task.thread);
  }

  /** Has the stopped tracee's own thread run {@code work}, and waits for it. On the tracer's thread, without locks. */
  public void runOnTracee(Runnable work) {
    command = work;
    LockSupport.unpark(task.thread);
    while (command != null && stopped && !task.isDying()) {
      LockSupport.parkNanos(this, 1_000_000);
    }
    command = null;
  }

  public Task task() {
    return task;
  }
}
