package gvisor.sentry.kernel;

import static gvisor.sentry.kernel.Signal.bit;

/**
 * What a process does with each signal. Shared by tasks made with CLONE_SIGHAND. Like Linux
 * {@code struct sighand_struct}. Guarded by {@link Kernel#tasksLock}.
 */
public final class SignalHandlers {
  /** {@code sa_handler}: the default action. */
  public static final long SIG_DFL = 0;

  /** {@code sa_handler}: ignore. */
  public static final long SIG_IGN = 1;

  private final long[] handler = new long[Signal.MAX + 1];
  private final long[] flags = new long[Signal.MAX + 1];
  private final long[] restorer = new long[Signal.MAX + 1];
  private final long[] mask = new long[Signal.MAX + 1];

  /** Every signal at its default. */
  public SignalHandlers() {}

  /** A copy, for {@code fork}. */
  SignalHandlers copy() {
    SignalHandlers c = new SignalHandlers();
    System.arraycopy(handler, 0, c.handler, 0, handler.length);
    System.arraycopy(flags, 0, c.flags, 0, flags.length);
    System.arraycopy(restorer, 0, c.restorer, 0, restorer.length);
    System.arraycopy(mask, 0, c.mask, 0, mask.length);
    return c;
  }

  /** A copy as {@code execve} leaves it: what was caught is at its default, what was ignored stays so. */
  SignalHandlers copyForExec() {
    SignalHandlers c = new SignalHandlers();
    for (int n = 1; n <= Signal.MAX; n++) {
      c.handler[n] = handler[n] == SIG_IGN ? SIG_IGN : SIG_DFL;
    }
    return c;
  }

  public long handler(int signo) {
    return handler[signo];
  }

  public long flags(int signo) {
    return flags[signo];
  }

  public long restorer(int signo) {
    return restorer[signo];
  }

  public long mask(int signo) {
    return mask[signo];
  }

  /** Replaces the action of {@code signo}. */
  public void set(int signo, long newHandler, long newFlags, long newRestorer, long newMask) {
    handler[signo] = newHandler;
    flags[signo] = newFlags;
    restorer[signo] = newRestorer;
    mask[signo] = newMask & ~Signal.UNBLOCKABLE;
  }

  /** Whether a signal sent now would be thrown away. */
  public boolean ignores(int signo) {
    return handler[signo] == SIG_IGN || handler[signo] == SIG_DFL && Signal.isIgnoredByDefault(signo);
  }

  /** Whether a function of the application handles it. */
  public boolean catches(int signo) {
    return handler[signo] != SIG_IGN && handler[signo] != SIG_DFL;
  }

  /** The set of signals with handler SIG_IGN, for {@code /proc/[pid]/status}. */
  public long ignoredSet() {
    long s = 0;
    for (int n = 1; n <= Signal.MAX; n++) {
      s |= handler[n] == SIG_IGN ? bit(n) : 0;
    }
    return s;
  }

  /** The set of signals that have a handler, for {@code /proc/[pid]/status}. */
  public long caughtSet() {
    long s = 0;
    for (int n = 1; n <= Signal.MAX; n++) {
      s |= catches(n) ? bit(n) : 0;
    }
    return s;
  }
}
