package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;

/** Who may send a signal to whom, and to how many ({@code man 2 kill}, {@code man 2 tgkill}). */
public final class SignalSending {
  private SignalSending() {}

  private static void check(int signo) throws ErrnoException {
    if (signo < 0 || signo > Signal.MAX) {
      throw EINVAL.error();
    }
  }

  /** {@code kill(2)}. */
  public static void kill(Task t, int pid, int signo) throws ErrnoException {
    check(signo);
    if (pid > 0) {
      toProcess(t, pid, signo, null);
      return;
    }
    if (pid == Integer.MIN_VALUE) {
      throw ESRCH.error();
    }
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      if (pid == -1) {
        everybody(t, signo);
      } else {
        ProcessGroup group = pid == 0 ? t.group.group : t.pidNamespace().processGroup(-pid);
        if (group == null) {
          throw ESRCH.error();
        }
        toGroup(t, group, signo);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private static void toGroup(Task t, ProcessGroup group, int signo) throws ErrnoException {
    boolean sent = false;
    for (ThreadGroup target : group.members.toArray(new ThreadGroup[0])) {
      if (mayKill(t, target.leader, signo)) {
        send(t, target, null, signo, null, Signal.SI_USER);
        sent = true;
      }
    }
    if (!sent) {
      throw EPERM.error();
    }
  }

  private static void everybody(Task t, int signo) throws ErrnoException {
    boolean found = false;
    boolean sent = false;
    PidNamespace ns = t.pidNamespace();
    for (ThreadGroup target : ns.threadGroups()) {
      if (target == t.group || target == ns.init || target.pid().in(ns) <= 1) {
        continue;
      }
      found = true;
      if (mayKill(t, target.leader, signo)) {
        send(t, target, null, signo, null, Signal.SI_USER);
        sent = true;
      }
    }
    if (!found) {
      throw ESRCH.error();
    }
    if (!sent) {
      throw EPERM.error();
    }
  }

  /** To a process: {@code info} as given, or as {@code kill} makes it when null. */
  public static void toProcess(Task t, int tgid, int signo, SigInfo info) throws ErrnoException {
    check(signo);
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      Task found = t.pidNamespace().task(tgid);
      if (found == null) {
        throw ESRCH.error();
      }
      toProcess(t, found.group, signo, info);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** To a process that is known already. */
  public static void toProcess(Task t, ThreadGroup target, int signo, SigInfo info) throws ErrnoException {
    check(signo);
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      if (target.reaped) {
        throw ESRCH.error();
      }
      if (!mayKill(t, target.leader, signo)) {
        throw EPERM.error();
      }
      send(t, target, null, signo, info, Signal.SI_USER);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** To one thread, of process {@code tgid} if that is not 0. */
  public static void toThread(Task t, int tgid, int tid, int signo, SigInfo info) throws ErrnoException {
    check(signo);
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      Task target = t.pidNamespace().task(tid);
      if (target == null || tgid != 0 && target.group.pid().in(t.pidNamespace()) != tgid) {
        throw ESRCH.error();
      }
      if (!mayKill(t, target, signo)) {
        throw EPERM.error();
      }
      send(t, target.group, target, signo, info, Signal.SI_TKILL);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private static void send(Task t, ThreadGroup target, Task thread, int signo, SigInfo info, int code)
      throws ErrnoException {
    if (signo == 0) {
      return;
    }
    boolean outside = !target.pid().namespace().contains(t.pidNamespace());
    SigInfo sent = info != null ? info
        : SigInfo.user(signo, code, outside ? 0 : t.group.pid().in(target.pid().namespace()), t.creds().uid());
    if (!Signals.send(target, thread, sent, outside)) {
      throw EAGAIN.error();
    }
  }

  /** {@code man 2 kill}: CAP_KILL, or one of the sender's ids is one of the target's; SIGCONT within the session. */
  static boolean mayKill(Task t, Task target, int signo) {
    if (target.group == t.group) {
      return true;
    }
    Credentials c = t.creds();
    Credentials o = target.creds();
    if (c.euid() == o.suid() || c.euid() == o.uid() || c.uid() == o.suid() || c.uid() == o.uid()
        || c.has(Capability.CAP_KILL)) {
      return true;
    }
    return signo == Signal.SIGCONT && t.group.group.session() == target.group.group.session();
  }
}
