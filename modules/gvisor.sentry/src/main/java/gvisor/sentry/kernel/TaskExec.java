package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.ELOOP;

import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.Registers;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.loader.LoadRequest;
import gvisor.sentry.loader.LoadedProgram;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Open;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.Permissions;
import java.util.Arrays;

/** Another program in the same process ({@code man 2 execve}). */
public final class TaskExec {
  private static final int ADDR_NO_RANDOMIZE = 0x0040000;
  private static final int PER_CLEAR_ON_SETID = 0x00400000 | ADDR_NO_RANDOMIZE | 0x0200000 | 0x00100000;
  private static final long START_FLAGS = 0x202;

  /** A signal frame without its extended state, with room for alignment ({@code man 7 signal}, AT_MINSIGSTKSZ). */
  private static final int FRAME_BYTES = 440 + 128 + 64 + 16;

  private TaskExec() {}

  /**
   * Opens {@code path} for execution.
   *
   * @param at where a relative path starts; null for the current directory
   * @throws ErrnoException EACCES for what is not a regular file, may not be executed or is on a noexec mount
   */
  public static FileDescription open(Caller caller, Path at, String path, boolean follow) throws ErrnoException {
    FileDescription f = Open.open(caller, at, path, OpenFlags.O_PATH | (follow ? 0 : OpenFlags.O_NOFOLLOW), 0, 0);
    try {
      return reopen(caller, f);
    } finally {
      f.close();
    }
  }

  /** An open file of the program that {@code f}, of any kind, stands for. */
  public static FileDescription reopen(Caller caller, FileDescription f) throws ErrnoException {
    Inode inode = f.inode();
    if (inode.isSymlink()) {
      throw ELOOP.error();
    }
    if (!inode.isRegular() || f.path().mount().isNoExec()) {
      throw EACCES.error();
    }
    inode.checkPermission(caller, Permissions.MAY_EXEC);
    FileDescription file = new FileDescription(inode.open(caller, f.path().dentry(), OpenFlags.O_RDONLY), f.path(),
        OpenFlags.O_RDONLY);
    try {
      file.denyWriting();
    } catch (ErrnoException e) {
      file.close();
      throw e;
    }
    return file;
  }

  /** Loads a program for {@code caller}; nothing of a running one is touched. */
  static LoadedProgram load(Caller caller, FileDescription file, String path, boolean pathVanishes, String[] argv,
      String[] envp, Rlimits limits, int personality, int fpuSize) throws ErrnoException {
    return load(caller, file, path, pathVanishes, argv, envp, limits, personality, fpuSize, false);
  }

  private static LoadedProgram load(Caller caller, FileDescription file, String path, boolean pathVanishes,
      String[] argv, String[] envp, Rlimits limits, int personality, int fpuSize, boolean traced)
      throws ErrnoException {
    boolean randomize = (personality & ADDR_NO_RANDOMIZE) == 0;
    LoadRequest request = new LoadRequest(caller, file, path, pathVanishes, argv, envp,
        p -> open(caller, null, p, true), new ExecCredentials(caller, traced), limits, randomize,
        fpuSize == 0 ? 0 : fpuSize + FRAME_BYTES);
    return ((Task) caller).kernel().loader().load(request);
  }

  /**
   * Runs {@code file} in {@code t}'s process. On success the registers are the new program's, and 0 is returned for
   * whatever the boundary still wants to know.
   *
   * @param path as AT_EXECFN shows it
   */
  public static long exec(Task t, FileDescription file, String path, boolean pathVanishes, String[] argv,
      String[] envp) throws ErrnoException {
    ThreadGroup tg = t.group;
    Tracee tracee = t.tracee;
    LoadedProgram program = load(t, file, path, pathVanishes, argv, envp, tg.rlimits, tg.personality,
        t.context.fpuSize(), tracee != null && !tracee.mayGainRights());
    int oldTid = t.tid();
    boolean alone;
    try {
      alone = becomeOnlyThread(t);
    } catch (ErrnoException e) {
      drop(program);
      throw e;
    }
    if (!alone) {
      drop(program);
      return Restart.ERESTARTNOINTR;
    }
    commit(t, tg, program);
    if (tracee != null) {
      tracee.execStop(oldTid);
    }
    return 0;
  }

