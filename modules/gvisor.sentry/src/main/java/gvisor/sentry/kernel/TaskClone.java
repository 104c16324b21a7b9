package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.sentry.kernel.CloneArgs.CLONE_CHILD_CLEARTID;
import static gvisor.sentry.kernel.CloneArgs.CLONE_CHILD_SETTID;
import static gvisor.sentry.kernel.CloneArgs.CLONE_CLEAR_SIGHAND;
import static gvisor.sentry.kernel.CloneArgs.CLONE_DETACHED;
import static gvisor.sentry.kernel.CloneArgs.CLONE_FILES;
import static gvisor.sentry.kernel.CloneArgs.CLONE_FS;
import static gvisor.sentry.kernel.CloneArgs.CLONE_INTO_CGROUP;
import static gvisor.sentry.kernel.CloneArgs.CLONE_NEWCGROUP;
import static gvisor.sentry.kernel.CloneArgs.CLONE_NEWIPC;
import static gvisor.sentry.kernel.CloneArgs.CLONE_NEWNET;
import static gvisor.sentry.kernel.CloneArgs.CLONE_NEWNS;
import static gvisor.sentry.kernel.CloneArgs.CLONE_NEWPID;
import static gvisor.sentry.kernel.CloneArgs.CLONE_NEWUSER;
import static gvisor.sentry.kernel.CloneArgs.CLONE_NEWUTS;
import static gvisor.sentry.kernel.CloneArgs.CLONE_PARENT;
import static gvisor.sentry.kernel.CloneArgs.CLONE_PARENT_SETTID;
import static gvisor.sentry.kernel.CloneArgs.CLONE_PIDFD;
import static gvisor.sentry.kernel.CloneArgs.CLONE_SETTLS;
import static gvisor.sentry.kernel.CloneArgs.CLONE_SIGHAND;
import static gvisor.sentry.kernel.CloneArgs.CLONE_THREAD;
import static gvisor.sentry.kernel.CloneArgs.CLONE_VFORK;
import static gvisor.sentry.kernel.CloneArgs.CLONE_VM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.Registers;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.vfs.FsContext;
import java.lang.foreign.MemorySegment;

/** New tasks: {@code man 2 clone}, {@code man 2 fork}, {@code man 2 vfork}. */
public final class TaskClone {
  private static final long NEW_NAMESPACES =
      CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

  private TaskClone() {}

  /** Makes a child as {@code args} say; its id in the caller's namespace. */
  public static long clone(Task t, CloneArgs args) throws ErrnoException {
    check(t, args);
    Kernel kernel = t.kernel();
    if (kernel.taskCount.incrementAndGet() > Kernel.MAX_TASKS - Kernel.RESERVED_TASKS || kernel.isDead()) {
      kernel.taskCount.getAndDecrement();
      throw EAGAIN.error();
    }
    if (!charge(t)) {
      kernel.taskCount.getAndDecrement();
      throw EAGAIN.error();
    }
    Container container = t.group.container();
    if (!container.chargeTask()) {
      t.counts.tasks.getAndDecrement();
      kernel.taskCount.getAndDecrement();
      throw EAGAIN.error();
    }
    UserCounts counts = t.counts;
    Workers.Worker worker = null;
    Task child = null;
    boolean started = false;
    try {
      worker = kernel.workers().acquire();
      child = copy(t, args, counts);
      long id = publish(t, child, args);
      started = true;
      if (child.isLeader() && child.rlimits().soft(Rlimits.RLIMIT_CPU) != Rlimits.INFINITY) {
        // The limit is inherited, the clock that watches it is not.
        child.group.timers.cpuLimitChanged();
      }
      VforkWait vfork = args.has(CLONE_VFORK) ? new VforkWait(t) : null;
      child.vforkWait = vfork;
      Tracee tracee = t.tracee;
      if (tracee != null) {
        tracee.cloned(child, args);
      }
      worker.start(child);
      if (tracee != null) {
        tracee.cloneStop(child, args);
      }
      if (vfork != null) {
        vfork.await();
        if (tracee != null) {
          tracee.vforkDoneStop(child);
        }
      }
      return id;
    } finally {
      if (!started) {
        undo(child);
        if (worker != null) {
          kernel.workers().release(worker);
        }
        counts.tasks.getAndDecrement();
        container.unchargeTask();
        kernel.taskCount.getAndDecrement();
      }
    }
  }

