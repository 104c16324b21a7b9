package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.vfs.Caller;

/** Who may control or look into a process: {@code man 2 ptrace}, "Ptrace access mode checking". */
public final class PtraceAccess {
  private PtraceAccess() {}

  /** EPERM unless {@code t} may control {@code target}; by real ids. */
  public static void check(Task t, Task target) throws ErrnoException {
    if (!allows(t, target, t.creds().uid(), t.creds().gid())) {
      throw EPERM.error();
    }
  }

  /** Whether {@code caller} may look into {@code target} through files of {@code /proc}; by file system ids. */
  public static boolean mayRead(Caller caller, Task target) {
    return allows(caller, target, caller.creds().fsuid(), caller.creds().fsgid());
  }

  private static boolean allows(Caller caller, Task target, int uid, int gid) {
    if (caller instanceof Task t && t.threadGroup() == target.threadGroup()
        || caller.creds().has(Capability.CAP_SYS_PTRACE)) {
      return true;
    }
    Credentials its = target.creds();
    boolean same = uid == its.uid() && uid == its.euid() && uid == its.suid()
        && gid == its.gid() && gid == its.egid() && gid == its.sgid();
    // It may not have more rights than who looks.
    return same && target.threadGroup().dumpable() == 1 && (its.permitted() & ~caller.creds().permitted()) == 0;
  }
}
