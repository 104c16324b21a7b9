package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EAGAIN;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.loader.LoadedProgram;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FsContext;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Processes that no process makes: the first of a container, and those the runtime puts into a running one. */
public final class TaskStart {
  private TaskStart() {}

  /** Namespaces of a new process. */
  public record Spaces(PidNamespace pids, UtsNamespace uts, IpcNamespace ipc, NetNamespace net) {}

  /** A PID namespace for a container. */
  public static PidNamespace newPidNamespace(Kernel kernel) throws ErrnoException {
    return new PidNamespace(kernel, kernel.rootPidNamespace());
  }

  /**
   * Makes a process without a program: it has an id, a session of its own and no parent. Give it a program with
   * {@link #load} and let it go with {@link #start}, or take it back with {@link #discard}. {@code fs} and {@code fds}
   * belong to it from now on.
   *
   * @throws ErrnoException EAGAIN when there are too many tasks; ENOMEM when the namespace's first process is dead
   */
  public static Task create(Kernel kernel, Container container, Spaces spaces, Credentials creds, FsContext fs,
      FdTable fds, Rlimits limits) throws ErrnoException {
    if (kernel.taskCount.incrementAndGet() > Kernel.MAX_TASKS || kernel.isDead()) {
      kernel.taskCount.getAndDecrement();
      throw EAGAIN.error();
    }
    Task t = new Task(kernel, creds, null, fs, fds, spaces.uts(), spaces.ipc());
    t.netNamespace = spaces.net();
    t.counts = kernel.userCounts(creds.uid());
    t.counts.tasks.getAndIncrement();
    container.addTask();
    t.syscallTrace = kernel.tracer() != null;
    ThreadGroup tg = new ThreadGroup(kernel, container, new SignalHandlers(), limits, Signal.SIGCHLD);
    tg.leader = t;
    t.group = tg;
    kernel.tasksLock.lock();
    try {
      Pid pid = spaces.pids().allocate(null);
      pid.task = t;
      t.pid = pid;
      t.childPidNamespace = spaces.pids();
      tg.tasks.add(t);
      tg.liveTasks = 1;
      if (spaces.pids().init == null) {
        spaces.pids().init = tg;
      }
      JobControl.startSession(tg);
      kernel.forks.getAndIncrement();
    } catch (ErrnoException e) {
      t.counts.tasks.getAndDecrement();
      container.unchargeTask();
      kernel.taskCount.getAndDecrement();
      throw e;
    } finally {
      kernel.tasksLock.unlock();
    }
    return t;
  }

  /** Loads the program it starts with. */
  public static void load(Task t, FileDescription file, String path, String[] argv, String[] envp)
      throws ErrnoException {
    LoadedProgram program = TaskExec.load(t, file, path, false, argv, envp, t.rlimits(), 0, 0);
    t.setMm(program.mm());
    t.group.executable = program.executable();
    t.group.hasExecuted = true;
    t.setCreds(program.credentials());
    t.setComm(program.comm());
    t.initialRegisters = TaskExec.startRegisters(program);
  }

  /** Lets it run. EAGAIN when the host has no thread for it; it can be tried again. */
  public static void start(Task t) throws ErrnoException {
    Kernel kernel = t.kernel();
    Workers.Worker worker = kernel.workers().acquire();
    kernel.tasksLock.lock();
    try {
      if (t.group.container().isPaused()) {
        t.interrupt(Task.WORK_PAUSE);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
    worker.start(t);
  }

  /** Takes back a process that was never started. */
  public static void discard(Task t) {
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      t.dead = true;
      t.group.exitStatus = Signal.SIGKILL;
      t.group.zombie = true;
      t.group.liveTasks = 0;
      t.group.tasks.clear();
      TaskExit.reap(t.group);
      t.group.exitEvents.notify(EventMask.READABLE);
    } finally {
      kernel.tasksLock.unlock();
    }
    if (t.mm() != null) {
      t.mm().release();
    }
    FileDescription executable = t.group.executable;
    t.group.executable = null;
    if (executable != null) {
      executable.close();
    }
    t.fds().release();
    t.fs().release();
    t.counts.tasks.getAndDecrement();
    t.group.container().unchargeTask();
    kernel.taskCount.getAndDecrement();
  }

  /**
   * Waits for the end of {@code process} on a thread that is no task's.
   *
   * @param timeoutMillis how long at most; 0 for as long as it takes
   * @return whether it has ended
   */
  public static boolean awaitEnd(ThreadGroup process, long timeoutMillis) throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(1);
    WaitEntry entry = new WaitEntry() {
      @Override
      public void notify(int mask) {
        if (process.isZombie()) {
          ended.countDown();
        }
      }
    };
    process.exitEvents.register(entry, EventMask.ALL);
    try {
      if (process.isZombie()) {
        return true;
      }
      if (timeoutMillis == 0) {
        ended.await();
        return true;
      }
      return ended.await(timeoutMillis, TimeUnit.MILLISECONDS);
    } finally {
      process.exitEvents.unregister(entry);
    }
  }

  /** Stops every task of {@code container} at its next boundary, or lets them run again. */
  public static void setPaused(Kernel kernel, Container container, boolean paused) {
    kernel.tasksLock.lock();
    try {
      container.setPaused(paused);
      for (Pid pid : kernel.rootPidNamespace().all()) {
        Task t = pid.task;
        if (t != null && t.group.container() == container) {
          if (paused) {
            t.interrupt(Task.WORK_PAUSE);
          } else {
            t.kick();
          }
        }
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Sends a signal from outside of the process' namespace. */
  public static void signal(ThreadGroup process, int signo) {
    Kernel kernel = process.kernel();
    kernel.tasksLock.lock();
    try {
      Signals.send(process, null, SigInfo.user(signo, Signal.SI_USER, 0, 0), true);
    } finally {
      kernel.tasksLock.unlock();
    }
  }
}