  private static void check(Task t, CloneArgs a) throws ErrnoException {
    if (a.has(CLONE_NEWNS | CLONE_FS) || a.has(CLONE_SIGHAND) && !a.has(CLONE_VM)
        || a.has(CLONE_THREAD) && !a.has(CLONE_SIGHAND)
        || a.has(CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)
        || a.has(CLONE_PIDFD | CLONE_DETACHED)
        || a.has(CLONE_THREAD) && (a.has(CLONE_NEWPID) || t.childPidNamespace != t.pidNamespace())
        || a.exitSignal() > Signal.MAX) {
      throw EINVAL.error();
    }
    if (a.has(CLONE_PARENT) && Signals.isInit(t.group)) {
      throw EINVAL.error();
    }
    if (a.has(CLONE_NEWUSER) || a.has(CLONE_INTO_CGROUP)) {
      throw EINVAL.error();
    }
    if ((a.flags() & NEW_NAMESPACES) != 0 && !t.creds().has(Capability.CAP_SYS_ADMIN)) {
      throw EPERM.error();
    }
  }

  /** Counts one more task for the user, unless that is more than RLIMIT_NPROC and nothing says it does not matter. */
  private static boolean charge(Task t) {
    int tasks = t.counts.tasks.incrementAndGet();
    if (t.rlimits().exceeds(Rlimits.RLIMIT_NPROC, tasks) && t.creds().uid() != 0
        && !t.creds().has(Capability.CAP_SYS_RESOURCE) && !t.creds().has(Capability.CAP_SYS_ADMIN)) {
      t.counts.tasks.getAndDecrement();
      return false;
    }
    return true;
  }

  private static Task copy(Task t, CloneArgs args, UserCounts counts) throws ErrnoException {
    Kernel kernel = t.kernel();
    Rlimits limits = args.has(CLONE_THREAD) ? t.rlimits() : t.rlimits().copy();
    MemoryManager mm;
    if (args.has(CLONE_VM)) {
      mm = t.mm();
      mm.addressSpace().reserveThread();
      mm.acquire();
    } else {
      t.mm().expectStore(t.registers.rsp());
      t.mm().expectStore(t.registers.get(Registers.FS_BASE));
      mm = t.mm().fork(limits);
    }
    FsContext fs;
    try {
      fs = args.has(CLONE_NEWNS) ? Namespaces.newMountNamespace(t)
          : args.has(CLONE_FS) ? t.fs().share() : t.fs().fork();
    } catch (ErrnoException e) {
      mm.release();
      throw e;
    }
    FdTable fds = args.has(CLONE_FILES) ? t.fds().share() : t.fds().fork();
    Task child = new Task(kernel, t.creds(), mm, fs, fds,
        args.has(CLONE_NEWUTS) ? t.uts().copy(kernel) : t.uts(),
        args.has(CLONE_NEWIPC) ? new IpcNamespace(kernel) : t.ipc());
    child.counts = counts;
    Namespaces.inherit(t, child, args);
    copyState(t, child, args);
    if (!args.has(CLONE_THREAD)) {
      SignalHandlers handlers = args.has(CLONE_SIGHAND) ? t.group.handlers
          : args.has(CLONE_CLEAR_SIGHAND) ? t.group.handlers.copyForExec() : copyHandlers(t);
      ThreadGroup from = t.group;
      ThreadGroup tg = new ThreadGroup(kernel, from.container(), handlers, limits,
          args.has(CLONE_PARENT) ? from.exitSignal : args.exitSignal());
      tg.dumpable = from.dumpable;
      tg.oomScoreAdj = from.oomScoreAdj;
      tg.coredumpFilter = from.coredumpFilter;
      tg.personality = from.personality;
      tg.keepCapabilities = from.keepCapabilities;
      tg.hasSubreaperAncestor = from.hasSubreaperAncestor || from.isSubreaper;
      tg.executable = from.acquireExecutable();
      tg.leader = child;
      child.group = tg;
    } else {
      child.group = t.group;
    }
    return child;
  }

