package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.syscall.SyscallArgs;

/** {@code man 2 membarrier}: barriers among the threads of one process, by having them leave application code. */
final class SysMembarrier {
  private static final int QUERY = 0;
  private static final int PRIVATE_EXPEDITED = 1 << 3;
  private static final int REGISTER_PRIVATE_EXPEDITED = 1 << 4;
  private static final int PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5;
  private static final int REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 6;
  private static final int SUPPORTED = PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED | PRIVATE_EXPEDITED_SYNC_CORE
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
      case REGISTER_PRIVATE_EXPEDITED, REGISTER_PRIVATE_EXPEDITED_SYNC_CORE -> mm.addBarriers(command >> 1);
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
}
