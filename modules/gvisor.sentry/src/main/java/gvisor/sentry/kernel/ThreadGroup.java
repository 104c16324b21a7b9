package gvisor.sentry.kernel;

import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.vfs.FileDescription;
import java.util.ArrayList;
import java.util.List;

/**
 * A process: threads that share signals, limits and a parent. Like Linux {@code struct signal_struct}. Guarded by
 * {@link Kernel#tasksLock}; public methods take it or read a volatile.
 */
public final class ThreadGroup {
  private static final int DEFAULT_COREDUMP_FILTER = 0x33;
  private static final int COREDUMP_FILTER_MASK = 0x1ff;

  private final Kernel kernel;
  private final Container container;

  /** Living threads, and a dead leader that waits for them. */
  final List<Task> tasks = new ArrayList<>(1);

  volatile Task leader;
  volatile ThreadGroup parent;
  final List<ThreadGroup> children = new ArrayList<>(0);
  /** Tasks that a thread of this process traces. */
  final List<Task> tracees = new ArrayList<>(0);
  volatile ProcessGroup group;

  volatile SignalHandlers handlers;
  final PendingSignals pending = new PendingSignals();
  volatile Rlimits rlimits;

  /** Told of a child's change of state. */
  final WaitQueue childEvents = new WaitQueue();
  /** Told of signals sent to the process or one of its threads ({@code signalfd}). */
  final WaitQueue signalEvents = new WaitQueue();
  /** Told of the end of the process, and of threads while {@code execve} waits for them ({@code pidfd}). */
  final WaitQueue exitEvents = new WaitQueue();

  /** Threads that still run. */
  volatile int liveTasks;
  /** exit_group or a fatal signal: every thread is to die, with {@link #exitStatus}. */
  volatile boolean exiting;
  /** The wait status, once {@link #exiting} or {@link #zombie}. */
  volatile int exitStatus;
  volatile boolean zombie;
  volatile boolean reaped;
  /** The thread that is in execve and waits for the others to die, or null. */
  Task execTask;
  /** What the parent is sent at the end; 0 for nothing. */
  int exitSignal;

  // Job control.
  boolean stopActive;
  int stopsAwaited;
  int stopSignal;
  volatile boolean stopped;
  boolean stopUnreported;
  boolean continueUnreported;
  /** Has called execve: its parent may not move it to another group any more. */
  volatile boolean hasExecuted;

  volatile boolean isSubreaper;
  volatile boolean hasSubreaperAncestor;
  volatile int dumpable = 1;
  volatile int oomScoreAdj;
  volatile int coredumpFilter = DEFAULT_COREDUMP_FILTER;
  volatile int personality;
  volatile boolean keepCapabilities;
  private volatile boolean hugePagesDisabled;
  /** The path and arguments of the last execve are the memory manager's; this is what tells one from another. */
  volatile long executions;
  /** What {@code /proc/[pid]/exe} leads to; one reference, given back at the end. */
  volatile FileDescription executable;

  // CPU time of threads that are gone, and of children that were waited for; nanoseconds.
  volatile long deadUtime;
  volatile long deadStime;
  volatile long deadMinorFaults;
  volatile long deadVoluntarySwitches;
  volatile long childUtime;
  volatile long childStime;
  volatile long childMinorFaults;
  volatile long maxRssBytes;
  final IoCounts deadIo = new IoCounts();
  volatile long childMaxRssBytes;
  final long startNanos;
  final long startRealtimeNanos;

  final ProcessTimers timers;

  ThreadGroup(Kernel kernel, Container container, SignalHandlers handlers, Rlimits rlimits, int exitSignal) {
    this.kernel = kernel;
    this.container = container;
    this.handlers = handlers;
    this.rlimits = rlimits;
    this.exitSignal = exitSignal;
    this.startNanos = kernel.host().clock().monotonicNanos();
    this.startRealtimeNanos = kernel.host().clock().realtimeNanos();
    this.timers = new ProcessTimers(this);
  }

  public Kernel kernel() {
    return kernel;
  }

  /** The container it belongs to. */
  public Container container() {
    return container;
  }

  /** The process id. */
  public Pid pid() {
    return leader.pid;
  }

  /** The thread whose id is the process id; it may be dead while others live. */
  public Task leader() {
    return leader;
  }

  /** The parent, or null for the first process of a namespace whose parent is outside. */
  public ThreadGroup parent() {
    return parent;
  }

  /** The parent's id as {@code viewer} sees it, or 0. */
  public int parentPid(PidNamespace viewer) {
    ThreadGroup p = parent;
    return p == null ? 0 : p.pid().in(viewer);
  }

  public ProcessGroup processGroup() {
    return group;
  }

  public Rlimits rlimits() {
    return rlimits;
  }

  public SignalHandlers handlers() {
    return handlers;
  }

  /** Signals sent to the process and not yet taken. */
  public long pendingSignals() {
    return pending.set();
  }

