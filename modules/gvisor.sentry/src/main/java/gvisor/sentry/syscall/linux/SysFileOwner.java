package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.FileSignals;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.FileDescription;

/** Whom a file signals, and with what: F_SETOWN and its companions ({@code man 2 fcntl}). */
final class SysFileOwner {
  private SysFileOwner() {}

  /** F_SETOWN, FIOSETOWN, SIOCSPGRP: a process, or a process group when negative. */
  static long setOwner(Task t, FileDescription f, int id) throws ErrnoException {
    if (id == Integer.MIN_VALUE) {
      throw EINVAL.error();
    }
    FileSignals.of(t, f)
        .setOwner(t, id < 0 ? FileSignals.F_OWNER_PGRP : FileSignals.F_OWNER_PID, Math.abs(id));
    return 0;
  }

  /** F_GETOWN: a group's number is negative. */
  static int owner(Task t, FileDescription f) {
    if (!(f.owner() instanceof FileSignals signals)) {
      return 0;
    }
    int id = signals.ownerId(t);
    return signals.ownerType() == FileSignals.F_OWNER_PGRP ? -id : id;
  }

  /** F_SETOWN_EX, with a {@code struct f_owner_ex}: type and id. */
  static long setOwnerEx(Task t, FileDescription f, long addr) throws ErrnoException {
    int type = t.mm().readInt(addr);
    int id = t.mm().readInt(addr + 4);
    if (type < FileSignals.F_OWNER_TID || type > FileSignals.F_OWNER_PGRP) {
      throw EINVAL.error();
    }
    if (id < 0) {
      throw ESRCH.error();
    }
    FileSignals.of(t, f).setOwner(t, type, id);
    return 0;
  }

  /** F_GETOWN_EX. */
  static long ownerEx(Task t, FileDescription f, long addr) throws ErrnoException {
    FileSignals signals = f.owner() instanceof FileSignals s ? s : null;
    t.mm().writeInt(addr, signals == null ? FileSignals.F_OWNER_TID : signals.ownerType());
    t.mm().writeInt(addr + 4, signals == null ? 0 : signals.ownerId(t));
    return 0;
  }

  /** F_SETSIG: 0 for SIGIO. */
  static long setSignal(Task t, FileDescription f, int signal) throws ErrnoException {
    if (signal < 0 || signal > Signal.MAX) {
      throw EINVAL.error();
    }
    FileSignals.of(t, f).setSignal(signal);
    return 0;
  }

  /** F_GETSIG. */
  static int signal(FileDescription f) {
    return f.owner() instanceof FileSignals signals ? signals.signal() : 0;
  }
}
