package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.syscall.SyscallArgs;

/** {@code man 2 membarrier}: barriers among threads, by having them leave application code. */
final class SysMembarrier {
  private static final int QUERY = 0;
  private static final int GLOBAL = 1;
  private static final int GLOBAL_EXPEDITED = 1 << 1;
  private static final int REGISTER_GLOBAL_EXPEDITED = 1 << 2;
  private static final int PRIVATE_EXPEDITED = 1 << 3;
  private static final int REGISTER_PRIVATE_EXPEDITED = 1 << 4;
  private static final int PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5;
  private static final int REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 6;
  private static final int GET_REGISTRATIONS = 1 << 9;
  private static final int SUPPORTED = GLOBAL | GLOBAL_EXPEDITED | REGISTER_GLOBAL_EXPEDITED | GET_REGISTRATIONS
      | PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED | PRIVATE_EXPEDITED_SYNC_CORE
      | REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;

  private SysMembarrier() {}

  /** {@code membarrier}: command, flags, cpu. */
  static long membarrier(Task t, SyscallArgs a) throws ErrnoException {
    int command = a.i32(0);
    if (a.i32(1) != 0) {
      throw EINVAL.error();
    }
    MemoryManager mm = t.mm();
    switch (command) {
      case QUERY -> {
        return mm.addressSpace().barrier() ? SUPPORTED : 0;
      }
      case GET_REGISTRATIONS -> {
        return (long) mm.barriers() << 1;
      }
      case GLOBAL, GLOBAL_EXPEDITED -> {
        if (!mm.addressSpace().barrier()) {
          throw EINVAL.error();
        }
        barrierOfOthers(t, command);
      }
      case REGISTER_GLOBAL_EXPEDITED, REGISTER_PRIVATE_EXPEDITED, REGISTER_PRIVATE_EXPEDITED_SYNC_CORE -> mm.addBarriers(command >> 1);
      case PRIVATE_EXPEDITED, PRIVATE_EXPEDITED_SYNC_CORE -> {
        if ((mm.barriers() & command) == 0) {
          throw EPERM.error();
        }
        if (!mm.addressSpace().barrier()) {
          throw EINVAL.error();
        }
      }
      default -> throw EINVAL.error();
    }
    return 0;
  }

  /** On the threads of all other processes, or for GLOBAL_EXPEDITED of those that registered for it. */
  private static void barrierOfOthers(Task t, int command) throws ErrnoException {
    for (ThreadGroup process : t.kernel().rootPidNamespace().threadGroups()) {
      Task task = process == t.threadGroup() ? null : process.anyLiveTask();
      MemoryManager mm = task == null ? null : task.mm();
      if (mm == null || command == GLOBAL_EXPEDITED && (mm.barriers() & GLOBAL_EXPEDITED) == 0 || !mm.tryAcquire()) {
        continue;
      }
      try {
        mm.addressSpace().barrier();
      } finally {
        mm.release();
      }
    }
  }
}
