package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.CloneArgs;
import gvisor.sentry.kernel.FdTable;
import gvisor.sentry.kernel.NamespaceFile;
import gvisor.sentry.kernel.PidFd;
import gvisor.sentry.kernel.ProcessDirectory;
import gvisor.sentry.kernel.PtraceAccess;
import gvisor.sentry.kernel.SigInfo;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.SignalSending;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.kernel.Unshare;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;

/** Processes as files, and comparing what they share. */
final class SysPidFd {
  private static final int KCMP_FILE = 0;
  private static final int KCMP_VM = 1;
  private static final int KCMP_FILES = 2;
  private static final int KCMP_FS = 3;
  private static final int KCMP_SIGHAND = 4;
  private static final int KCMP_IO = 5;
  private static final int KCMP_SYSVSEM = 6;

  private SysPidFd() {}

  /** {@code man 2 pidfd_open}: pid, flags. */
  static long pidfdOpen(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(1);
    if ((flags & ~OpenFlags.O_NONBLOCK) != 0 || a.i32(0) <= 0) {
      throw EINVAL.error();
    }
    Task of = t.pidNamespace().task(a.i32(0));
    if (of == null) {
      throw ESRCH.error();
    }
    if (!of.isLeader()) {
      throw EINVAL.error();
    }
    return PidFd.open(t, of.threadGroup(), (flags & OpenFlags.O_NONBLOCK) != 0);
  }

  private static ThreadGroup process(Task t, int fd) throws ErrnoException {
    FileDescription f = t.fds().get(fd);
    try {
      if (f.ops() instanceof PidFd pidFd) {
        return pidFd.process();
      }
      throw EBADF.error();
    } finally {
      f.close();
    }
  }

  /** As {@link #process}; a process' directory in {@code /proc} will do, too. */
  private static ThreadGroup signalled(Task t, int fd) throws ErrnoException {
    FileDescription f = t.fds().get(fd);
    try {
      if (f.inode() instanceof ProcessDirectory directory) {
        ThreadGroup process = directory.process();
        if (process == null) {
          throw ESRCH.error();
        }
        return process;
      }
    } finally {
      f.close();
    }
    return process(t, fd);
  }

  /** {@code man 2 pidfd_send_signal}: pidfd, sig, info, flags. */
  static long pidfdSendSignal(Task t, SyscallArgs a) throws ErrnoException {
    if (a.i32(3) != 0) {
      throw EINVAL.error();
    }
    ThreadGroup target = signalled(t, a.fd(0));
    if (!t.pidNamespace().contains(target.pid().namespace())) {
      throw EINVAL.error();
    }
    SigInfo info = null;
    if (a.addr(2) != 0) {
      t.mm().copyIn(a.addr(2), t.scratch(), 0, SigInfo.SIZE);
      info = SigInfo.read(a.i32(1), t.scratch(), 0);
      if (t.scratch().get(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, 0) != a.i32(1)) {
        throw EINVAL.error();
      }
      if ((info.code >= 0 || info.code == Signal.SI_TKILL) && target != t.threadGroup()) {
        throw EPERM.error();
      }
    }
    SignalSending.toProcess(t, target, a.i32(1), info);
    return 0;
  }

  /** {@code man 2 pidfd_getfd}: pidfd, targetfd, flags. */
  static long pidfdGetfd(Task t, SyscallArgs a) throws ErrnoException {
    if (a.i32(2) != 0) {
      throw EINVAL.error();
    }
    ThreadGroup target = process(t, a.fd(0));
    Task task = target.anyLiveTask();
    FdTable fds = task == null ? null : task.fds();
    if (fds == null) {
      throw ESRCH.error();
    }
    PtraceAccess.check(t, task);
    FileDescription f = fds.getAny(a.fd(1));
    return t.fds().install(f, true, t.fdLimit());
  }

  /** {@code man 2 setns}: fd, nstype; a file of {@code /proc/[pid]/ns}, or a pidfd. */
  static long setns(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      long flags = a.i64(1) & 0xffffffffL;
      if (f.ops() instanceof NamespaceFile file) {
        if (flags != 0 && flags != file.kind()) {
          throw EINVAL.error();
        }
        requireAdmin(t, file.kind());
        Unshare.join(t, file);
        return 0;
      }
      long known = CloneArgs.CLONE_NEWNS | CloneArgs.CLONE_NEWUTS | CloneArgs.CLONE_NEWIPC | CloneArgs.CLONE_NEWPID
          | CloneArgs.CLONE_NEWNET;
      if (!(f.ops() instanceof PidFd pidFd) || flags == 0 || (flags & ~known) != 0) {
        throw EINVAL.error();
      }
      requireAdmin(t, flags);
      Task of = pidFd.process().anyLiveTask();
      if (of == null) {
        throw ESRCH.error();
      }
      PtraceAccess.check(t, of);
      Unshare.join(t, of, flags);
      return 0;
    } finally {
      f.close();
    }
  }

  /** process_mrelease(2): pidfd, flags; what dies gives its memory back at once here, there is nothing to hurry. */
  static long processMrelease(Task t, SyscallArgs a) throws ErrnoException {
    if (a.i32(1) != 0) {
      throw EINVAL.error();
    }
    Task task = process(t, a.fd(0)).anyLiveTask();
    if (task == null || task.mm() == null) {
      throw ESRCH.error();
    }
    if (!task.isDying()) {
      throw EINVAL.error();
    }
    return 0;
  }

  private static void requireAdmin(Task t, long flags) throws ErrnoException {
    if (!t.creds().has(Capability.CAP_SYS_ADMIN)
        || (flags & CloneArgs.CLONE_NEWNS) != 0 && !t.creds().has(Capability.CAP_SYS_CHROOT)) {
      throw EPERM.error();
    }
  }

  /** {@code man 2 kcmp}: pid1, pid2, type, idx1, idx2; 0 equal, 1 less, 2 greater. */
  static long kcmp(Task t, SyscallArgs a) throws ErrnoException {
    Task one = t.pidNamespace().task(a.i32(0));
    Task two = t.pidNamespace().task(a.i32(1));
    if (one == null || two == null) {
      throw ESRCH.error();
    }
    PtraceAccess.check(t, one);
    PtraceAccess.check(t, two);
    return switch (a.i32(2)) {
      case KCMP_FILE -> compareFiles(one, two, a.fd(3), a.fd(4));
      case KCMP_VM -> order(one.mm(), two.mm());
      case KCMP_FILES -> order(one.fds(), two.fds());
      case KCMP_FS -> order(one.fs(), two.fs());
      case KCMP_SIGHAND -> order(one.threadGroup().handlers(), two.threadGroup().handlers());
      case KCMP_IO, KCMP_SYSVSEM -> order(one, two);
      default -> throw EINVAL.error();
    };
  }

  private static long compareFiles(Task one, Task two, int fd1, int fd2) throws ErrnoException {
    FileDescription f = files(one).getAny(fd1);
    try {
      FileDescription g = files(two).getAny(fd2);
      try {
        return order(f, g);
      } finally {
        g.close();
      }
    } finally {
      f.close();
    }
  }

  private static FdTable files(Task t) throws ErrnoException {
    FdTable fds = t.fds();
    if (fds == null) {
      throw EBADF.error();
    }
    return fds;
  }

  private static long order(Object one, Object two) {
    if (one == two) {
      return 0;
    }
    return System.identityHashCode(one) < System.identityHashCode(two) ? 1 : 2;
  }
}
