package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOTTY;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.pipe.Pipe;
import gvisor.sentry.fs.tmpfs.TmpfsRegular;
import gvisor.sentry.kernel.FileSignals;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Permissions;

/** {@code fcntl}, {@code dup} and {@code ioctl}: what is done to a descriptor rather than to what is behind it. */
public final class SysFcntl {
  private static final int F_DUPFD = 0;
  private static final int F_GETFD = 1;
  private static final int F_SETFD = 2;
  private static final int F_GETFL = 3;
  private static final int F_SETFL = 4;
  private static final int F_GETLK = 5;
  private static final int F_SETLK = 6;
  private static final int F_SETLKW = 7;
  private static final int F_SETOWN = 8;
  private static final int F_GETOWN = 9;
  private static final int F_SETSIG = 10;
  private static final int F_GETSIG = 11;
  private static final int F_SETOWN_EX = 15;
  private static final int F_GETOWN_EX = 16;
  private static final int F_OFD_GETLK = 36;
  private static final int F_OFD_SETLK = 37;
  private static final int F_OFD_SETLKW = 38;
  private static final int F_SETLEASE = 1024;
  private static final int F_GETLEASE = 1025;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int F_SETPIPE_SZ = 1031;
  private static final int F_GETPIPE_SZ = 1032;
  private static final int F_ADD_SEALS = 1033;
  private static final int F_GET_SEALS = 1034;

  private static final int F_UNLCK = 2;
  private static final int FD_CLOEXEC = 1;
  private static final int ALL_SEALS = 0x3f;

  private static final int FIGETBSZ = 2;
  private static final int FIONREAD = 0x541b;
  private static final int FIONBIO = 0x5421;
  private static final int FIONCLEX = 0x5450;
  private static final int FIOCLEX = 0x5451;
  private static final int FIOASYNC = 0x5452;
  private static final int FIOSETOWN = 0x8901;
  private static final int SIOCSPGRP = 0x8902;
  private static final int FIOGETOWN = 0x8903;
  private static final int SIOCGPGRP = 0x8904;

  private SysFcntl() {}

  /** dup(2). */
  public static long dup(Task t, SyscallArgs a) throws ErrnoException {
    return t.fds().install(t.fds().getAny(a.fd(0)), false, t.fdLimit());
  }

  /** dup2(2). */
  public static long dup2(Task t, SyscallArgs a) throws ErrnoException {
    int from = a.fd(0);
    int to = a.fd(1);
    FileDescription f = t.fds().getAny(from);
    if (from == to) {
      f.close();
      return to;
    }
    t.fds().replace(to, f, false, t.fdLimit());
    return to;
  }

  /** dup3(2). */
  public static long dup3(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(2);
    if ((flags & ~OpenFlags.O_CLOEXEC) != 0 || a.fd(0) == a.fd(1)) {
      throw EINVAL.error();
    }
    t.fds().replace(a.fd(1), t.fds().getAny(a.fd(0)), flags != 0, t.fdLimit());
    return a.fd(1);
  }

  /** fcntl(2). */
  public static long fcntl(Task t, SyscallArgs a) throws ErrnoException {
    int fd = a.fd(0);
    int command = a.i32(1);
    FileDescription f = t.fds().getAny(fd);
    try {
      if (f.isPath() && !worksOnPath(command)) {
        throw EBADF.error();
      }
      return switch (command) {
        case F_DUPFD -> duplicate(t, f, a.i64(2), false);
        case F_DUPFD_CLOEXEC -> duplicate(t, f, a.i64(2), true);
        case F_GETFD -> t.fds().isCloseOnExec(fd) ? FD_CLOEXEC : 0;
        case F_SETFD -> {
          t.fds().setCloseOnExec(fd, (a.i32(2) & FD_CLOEXEC) != 0);
          yield 0;
        }
        case F_GETFL -> f.flags();
        case F_SETFL -> setFlags(t, f, fd, a.i32(2));
        case F_GETLK -> SysLocks.getRange(t, f, a.addr(2), false);
        case F_SETLK -> SysLocks.setRange(t, f, a.addr(2), false, false);
        case F_SETLKW -> SysLocks.setRange(t, f, a.addr(2), false, true);
        case F_OFD_GETLK -> SysLocks.getRange(t, f, a.addr(2), true);
        case F_OFD_SETLK -> SysLocks.setRange(t, f, a.addr(2), true, false);
        case F_OFD_SETLKW -> SysLocks.setRange(t, f, a.addr(2), true, true);
        case F_SETOWN -> SysFileOwner.setOwner(t, f, a.i32(2));
        case F_GETOWN -> SysFileOwner.owner(t, f);
        case F_SETSIG -> SysFileOwner.setSignal(t, f, a.i32(2));
        case F_GETSIG -> SysFileOwner.signal(f);
        case F_SETOWN_EX -> SysFileOwner.setOwnerEx(t, f, a.addr(2));
        case F_GETOWN_EX -> SysFileOwner.ownerEx(t, f, a.addr(2));
        // Linux: leases are kept for local files. Here: refused, as network file systems do.
        case F_SETLEASE -> throw a.i32(2) == F_UNLCK ? EAGAIN.error() : EINVAL.error();
        case F_GETLEASE -> F_UNLCK;
        case F_SETPIPE_SZ -> pipe(f).resize(t.creds(), a.i32(2));
        case F_GETPIPE_SZ -> pipe(f).capacity();
        case F_ADD_SEALS -> addSeals(f, a.i32(2));
        case F_GET_SEALS -> memory(f).seals();
        default -> throw EINVAL.error();
      };
    } finally {
      f.close();
    }
  }

