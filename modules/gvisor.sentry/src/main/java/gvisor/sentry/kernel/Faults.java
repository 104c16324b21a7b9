package gvisor.sentry.kernel;

import gvisor.api.mem.AccessType;
import gvisor.sentry.mm.FaultResult;

/** Faults of the application: served by the memory manager, or turned into a signal. */
final class Faults {
  // Error codes of a page fault, as a signal frame shows them.
  private static final int ERROR_PRESENT = 1;
  private static final int ERROR_WRITE = 2;
  private static final int ERROR_USER = 4;
  private static final int ERROR_FETCH = 16;

  /** The first address that is the kernel's: TASK_SIZE_MAX. */
  private static final long KERNEL_ADDRESS = 0x7fff_ffff_f000L;

  // Numbers of exceptions, as a signal frame shows them.
  private static final int TRAP_DIVIDE = 0, TRAP_DEBUG = 1, TRAP_BREAKPOINT = 3, TRAP_INVALID_OPCODE = 6, TRAP_STACK = 12,
      TRAP_PROTECTION = 13, TRAP_PAGE_FAULT = 14, TRAP_ALIGNMENT = 17, TRAP_SIMD = 19;

  /** How often a fault is tried again that finds no memory although its container is below its limit. */
  private static final int MAX_TRIES = 50;

  private Faults() {}

  /** Serves a page fault at {@code address}, or raises SIGSEGV or SIGBUS. */
  static void handle(Task task, long address, int access) {
    FaultResult outcome = task.mm().handleFault(address, access);
    for (int tries = 0; outcome == FaultResult.OUT_OF_MEMORY && tries < MAX_TRIES; tries++) {
      if (!task.kernel().oomKiller().awaitRoom(task)) {
        break;
      }
      if (task.isDying()) {
        return;
      }
      outcome = task.mm().handleFault(address, access);
    }
    if (outcome == FaultResult.OK) {
      return;
    }
    int error = ERROR_USER | ((access & AccessType.WRITE) != 0 ? ERROR_WRITE : 0)
        | ((access & AccessType.EXEC) != 0 ? ERROR_FETCH : 0);
    // Linux: whether something is mapped at an address of the kernel is nobody's business, so it always looks so.
    boolean present = outcome == FaultResult.SEGV_ACCERR || Long.compareUnsigned(address, KERNEL_ADDRESS) >= 0;
    task.faultAddress = address;
    task.faultCode = present ? error | ERROR_PRESENT : error;
    task.faultTrap = TRAP_PAGE_FAULT;
    switch (outcome) {
      case SEGV_MAPERR -> force(task, SigInfo.fault(Signal.SIGSEGV, Signal.SEGV_MAPERR, address));
      case SEGV_ACCERR -> force(task, SigInfo.fault(Signal.SIGSEGV, Signal.SEGV_ACCERR, address));
      case BUS_ADRERR -> force(task, SigInfo.fault(Signal.SIGBUS, Signal.BUS_ADRERR, address));
      default -> task.threadGroup().kill();
    }
  }

  /** Raises what the processor raised. */
  static void raise(Task task, int signo, int code, long address) {
    task.faultCode = 0;
    task.faultTrap = trapOf(signo, code);
    force(task, SigInfo.fault(signo, code, address));
  }

  /** The exception that Linux makes this signal of; where two share it, the one that programs meet. */
  private static int trapOf(int signo, int code) {
    return switch (signo) {
      case Signal.SIGTRAP -> code == Signal.SI_KERNEL ? TRAP_BREAKPOINT : TRAP_DEBUG;
      case Signal.SIGILL -> TRAP_INVALID_OPCODE;
      case Signal.SIGFPE -> code == Signal.FPE_INTDIV ? TRAP_DIVIDE : TRAP_SIMD;
      case Signal.SIGBUS -> code == Signal.BUS_ADRALN ? TRAP_ALIGNMENT : TRAP_STACK;
      default -> TRAP_PROTECTION;
    };
  }

  /**
   * Sends a signal that the task cannot go on without: if it blocks or ignores it, the process dies of it. On the
   * task's own thread.
   */
  static void force(Task task, SigInfo info) {
    Kernel kernel = task.kernel();
    kernel.tasksLock.lock();
    try {
      SignalHandlers handlers = task.group.handlers;
      boolean blocked = Signal.has(task.signalMask(), info.signo);
      if (blocked || handlers.handler(info.signo) == SignalHandlers.SIG_IGN) {
        handlers.set(info.signo, SignalHandlers.SIG_DFL, 0, 0, 0);
        if (blocked) {
          task.setSignalMaskLocked(task.signalMask() & ~Signal.bit(info.signo));
        }
      }
      if (!handlers.catches(info.signo) && task.tracee == null) {
        // Nothing can come in between, and the first process of a namespace is not protected from its own faults.
        task.group.exitGroup(info.signo | (Signal.dumpsCore(info.signo) ? 0x80 : 0));
        return;
      }
      task.pending.discard(Signal.bit(info.signo));
      task.pending.add(info);
      task.recalculateSignals();
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** A signal frame could not be used: SIGSEGV, at its default action if SIGSEGV's own handler is what failed. */
  static void forceSegv(Task task, int failedSigno) {
    if (failedSigno == Signal.SIGSEGV) {
      Kernel kernel = task.kernel();
      kernel.tasksLock.lock();
      try {
        task.group.handlers.set(Signal.SIGSEGV, SignalHandlers.SIG_DFL, 0, 0, 0);
      } finally {
        kernel.tasksLock.unlock();
      }
    }
    force(task, SigInfo.kernel(Signal.SIGSEGV));
  }
}
