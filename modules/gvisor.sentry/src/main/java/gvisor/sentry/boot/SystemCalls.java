package gvisor.sentry.boot;

import gvisor.sentry.syscall.SyscallTable;
import gvisor.sentry.syscall.linux.KernelTable;

/** Puts the areas' system calls into one table. */
final class SystemCalls {
  private SystemCalls() {}

  static void fill(SyscallTable table) {
    KernelTable.fill(table);
  }
}