  /** The threads, now; a dead leader is among them. */
  public List<Task> tasks() {
    kernel.tasksLock.lock();
    try {
      return List.copyOf(tasks);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** The children, now; zombies are among them. */
  public List<ThreadGroup> children() {
    kernel.tasksLock.lock();
    try {
      return List.copyOf(children);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** How many threads it has. */
  public int threadCount() {
    return liveTasks;
  }

  /** Whether every thread is dead and nobody has waited for it yet. */
  public boolean isZombie() {
    return zombie;
  }

  /** Whether every thread is stopped. */
  public boolean isStopped() {
    return stopped;
  }

  /** The letter for {@code /proc/[pid]/stat}. */
  public char state() {
    if (zombie) {
      return 'Z';
    }
    Task l = leader;
    return l.dead ? 'S' : l.state();
  }

  /** A thread that is not dead, or null. */
  public Task anyLiveTask() {
    kernel.tasksLock.lock();
    try {
      for (Task t : tasks) {
        if (!t.dead) {
          return t;
        }
      }
      return null;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** User CPU time of all threads, dead ones too, in nanoseconds. */
  public long utime() {
    kernel.tasksLock.lock();
    try {
      long sum = deadUtime;
      for (Task t : tasks) {
        if (!t.dead) {
          sum += t.utime();
        }
      }
      return sum;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** System CPU time of all threads, dead ones too, in nanoseconds. */
  public long stime() {
    kernel.tasksLock.lock();
    try {
      long sum = deadStime;
      for (Task t : tasks) {
        if (!t.dead) {
          sum += t.stime();
        }
      }
      return sum;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** User CPU time of children that were waited for, in nanoseconds. */
  public long childUtime() {
    return childUtime;
  }

  /** System CPU time of children that were waited for, in nanoseconds. */
  public long childStime() {
    return childStime;
  }

  /** Page faults that needed no file, of all threads. */
  public long minorFaults() {
    long sum = deadMinorFaults;
    for (Task t : tasks()) {
      if (!t.dead) {
        sum += t.minorFaults;
      }
    }
    return sum;
  }

  /** Of children that were waited for. */
  public long childMinorFaults() {
    return childMinorFaults;
  }

  /** What its threads, dead ones too, have read and written. */
  public IoCounts io() {
    kernel.tasksLock.lock();
    try {
      IoCounts sum = new IoCounts();
      sum.add(deadIo);
      for (Task t : tasks) {
        if (!t.dead) {
          sum.add(t.io());
        }
      }
      return sum;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** The most memory it had at once. */
  public long maxRssBytes() {
    return maxRssBytes;
  }

  /** It has had that much memory at once. */
  public void noteResident(long bytes) {
    maxRssBytes = Math.max(maxRssBytes, bytes);
  }

  public long childMaxRssBytes() {
    return childMaxRssBytes;
  }

  /** Interval and POSIX timers. */
  public ProcessTimers timers() {
    return timers;
  }

  /** CLOCK_MONOTONIC at its start, in nanoseconds. */
  public long startNanos() {
    return startNanos;
  }

  /** Wall clock at its start, in nanoseconds since the epoch. */
  public long startRealtimeNanos() {
    return startRealtimeNanos;
  }

  /** {@code /proc/[pid]/oom_score_adj}: stored and inherited. */
  public int oomScoreAdj() {
    return oomScoreAdj;
  }

  public void setOomScoreAdj(int value) {
    oomScoreAdj = value;
  }

  /** {@code /proc/[pid]/coredump_filter}: stored and inherited. */
  public int coredumpFilter() {
    return coredumpFilter;
  }

  /** Unknown bits are dropped. */
  public void setCoredumpFilter(long mask) {
    coredumpFilter = (int) mask & COREDUMP_FILTER_MASK;
  }

  /** PR_SET_DUMPABLE: 0, 1 or 2. */
  public int dumpable() {
    return dumpable;
  }

  public void setDumpable(int value) {
    dumpable = value;
  }

  /** PR_SET_KEEPCAPS. */
  public boolean keepsCapabilities() {
    return keepCapabilities;
  }

  public void setKeepsCapabilities(boolean on) {
    keepCapabilities = on;
  }

  /** PR_SET_THP_DISABLE: stored; there are no huge pages to disable. */
  public boolean hugePagesDisabled() {
    return hugePagesDisabled;
  }

  public void setHugePagesDisabled(boolean on) {
    hugePagesDisabled = on;
  }

  /** PR_SET_CHILD_SUBREAPER. */
  public boolean isSubreaper() {
    return isSubreaper;
  }

  /** Makes it, or stops it being, the one that adopts orphans among its descendants. */
  public void setSubreaper(boolean on) {
    kernel.tasksLock.lock();
    try {
      isSubreaper = on;
      if (on) {
        markDescendants(this);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private static void markDescendants(ThreadGroup tg) {
    for (ThreadGroup child : tg.children) {
      if (!child.hasSubreaperAncestor) {
        child.hasSubreaperAncestor = true;
        markDescendants(child);
      }
    }
  }

  public int personality() {
    return personality;
  }

  public void setPersonality(int value) {
    personality = value;
  }

  /** The wait status ({@code man 2 wait}); valid once it is a zombie. */
  public int exitStatus() {
    return exitStatus;
  }

  /** What {@code signalfd} waits on: told when a signal is sent to the process or one of its threads. */
  public WaitQueue signalEvents() {
    return signalEvents;
  }

  /** Told with EPOLLIN when the process ends. */
  public WaitQueue exitEvents() {
    return exitEvents;
  }

  /** Sends a signal to the process, without asking for permission. */
  public void sendSignal(SigInfo info) {
    kernel.tasksLock.lock();
    try {
      Signals.send(this, null, info, false);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** SIGKILL, whoever it is. */
  public void kill() {
    kernel.tasksLock.lock();
    try {
      Signals.kill(this);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** The program it runs, with a reference for the caller, who closes it; null once it is dead. */
  public FileDescription acquireExecutable() {
    FileDescription e = executable;
    return e != null && e.tryAcquire() ? e : null;
  }

  /** Starts the death of every thread, with {@code status} for the parent. The lock is held. */
  void exitGroup(int status) {
    if (!exiting) {
      exiting = true;
      exitStatus = status;
    }
    stopActive = false;
    for (Task t : tasks) {
      if (!t.dead) {
        t.interrupt(Task.WORK_KILL);
      }
    }
  }

  /** Tells whoever waits for children of this process. */
  void notifyChildEvent() {
    childEvents.notify(EventMask.READABLE);
  }
}
