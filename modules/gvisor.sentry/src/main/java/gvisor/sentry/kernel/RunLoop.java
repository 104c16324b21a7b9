package gvisor.sentry.kernel;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import gvisor.api.platform.Context;
import gvisor.api.platform.Registers;
import gvisor.api.platform.StopReason;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.syscall.SyscallTable;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The life of a task on its thread: switch to the application, serve what it stopped for, do what waits at the
 * boundary, and so on until it dies.
 */
final class RunLoop {
  private static final Logger LOG = LogManager.getLogger(RunLoop.class);

  /** A guest must not fill the log with our bugs either. */
  private static final int MAX_LOGGED_FAILURES = 100;

  private static final int MAX_LOGGED_FRAMES = 40;

  private static final AtomicInteger LOGGED_FAILURES = new AtomicInteger();

  /** How often a call is made again that finds no memory. */
  private static final int MAX_TRIES = 20;

  private static final long NO_RESULT = Long.MIN_VALUE;

  private final Kernel kernel;
  private final Task task;
  private final Context context;
  private final Registers registers;
  private final SyscallArgs args;
  private final SyscallTable table;
  private final FileSignalQueue fileSignals;
  private final MadeCalls madeCalls;

  RunLoop(Kernel kernel, Task task, Context context, SyscallArgs args, MemorySegment scratch) {
    this.kernel = kernel;
    this.task = task;
    this.context = context;
    this.registers = context.registers();
    this.args = args;
    this.table = kernel.syscalls();
    this.fileSignals = kernel.fileSignals();
    this.madeCalls = kernel.madeCalls();
    task.registers = registers;
    task.args = args;
    task.lendScratch(scratch);
  }

  void run() {
    Thread.currentThread().setName(task.tgid() + ":" + task.tid());
    task.lastStamp = kernel.host().clock().monotonicNanos();
    try {
      begin();
      loop();
    } catch (RuntimeException | Error e) {
      failed("boundary", e);
    }
    try {
      TaskExit.exit(task);
    } catch (RuntimeException | Error e) {
      LOG.error("task {} did not end cleanly", task, e);
    }
    fileSignals.send(); // closing its files may have been an event of others
    context.leave();
  }

  private void begin() {
    registers.load(task.initialRegisters);
    task.initialRegisters = null;
    if (task.initialFpu == null) {
      context.resetFpu();
    } else {
      try {
        context.loadFpu(task.initialFpu);
      } catch (ErrnoException e) {
        context.resetFpu();
      }
      task.initialFpu = null;
    }
    if (task.tracee != null) {
      task.tracee.afterBirth();
    }
  }

  private void loop() {
    while (true) {
      if (fileSignals.hasWork()) {
        fileSignals.send();
      }
      if (task.work() != 0 && !boundary()) {
        return;
      }
      StopReason reason = switchToApplication();
      if (reason == null) {
        continue;
      }
      switch (reason) {
        case SYSCALL -> syscall();
        case FAULT -> fault();
        case SIGNAL -> {
          if (task.tracee != null && context.signal() == Signal.SIGTRAP) {
            task.tracee.stepped();
          }
          Faults.raise(task, context.signal(), context.signalCode(), context.signalAddress());
        }
        case INTERRUPTED -> {
          task.involuntarySwitches = task.involuntarySwitches + 1;
        }
        case KILLED -> {
          LOG.debug("the application side of task {} is gone", task);
          kill(Signal.SIGKILL);
        }
      }
    }
  }

  private StopReason switchToApplication() {
    MemoryManager mm = task.mm();
    task.inApplication = true;
    try {
      if (task.work() != 0) {
        return null;
      }
      long now = kernel.host().clock().monotonicNanos();
      task.stimeNanos = task.stimeNanos + (now - task.lastStamp);
      task.lastStamp = now;
      StopReason reason = context.switchTo(mm.addressSpace());
      now = kernel.host().clock().monotonicNanos();
      task.utimeNanos = task.utimeNanos + (now - task.lastStamp);
      task.lastStamp = now;
      return reason;
    } catch (ErrnoException e) {
      LOG.debug("no room to run task {}: {}", task, e.errno());
      kill(Signal.SIGKILL);
      return null;
    } finally {
      task.inApplication = false;
    }
  }

