package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskExec;
import gvisor.sentry.loader.ProgramArguments;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.PathWalk;

/** {@code man 2 execve}, {@code man 2 execveat}. */
final class SysExec {
  private static final int AT_FDCWD = -100;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_EMPTY_PATH = 0x1000;

  private SysExec() {}

  /** {@code man 2 execve}: pathname, argv, envp. */
  static long execve(Task t, SyscallArgs a) throws ErrnoException {
    String path = t.mm().readString(a.addr(0), PathWalk.PATH_MAX);
    return run(t, TaskExec.open(t, null, path, true), path, false, a.addr(1), a.addr(2));
  }

  /** {@code man 2 execveat}: dirfd, pathname, argv, envp, flags. */
  static long execveat(Task t, SyscallArgs a) throws ErrnoException {
    int dirfd = a.fd(0);
    int flags = a.i32(4);
    if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0) {
      throw EINVAL.error();
    }
    String path = t.mm().readString(a.addr(1), PathWalk.PATH_MAX);
    boolean follow = (flags & AT_SYMLINK_NOFOLLOW) == 0;
    if (dirfd == AT_FDCWD || path.startsWith("/")) {
      return run(t, TaskExec.open(t, null, path, follow), path, false, a.addr(2), a.addr(3));
    }
    if (path.isEmpty() && (flags & AT_EMPTY_PATH) == 0) {
      throw ENOENT.error();
    }
    FileDescription dir = t.fds().getAny(dirfd);
    FileDescription file;
    boolean vanishes;
    try {
      file = path.isEmpty() ? TaskExec.reopen(t, dir) : TaskExec.open(t, dir.path(), path, follow);
      vanishes = t.fds().isCloseOnExec(dirfd);
    } finally {
      dir.close();
    }
    String shown = "/dev/fd/" + dirfd + (path.isEmpty() ? "" : "/" + path);
    return run(t, file, shown, vanishes, a.addr(2), a.addr(3));
  }

  private static long run(Task t, FileDescription file, String path, boolean vanishes, long argv, long envp)
      throws ErrnoException {
    try {
      ProgramArguments strings = new ProgramArguments(t.rlimits());
      String[] args = strings.copyIn(t.mm(), argv);
      String[] env = strings.copyIn(t.mm(), envp);
      return TaskExec.exec(t, file, path, vanishes, args.length == 0 ? new String[] {""} : args, env);
    } finally {
      file.close();
    }
  }
}
