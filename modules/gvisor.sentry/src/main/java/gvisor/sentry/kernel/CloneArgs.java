package gvisor.sentry.kernel;

/**
 * What {@code clone(2)}, {@code clone3(2)}, {@code fork(2)} and {@code vfork(2)} ask for.
 *
 * @param flags CLONE_*, without the exit signal
 * @param stack the child's stack pointer, or 0 for the parent's
 * @param setTid ids to take, from the innermost namespace outwards; null for any
 */
public record CloneArgs(
    long flags, int exitSignal, long pidfd, long parentTid, long childTid, long stack, long tls, int[] setTid) {
  public static final long CSIGNAL = 0xff;
  public static final long CLONE_VM = 0x100;
  public static final long CLONE_FS = 0x200;
  public static final long CLONE_FILES = 0x400;
  public static final long CLONE_SIGHAND = 0x800;
  public static final long CLONE_PIDFD = 0x1000;
  public static final long CLONE_PTRACE = 0x2000;
  public static final long CLONE_VFORK = 0x4000;
  public static final long CLONE_PARENT = 0x8000;
  public static final long CLONE_THREAD = 0x10000;
  public static final long CLONE_NEWNS = 0x20000;
  public static final long CLONE_SYSVSEM = 0x40000;
  public static final long CLONE_SETTLS = 0x80000;
  public static final long CLONE_PARENT_SETTID = 0x100000;
  public static final long CLONE_CHILD_CLEARTID = 0x200000;
  public static final long CLONE_DETACHED = 0x400000;
  public static final long CLONE_UNTRACED = 0x800000;
  public static final long CLONE_CHILD_SETTID = 0x1000000;
  public static final long CLONE_NEWCGROUP = 0x2000000;
  public static final long CLONE_NEWUTS = 0x4000000;
  public static final long CLONE_NEWIPC = 0x8000000;
  public static final long CLONE_NEWUSER = 0x10000000;
  public static final long CLONE_NEWPID = 0x20000000;
  public static final long CLONE_NEWNET = 0x40000000;
  public static final long CLONE_IO = 0x80000000L;
  public static final long CLONE_NEWTIME = 0x80;
  public static final long CLONE_CLEAR_SIGHAND = 0x100000000L;
  public static final long CLONE_INTO_CGROUP = 0x200000000L;

  /** Whether all of {@code bits} are asked for. */
  public boolean has(long bits) {
    return (flags & bits) == bits;
  }
}