  private static void drop(LoadedProgram program) {
    program.mm().release();
    program.executable().close();
  }

  private static void commit(Task t, ThreadGroup tg, LoadedProgram program) {
    Kernel kernel = t.kernel();
    TaskExit.leaveMemory(t);
    t.setMm(program.mm());
    boolean setId =
        program.credentials().euid() != t.creds().euid() || program.credentials().egid() != t.creds().egid();
    FileDescription oldExecutable;
    kernel.tasksLock.lock();
    try {
      tg.handlers = tg.handlers.copyForExec();
      oldExecutable = tg.executable;
      tg.executable = program.executable();
      tg.hasExecuted = true;
      tg.exitSignal = Signal.SIGCHLD;
      tg.dumpable = setId || program.secure() ? 0 : 1;
      tg.keepCapabilities = false;
      tg.executions++;
      if (setId) {
        tg.personality &= ~PER_CLEAR_ON_SETID;
      }
    } finally {
      kernel.tasksLock.unlock();
    }
    // Whoever sees a descriptor closed by this may rely on the rest.
    FdTable fds = t.fds();
    if (fds.isShared()) {
      t.setFds(fds.fork());
      fds.release();
    }
    t.fds().exec();
    if (oldExecutable != null) {
      oldExecutable.close();
    }
    tg.timers.exec();
    if (program.secure() || setId) {
      t.parentDeathSignal = 0;
    }
    t.setCreds(program.credentials());
    t.setComm(program.comm());
    AltStack.clear(t);
    t.rseqAddress = 0;
    t.restartBlock = null;
    startRegisters(t, program);
    t.context.resetFpu();
  }

  private static void startRegisters(Task t, LoadedProgram program) {
    t.registers.load(startRegisters(program));
  }

  /** What a program finds in its registers at its first instruction. */
  static long[] startRegisters(LoadedProgram program) {
    long[] regs = new long[Registers.COUNT];
    Arrays.fill(regs, 0);
    regs[Registers.RIP] = program.entry();
    regs[Registers.RSP] = program.stackPointer();
    regs[Registers.RFLAGS] = START_FLAGS;
    return regs;
  }

  /**
   * Kills the other threads and waits for their ends; a thread that is not the leader takes the leader's place and id.
   *
   * @return false when this thread is to die itself
   */
  private static boolean becomeOnlyThread(Task t) throws ErrnoException {
    Kernel kernel = t.kernel();
    ThreadGroup tg = t.group;
    kernel.tasksLock.lock();
    try {
      if (tg.exiting || t.isDying()) {
        return false;
      }
      if (tg.execTask != null) {
        throw EAGAIN.error();
      }
      if (tg.liveTasks == 1 && t.isLeader()) {
        return true;
      }
      tg.execTask = t;
      for (Task other : tg.tasks) {
        if (other != t && !other.dead) {
          other.interrupt(Task.WORK_KILL);
        }
      }
    } finally {
      kernel.tasksLock.unlock();
    }
    tg.exitEvents.register(t.waiter(), EventMask.ALL);
    try {
      while (true) {
        kernel.tasksLock.lock();
        try {
          if (tg.exiting) {
            tg.execTask = null;
            return false;
          }
          if (tg.liveTasks == 1 && (t.isLeader() || tg.leader.dead)) {
            tg.execTask = null;
            if (!t.isLeader()) {
              takeLeadership(t, tg);
            }
            return true;
          }
        } finally {
          kernel.tasksLock.unlock();
        }
        if (t.blockKillable() == Task.INTERRUPTED && tg.exiting) {
          continue;
        }
      }
    } finally {
      tg.exitEvents.unregister(t.waiter());
    }
  }

  private static void takeLeadership(Task t, ThreadGroup tg) {
    Task old = tg.leader;
    Pid own = t.pid;
    Pid leaders = old.pid;
    tg.tasks.remove(old);
    own.task = null;
    leaders.task = t;
    t.pid = leaders;
    tg.leader = t;
    t.exitStatus = 0;
    own.releaseIfUnused();
  }
}