  private static boolean worksOnPath(int command) {
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD || command == F_SETFD
        || command == F_GETFL;
  }

  private static long duplicate(Task t, FileDescription f, long from, boolean cloexec) throws ErrnoException {
    if (from < 0 || from >= t.fdLimit()) {
      throw EINVAL.error();
    }
    return t.fds().install(f.acquire(), (int) from, cloexec, t.fdLimit());
  }

  private static long setFlags(Task t, FileDescription f, int fd, int flags) throws ErrnoException {
    boolean addsNoatime = (flags & ~f.flags() & OpenFlags.O_NOATIME) != 0;
    if (addsNoatime && !Permissions.isOwner(t.creds(), f.inode())) {
      throw EPERM.error();
    }
    boolean wasAsync = (f.flags() & OpenFlags.O_ASYNC) != 0;
    f.setStatusFlags(flags);
    boolean isAsync = (f.flags() & OpenFlags.O_ASYNC) != 0;
    if (isAsync != wasAsync) {
      FileSignals.of(t, f).setAsync(isAsync ? fd : -1);
    }
    return 0;
  }

  private static Pipe pipe(FileDescription f) throws ErrnoException {
    Pipe pipe = Pipe.of(f);
    if (pipe == null) {
      throw EBADF.error();
    }
    return pipe;
  }

  private static TmpfsRegular memory(FileDescription f) throws ErrnoException {
    TmpfsRegular file = TmpfsRegular.of(f.inode());
    if (file == null) {
      throw EINVAL.error();
    }
    return file;
  }

  private static long addSeals(FileDescription f, int seals) throws ErrnoException {
    TmpfsRegular file = memory(f);
    if (!f.isWritable()) {
      throw EPERM.error();
    }
    if ((seals & ~ALL_SEALS) != 0) {
      throw EINVAL.error();
    }
    file.addSeals(seals);
    return 0;
  }

  /** ioctl(2): what every file knows here, the rest by the file. */
  public static long ioctl(Task t, SyscallArgs a) throws ErrnoException {
    int request = a.i32(1);
    long argument = a.i64(2);
    FileDescription f = t.fds().get(a.fd(0));
    try {
      switch (request) {
        case FIOCLEX -> t.fds().setCloseOnExec(a.fd(0), true);
        case FIONCLEX -> t.fds().setCloseOnExec(a.fd(0), false);
        case FIONBIO -> setFlag(t, f, a.fd(0), OpenFlags.O_NONBLOCK, t.mm().readInt(argument) != 0);
        case FIOASYNC -> {
          boolean on = t.mm().readInt(argument) != 0;
          if (!f.ops().signalsOwner()) {
            throw ENOTTY.error();
          }
          setFlag(t, f, a.fd(0), OpenFlags.O_ASYNC, on);
        }
        case FIOSETOWN, SIOCSPGRP -> {
          requireSocket(f);
          SysFileOwner.setOwner(t, f, t.mm().readInt(argument));
        }
        case FIOGETOWN, SIOCGPGRP -> {
          requireSocket(f);
          t.mm().writeInt(argument, SysFileOwner.owner(t, f));
        }
        case FIGETBSZ -> {
          if (!f.inode().isRegular() && !f.inode().isDirectory()) {
            return f.ops().ioctl(t, f, request, argument);
          }
          t.mm().writeInt(argument, 4096);
        }
        case FIONREAD -> {
          if (!f.inode().isRegular()) {
            return f.ops().ioctl(t, f, request, argument);
          }
          gvisor.sentry.vfs.StatBuf stat = new gvisor.sentry.vfs.StatBuf();
          f.inode().stat(stat);
          f.offsetLock.lock();
          long left;
          try {
            left = stat.size - f.offset;
          } finally {
            f.offsetLock.unlock();
          }
          t.mm().writeInt(argument, (int) left);
        }
        default -> {
          return f.ops().ioctl(t, f, request, argument);
        }
      }
      return 0;
    } finally {
      f.close();
    }
  }

  private static void setFlag(Task t, FileDescription f, int fd, int flag, boolean on) throws ErrnoException {
    setFlags(t, f, fd, on ? f.flags() | flag : f.flags() & ~flag);
  }

  private static void requireSocket(FileDescription f) throws ErrnoException {
    if (!(f.ops() instanceof Socket)) {
      throw ENOTTY.error();
    }
  }
}
