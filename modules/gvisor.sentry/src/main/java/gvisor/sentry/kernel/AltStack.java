package gvisor.sentry.kernel;

/** Flags and limits of the alternate signal stack ({@code man 2 sigaltstack}). */
public final class AltStack {
  public static final int SS_ONSTACK = 1;
  public static final int SS_DISABLE = 2;
  public static final int SS_AUTODISARM = 1 << 31;

  /** The smallest stack that is accepted. */
  public static final long MINSIGSTKSZ = 2048;

  private AltStack() {}

  /** Whether {@code sp} is on the stack, so that the stack must not be changed and the next frame goes below. */
  public static boolean contains(Task t, long sp) {
    if ((t.altStackFlags & SS_AUTODISARM) != 0) {
      return false;
    }
    return t.altStackSize != 0 && sp - t.altStackBase > 0
        && Long.compareUnsigned(sp - t.altStackBase, t.altStackSize) <= 0;
  }

  /** {@code ss_flags} as {@code sigaltstack} reports them. */
  public static int flags(Task t, long sp) {
    if (t.altStackSize == 0) {
      return SS_DISABLE;
    }
    return (contains(t, sp) ? SS_ONSTACK : 0) | t.altStackFlags & SS_AUTODISARM;
  }

  static void clear(Task t) {
    t.altStackBase = 0;
    t.altStackSize = 0;
    t.altStackFlags = SS_DISABLE;
  }
}
