package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.UserBuffer;
import gvisor.sentry.syscall.SyscallArgs;

/**
 * {@code man 2 process_vm_readv}: copies between two processes, through a buffer, so that one lock is held at a time.
 */
final class SysProcessVm {
  private SysProcessVm() {}

  /** {@code process_vm_readv}: pid, local_iov, liovcnt, remote_iov, riovcnt, flags. */
  static long readv(Task t, SyscallArgs a) throws ErrnoException {
    return transfer(t, a, false);
  }

  /** {@code process_vm_writev}: the same arguments. */
  static long writev(Task t, SyscallArgs a) throws ErrnoException {
    return transfer(t, a, true);
  }

  private static long transfer(Task t, SyscallArgs a, boolean toRemote) throws ErrnoException {
    if (a.i64(5) != 0) {
      throw EINVAL.error();
    }
    UserBuffer local = t.buffer(0, 0);
    t.mm().wrapVector(local, a.addr(1), count(a.size(2)));
    int remoteCount = count(a.size(4));
    if (local.remaining() == 0 || remoteCount == 0) {
      return 0;
    }
    Task target = t.pidNamespace().task(a.i32(0));
    MemoryManager mm = target == null ? null : target.mm();
    if (mm == null) {
      throw ESRCH.error();
    }
    if (!mayAccess(t, target)) {
      throw EPERM.error();
    }
    if (!mm.tryAcquire()) {
      throw ESRCH.error();
    }
    try {
      UserBuffer remote = new UserBuffer();
      mm.wrapVectorOf(remote, t.mm(), a.addr(3), remoteCount);
      return toRemote ? copy(t, local, remote) : copy(t, remote, local);
    } finally {
      mm.release();
    }
  }

  private static int count(long entries) throws ErrnoException {
    if (entries < 0 || entries > UserBuffer.IOV_MAX) {
      throw EINVAL.error();
    }
    return (int) entries;
  }

  /** As much as can be copied; EFAULT when that is nothing. */
  private static long copy(Task t, UserBuffer from, UserBuffer to) throws ErrnoException {
    long done = 0;
    while (from.remaining() > 0 && to.remaining() > 0) {
      long want = Math.min(Task.SCRATCH_SIZE, to.remaining());
      long n = 0;
      long m = 0;
      try {
        n = from.get(t.scratch(), 0, want);
        m = to.put(t.scratch(), 0, n);
      } catch (ErrnoException e) {
        if (done == 0) {
          throw EFAULT.error();
        }
        break;
      }
      done += m;
      if (m < n || n < want && from.remaining() > 0) {
        break;
      }
    }
    return done;
  }

  /** PTRACE_MODE_ATTACH_REALCREDS ({@code man 2 ptrace}), without a security module. */
  private static boolean mayAccess(Task t, Task target) {
    if (target.threadGroup() == t.threadGroup()) {
      return true;
    }
    Credentials c = t.creds();
    Credentials o = target.creds();
    if (c.has(Capability.CAP_SYS_PTRACE)) {
      return true;
    }
    return c.uid() == o.uid() && c.uid() == o.euid() && c.uid() == o.suid() && c.gid() == o.gid() && c.gid() == o.egid()
        && c.gid() == o.sgid() && target.threadGroup().dumpable() == 1 && (o.permitted() & ~c.permitted()) == 0;
  }
}
