package gvisor.sentry.boot;

import gvisor.sentry.syscall.SyscallTable;
import gvisor.sentry.syscall.linux.KernelTable;
import gvisor.sentry.syscall.linux.MmTable;
import gvisor.sentry.syscall.linux.NetTable;
import gvisor.sentry.syscall.linux.VfsTable;

/** Puts the areas' system calls into one table. */
final class SystemCalls {
  private SystemCalls() {}

  static void fill(SyscallTable table) {
    KernelTable.fill(table);
    MmTable.fill(table);
    VfsTable.fill(table);
    NetTable.fill(table);
  }
}
