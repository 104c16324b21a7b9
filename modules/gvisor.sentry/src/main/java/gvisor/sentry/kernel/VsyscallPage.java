package gvisor.sentry.kernel;

/**
 * The page at a fixed address through which programs of old called {@code gettimeofday}, {@code time} and {@code getcpu}.
 * As with Linux's {@code vsyscall=xonly} nothing is there to be read: a call faults, and is carried out.
 */
final class VsyscallPage {
  /** Not a call. */
  static final int NONE = -1;

  private static final long ADDRESS = 0xffff_ffff_ff60_0000L;
  private static final int DISTANCE = 1024;
  private static final int NR_GETTIMEOFDAY = 96, NR_TIME = 201, NR_GETCPU = 309;

  private VsyscallPage() {}

  /** Number of the system call whose function starts at {@code address}, or {@link #NONE}. */
  static int call(long address) {
    long offset = address - ADDRESS;
    if (offset == 0) {
      return NR_GETTIMEOFDAY;
    }
    if (offset == DISTANCE) {
      return NR_TIME;
    }
    return offset == 2 * DISTANCE ? NR_GETCPU : NONE;
  }
}