  private void syscall() {
    // Linux takes the lower half of rax for the number, whatever is above it.
    long number = (int) registers.rax();
    task.syscallNumber = number;
    long result = task.syscallTrace ? tracedCall(number) : call(number);
    if (result == NO_RESULT) {
      return;
    }
    registers.rax(result);
    if (task.tracee != null && task.tracee.isStepping()) {
      // The step was this call: the tracer sees the task behind it, not behind the next instruction.
      task.tracee.stepped();
      Faults.force(task, SigInfo.fault(Signal.SIGTRAP, Signal.TRAP_TRACE, registers.rip()));
    }
    if (result <= Restart.ERESTARTSYS && result >= Restart.ERESTART_RESTARTBLOCK && task.syscallNumber >= 0
        || task.hasSavedMask) {
      // The boundary restarts the call, or puts the mask back, even when no signal is left.
      task.interrupt(Task.WORK_SIGNAL);
      return;
    }
    task.syscallNumber = -1;
  }

  private long call(long number) {
    SyscallTable.Entry entry = table.entry(number);
    if (entry == null) {
      kernel.unknownCalls().count(number);
      return -Errno.ENOSYS.number();
    }
    madeCalls.note(entry.number());
    try {
      long result = entry.handler().call(task, args);
      if (task.takeBufferFailure()) {
        outliveShortage(); // Part of it was done.
      }
      return result;
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOMEM) {
        return again(entry);
      }
      if (e.errno() == Errno.EFAULT) {
        outliveShortage();
      }
      return -e.errno().number();
    } catch (RuntimeException | Error e) {
      failed(entry.name(), e);
      return -Errno.EIO.number();
    }
  }

  /**
   * A call that could not read or fill memory for the container's limit ends here when its process is killed for it, as
   * Linux does within the call: an application never sees less done, or EFAULT, because memory was short.
   */
  private void outliveShortage() {
    if (task.container().memory().takeRefusal()) {
      kernel.oomKiller().awaitRoom(task);
    }
  }

  /** A call that found no memory: where that is the container's limit, it is made again when somebody was killed. */
  private long again(SyscallTable.Entry entry) {
    for (int tries = 0; tries < MAX_TRIES && task.container().memory().takeRefusal(); tries++) {
      if (!kernel.oomKiller().awaitRoom(task) || task.isDying()) {
        break;
      }
      try {
        return entry.handler().call(task, args);
      } catch (ErrnoException e) {
        if (e.errno() != Errno.ENOMEM) {
          return -e.errno().number();
        }
      } catch (RuntimeException | Error e) {
        failed(entry.name(), e);
        return -Errno.EIO.number();
      }
    }
    return -Errno.ENOMEM.number();
  }

  /** As {@link #call}, with a tracer, seccomp or a log around it. */
  private long tracedCall(long number) {
    Tracee tracee = task.tracee;
    if (tracee != null && tracee.wantsSyscalls()) {
      registers.rax(-Errno.ENOSYS.number());
      boolean skip = tracee.syscallEntry();
      if (task.isDying()) {
        return NO_RESULT;
      }
      number = task.syscallNumber;
      if (skip || number < 0) {
        tracee.syscallExit(registers.rax());
        return NO_RESULT;
      }
    }
    Seccomp seccomp = task.seccomp;
    if (seccomp != null) {
      long verdict = seccomp.check(task, number);
      if (verdict != Seccomp.ALLOWED) {
        return verdict == Seccomp.NO_RESULT ? NO_RESULT : verdict;
      }
      number = task.syscallNumber;
    }
    SyscallTracer log = kernel.tracer();
    if (log != null) {
      log.enter(task, number, args);
    }
    long result = call(number);
    if (log != null) {
      log.exit(task, number, args, result);
    }
    tracee = task.tracee;
    if (tracee != null && tracee.wantsSyscalls() && !task.isDying()) {
      registers.rax(result);
      tracee.syscallExit(result);
      return registers.rax();
    }
    return result;
  }

  private void fault() {
    long address = context.faultAddress();
    int access = context.faultAccess();
    int legacy = access == AccessType.EXEC ? VsyscallPage.call(address) : VsyscallPage.NONE;
    if (legacy != VsyscallPage.NONE) {
      legacyCall(legacy);
      return;
    }
    task.minorFaults = task.minorFaults + 1;
    Faults.handle(task, address, access);
  }

  /** A call of the vsyscall page's function for system call {@code number}: does it, and returns to its caller. */
  private void legacyCall(int number) {
    long result;
    try {
      long back = task.mm().readLong(registers.get(Registers.RSP));
      task.syscallNumber = number;
      Seccomp seccomp = task.seccomp;
      long verdict = seccomp == null ? Seccomp.ALLOWED : seccomp.check(task, number);
      task.syscallNumber = -1;
      if (verdict == Seccomp.NO_RESULT) {
        return;
      }
      result = verdict == Seccomp.ALLOWED ? call(number) : verdict;
      registers.set(Registers.RIP, back);
      registers.set(Registers.RSP, registers.get(Registers.RSP) + Long.BYTES);
    } catch (ErrnoException e) {
      result = -Errno.EFAULT.number();
    }
    if (result == -Errno.EFAULT.number()) {
      Faults.raise(task, Signal.SIGSEGV, Signal.SI_KERNEL, 0);
      return;
    }
    registers.rax(result);
  }

  /** Does what waits before the application runs again; false when the task is to die. */
  private boolean boundary() {
    while (true) {
      int work = task.work();
      if ((work & Task.WORK_KILL) != 0) {
        return false;
      }
      if ((work & Task.WORK_TRACE) != 0) {
        task.clearWork(Task.WORK_TRACE);
        Tracee tracee = task.tracee;
        if (tracee != null) {
          tracee.interruptStop();
        }
        continue;
      }
      if ((work & Task.WORK_STOP) != 0) {
        stop();
        continue;
      }
      if ((work & Task.WORK_PAUSE) != 0) {
        pause();
        continue;
      }
      if ((work & Task.WORK_SIGNAL) != 0) {
        if (!SignalDelivery.deliver(task)) {
          return false;
        }
        continue;
      }
      return true;
    }
  }

  /** Rests until SIGCONT or SIGKILL. */
  private void stop() {
    SignalDelivery.rest(task);
  }

  /** Rests while the container is paused. */
  private void pause() {
    while (task.group.container().isPaused() && !task.isDying()) {
      LockSupport.park(this);
    }
    task.clearWork(Task.WORK_PAUSE);
    if (task.group.container().isPaused()) {
      task.interrupt(Task.WORK_PAUSE);
    }
    task.lastStamp = kernel.host().clock().monotonicNanos();
  }

  private void kill(int signo) {
    kernel.tasksLock.lock();
    try {
      task.group.exitGroup(signo);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private void failed(String where, Throwable e) {
    if (LOGGED_FAILURES.getAndIncrement() < MAX_LOGGED_FAILURES) {
      StackTraceElement[] trace = e.getStackTrace();
      if (trace.length > MAX_LOGGED_FRAMES) {
        e.setStackTrace(Arrays.copyOf(trace, MAX_LOGGED_FRAMES));
      }
      LOG.error("task {} killed: {} failed", task, where, e);
    }
    while (kernel.tasksLock.isHeldByCurrentThread()) {
      kernel.tasksLock.unlock();
    }
    kill(Signal.SIGKILL);
  }
}
