package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;

/** Who may control a process: {@code man 2 ptrace}, "Ptrace access mode checking", with real ids. */
public final class PtraceAccess {
  private PtraceAccess() {}

  /** EPERM unless {@code t} may. */
  public static void check(Task t, Task target) throws ErrnoException {
    if (t.threadGroup() == target.threadGroup() || t.creds().has(Capability.CAP_SYS_PTRACE)) {
      return;
    }
    Credentials mine = t.creds();
    Credentials its = target.creds();
    boolean same = mine.uid() == its.uid() && mine.uid() == its.euid() && mine.uid() == its.suid()
        && mine.gid() == its.gid() && mine.gid() == its.egid() && mine.gid() == its.sgid();
    if (!same || target.threadGroup().dumpable() != 1 || (its.permitted() & ~mine.permitted()) != 0) {
      throw EPERM.error();
    }
  }
}
