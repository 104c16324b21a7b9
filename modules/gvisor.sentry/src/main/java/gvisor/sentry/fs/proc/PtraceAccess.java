package gvisor.sentry.fs.proc;

import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;

/** Who may look into a process: {@code man 2 ptrace}, "Ptrace access mode checking", with PTRACE_MODE_READ_FSCREDS. */
final class PtraceAccess {
  private PtraceAccess() {}

  static boolean allows(Caller caller, Task target) {
    if (caller instanceof Task task && task.threadGroup() == target.threadGroup()) {
      return true;
    }
    Credentials mine = caller.creds();
    if (mine.has(Capability.CAP_SYS_PTRACE)) {
      return true;
    }
    Credentials its = target.creds();
    boolean same = mine.fsuid() == its.uid() && mine.fsuid() == its.euid() && mine.fsuid() == its.suid()
        && mine.fsgid() == its.gid() && mine.fsgid() == its.egid() && mine.fsgid() == its.sgid();
    // It may not have more rights than who looks.
    return same && target.threadGroup().dumpable() == 1 && (its.permitted() & ~mine.permitted()) == 0;
  }
}
