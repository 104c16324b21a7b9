package gvisor.sentry.syscall.linux;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.JobControl;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;

/** Who a process is: ids, process groups, sessions. */
final class SysProcess {
  private SysProcess() {}

  /** {@code man 2 getpid}. */
  static long getpid(Task t, SyscallArgs a) {
    return t.tgid();
  }

  /** {@code man 2 gettid}. */
  static long gettid(Task t, SyscallArgs a) {
    return t.tid();
  }

  /** {@code man 2 getppid}. */
  static long getppid(Task t, SyscallArgs a) {
    return t.threadGroup().parentPid(t.pidNamespace());
  }

  /** {@code man 2 set_tid_address}. */
  static long setTidAddress(Task t, SyscallArgs a) {
    t.setClearChildTid(a.addr(0));
    return t.tid();
  }

  /** {@code man 2 getpgrp}. */
  static long getpgrp(Task t, SyscallArgs a) {
    return t.threadGroup().processGroup().id().in(t.pidNamespace());
  }

  /** {@code man 2 getpgid}. */
  static long getpgid(Task t, SyscallArgs a) throws ErrnoException {
    return JobControl.find(t, a.i32(0)).processGroup().id().in(t.pidNamespace());
  }

  /** {@code man 2 getsid}. */
  static long getsid(Task t, SyscallArgs a) throws ErrnoException {
    return JobControl.find(t, a.i32(0)).processGroup().session().id().in(t.pidNamespace());
  }

  /** {@code man 2 setpgid}. */
  static long setpgid(Task t, SyscallArgs a) throws ErrnoException {
    JobControl.setProcessGroup(t, a.i32(0), a.i32(1));
    return 0;
  }

  /** {@code man 2 setsid}. */
  static long setsid(Task t, SyscallArgs a) throws ErrnoException {
    return JobControl.newSession(t);
  }
}
