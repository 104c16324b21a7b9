package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOwner;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The signals of one open file: SIGIO or another while O_ASYNC is set, SIGURG for urgent data ({@code man 2 fcntl},
 * F_SETOWN and F_SETSIG). An event comes under locks of files, where no signal may be sent: it is noted here, and sent
 * at the next boundary of the task that caused it.
 */
public final class FileSignals extends FileOwner {
  /** {@code struct f_owner_ex}: a thread, a process, a process group. */
  public static final int F_OWNER_TID = 0;

  public static final int F_OWNER_PID = 1;
  public static final int F_OWNER_PGRP = 2;

  // si_code of SIGIO, and the si_band that goes with each.
  private static final int POLL_IN = 1, POLL_OUT = 2, POLL_ERR = 4, POLL_PRI = 5, POLL_HUP = 6;
  private static final int BAND_IN = EventMask.READABLE;
  private static final int BAND_OUT = EventMask.WRITABLE | EventMask.EPOLLWRBAND;
  private static final int BAND_ERR = EventMask.EPOLLERR;
  private static final int BAND_PRI = EventMask.EPOLLPRI | EventMask.EPOLLRDBAND;
  private static final int BAND_HUP = EventMask.EPOLLHUP | EventMask.EPOLLERR;

  /** Whom to signal, and who said so. */
  private record Target(int type, Pid pid, int uid, int euid) {}

  private final Kernel kernel;
  private final FileDescription file;
  private final AtomicInteger noted = new AtomicInteger();
  private final AtomicBoolean queued = new AtomicBoolean();
  private volatile Target target;
  private volatile int signal;
  private volatile int fd = -1;

  private FileSignals(Kernel kernel, FileDescription file) {
    this.kernel = kernel;
    this.file = file;
  }

  /** Those of {@code file}, made when first asked for. */
  public static FileSignals of(Task t, FileDescription file) {
    t.kernel().fileSignals().start();
    return (FileSignals) file.owner(() -> new FileSignals(t.kernel(), file));
  }

  /**
   * Whom to signal from now on.
   *
   * @param id as {@code t} sees it; 0 for nobody
   * @throws ErrnoException ESRCH when there is nobody of that id
   */
  public void setOwner(Task t, int type, int id) throws ErrnoException {
    if (id == 0) {
      target = null;
      return;
    }
    Pid pid;
    kernel.tasksLock.lock();
    try {
      pid = t.pidNamespace().find(id);
      boolean exists = pid != null && (type == F_OWNER_PGRP ? pid.group != null : pid.task != null);
      if (!exists) {
        throw ESRCH.error();
      }
    } finally {
      kernel.tasksLock.unlock();
    }
    target = new Target(type, pid, t.creds().uid(), t.creds().euid());
  }

  /** One of {@code F_OWNER_*}. */
  public int ownerType() {
    Target now = target;
    return now == null ? F_OWNER_TID : now.type;
  }

  /** The id as {@code t} sees it, 0 for nobody. */
  public int ownerId(Task t) {
    Target now = target;
    return now == null ? 0 : now.pid.in(t.pidNamespace());
  }

  /** F_GETSIG: 0 for SIGIO without details. */
  public int signal() {
    return signal;
  }

  public void setSignal(int signo) {
    signal = signo;
  }

  @Override
  public void setAsync(int descriptor) {
    fd = descriptor;
  }

  @Override
  public void notify(int events) {
    if (target == null || fd < 0 && (events & EventMask.EPOLLPRI) == 0) {
      return;
    }
    noted.getAndUpdate(before -> before | events);
    if (queued.compareAndSet(false, true)) {
      kernel.fileSignals().add(this);
    }
  }

  /** Sends what was noted. Takes the lock of tasks. */
  void send() {
    queued.set(false);
    int events = noted.getAndSet(0);
    Target to = target;
    if (to == null) {
      return;
    }
    kernel.tasksLock.lock();
    try {
      if ((events & EventMask.EPOLLPRI) != 0) {
        send(to, SigInfo.kernel(Signal.SIGURG));
      }
      if (fd >= 0) {
        tell(to, events);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private void tell(Target to, int events) {
    if ((events & EventMask.EPOLLPRI) != 0) {
      sendBand(to, POLL_PRI, BAND_PRI);
    }
    boolean isOver = (events & (EventMask.EPOLLHUP | EventMask.EPOLLRDHUP)) != 0 && file.ops().hangsUp();
    if (isOver) {
      sendBand(to, POLL_HUP, BAND_HUP);
      return;
    }
    if ((events & EventMask.READABLE) != 0 && file.isReadable()) {
      sendBand(to, POLL_IN, BAND_IN);
    }
    if ((events & EventMask.WRITABLE) != 0 && file.isWritable()) {
      sendBand(to, POLL_OUT, BAND_OUT);
    } else if ((events & EventMask.EPOLLERR) != 0 && file.ops().hangsUp()) {
      sendBand(to, POLL_ERR, BAND_ERR);
    }
  }

  private void sendBand(Target to, int code, int band) {
    int signo = signal;
    if (signo == 0) {
      send(to, SigInfo.kernel(Signal.SIGIO));
    } else {
      int shown = signo != Signal.SIGIO && Signal.hasOwnCodes(signo) ? Signal.SI_SIGIO : code;
      if (!send(to, SigInfo.poll(signo, shown, band, fd))) {
        send(to, SigInfo.kernel(Signal.SIGIO)); // too many are queued: the program is to look at everything
      }
    }
  }

  private static boolean send(Target to, SigInfo info) {
    if (to.type == F_OWNER_PGRP) {
      ProcessGroup group = to.pid.group;
      boolean sent = true;
      for (int i = 0; group != null && i < group.members.size(); i++) {
        ThreadGroup member = group.members.get(i);
        sent &= !mayTell(to, member.leader) || Signals.send(member, null, copy(info), false);
      }
      return sent;
    }
    Task task = to.pid.task;
    if (task == null || !mayTell(to, task)) {
      return true;
    }
    return Signals.send(task.group, to.type == F_OWNER_TID ? task : null, info, false);
  }

  /** A signal is in one queue only. */
  private static SigInfo copy(SigInfo info) {
    return info.code == Signal.SI_KERNEL
        ? SigInfo.kernel(info.signo) : SigInfo.poll(info.signo, info.code, info.word0, (int) info.word1);
  }

  private static boolean mayTell(Target by, Task task) {
    Credentials c = task.creds();
    return by.euid == 0 || by.euid == c.suid() || by.euid == c.uid() || by.uid == c.suid() || by.uid == c.uid();
  }
}