  private static SignalHandlers copyHandlers(Task t) {
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      return t.group.handlers.copy();
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private static void copyState(Task t, Task child, CloneArgs args) {
    long[] regs = new long[Registers.COUNT];
    t.registers.save(regs);
    regs[Registers.RAX] = 0;
    if (args.stack() != 0) {
      regs[Registers.RSP] = args.stack();
    }
    if (args.has(CLONE_SETTLS)) {
      regs[Registers.FS_BASE] = args.tls();
    }
    child.initialRegisters = regs;
    MemorySegment fpu = MemorySegment.ofArray(new long[t.context.fpuSize() + 7 >> 3]);
    t.context.saveFpu(fpu);
    child.initialFpu = fpu;
    child.comm = t.comm;
    child.inheritSignalMask(t.hasSavedMask ? t.savedMask : t.signalMask());
    if (!args.has(CLONE_VM) || args.has(CLONE_VFORK)) {
      child.altStackBase = t.altStackBase;
      child.altStackSize = t.altStackSize;
      child.altStackFlags = t.altStackFlags;
    }
    if (!args.has(CLONE_VM)) {
      child.rseqAddress = t.rseqAddress;
      child.rseqLength = t.rseqLength;
      child.rseqSignature = t.rseqSignature;
    }
    child.scheduling.inherit(t.scheduling);
    child.timerSlackNanos = t.timerSlackNanos;
    child.loginUid = t.loginUid;
    child.auditSession = t.auditSession;
    child.seccomp = t.seccomp;
    child.syscallTrace = t.kernel().tracer() != null || t.seccomp != null;
    child.creator = args.has(CLONE_PARENT) || args.has(CLONE_THREAD) ? t.creator : t;
    if (args.has(CLONE_CHILD_CLEARTID)) {
      child.clearChildTid = args.childTid();
    }
  }

  /** Gives the child its id and its place in the tree; from here on others can see it. */
  private static long publish(Task t, Task child, CloneArgs args) throws ErrnoException {
    Kernel kernel = t.kernel();
    int id;
    kernel.tasksLock.lock();
    try {
      if (t.isDying() || t.group.exiting || t.group.execTask != null && t.group.execTask != t) {
        throw EAGAIN.error();
      }
      PidNamespace ns = args.has(CLONE_NEWPID) ? new PidNamespace(kernel, t.childPidNamespace) : t.childPidNamespace;
      Pid pid = ns.allocate(args.setTid());
      pid.task = child;
      child.pid = pid;
      child.childPidNamespace = ns;
      ThreadGroup tg = child.group;
      tg.tasks.add(child);
      tg.liveTasks++;
      if (args.has(CLONE_THREAD)) {
        if (tg.stopActive) {
          if (!tg.stopped) {
            tg.stopsAwaited++;
            child.countedInStop = true;
          }
          child.interrupt(Task.WORK_STOP);
        }
      } else {
        ThreadGroup parent = args.has(CLONE_PARENT) ? t.group.parent : t.group;
        tg.parent = parent;
        if (parent != null) {
          parent.children.add(tg);
        }
        tg.group = t.group.group;
        tg.group.add(tg);
        if (ns.init == null) {
          ns.init = tg;
        }
      }
      if (tg.container().isPaused()) {
        child.interrupt(Task.WORK_PAUSE);
      }
      id = pid.in(t.pidNamespace());
      kernel.forks.getAndIncrement();
    } finally {
      kernel.tasksLock.unlock();
    }
    try {
      tellIds(t, child, args, id);
    } catch (ErrnoException e) {
      unpublish(child);
      throw e;
    }
    return id;
  }

  private static void tellIds(Task t, Task child, CloneArgs args, int id) throws ErrnoException {
    if (args.has(CLONE_PIDFD)) {
      int fd = PidFd.open(t, child.group, false);
      try {
        t.mm().writeInt(args.pidfd(), fd);
      } catch (ErrnoException e) {
        t.fds().close(fd);
        throw e;
      }
    }
    // As on Linux, a bad address for the ids does not undo the clone.
    if (args.has(CLONE_PARENT_SETTID)) {
      try {
        t.mm().writeInt(args.parentTid(), id);
      } catch (ErrnoException e) {
        // Nothing is written then.
      }
    }
    if (args.has(CLONE_CHILD_SETTID)) {
      try {
        child.mm().writeInt(args.childTid(), child.tid());
      } catch (ErrnoException e) {
        // Nothing is written then.
      }
    }
  }

  private static void unpublish(Task child) {
    Kernel kernel = child.kernel();
    kernel.tasksLock.lock();
    try {
      ThreadGroup tg = child.group;
      child.dead = true;
      tg.tasks.remove(child);
      tg.liveTasks--;
      Signals.stopReached(child);
      if (tg.leader == child) {
        if (tg.parent != null) {
          tg.parent.children.remove(tg);
        }
        tg.group.remove(tg);
        if (child.pid.namespace().init == tg) {
          child.pid.namespace().init = null;
        }
      }
      child.pid.task = null;
      child.pid.releaseIfUnused();
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private static void undo(Task child) {
    if (child != null) {
      child.mm().release();
      child.fds().release();
      child.fs().release();
      if (child.group.leader == child && child.group.executable != null) {
        child.group.executable.close();
      }
    }
  }
}
