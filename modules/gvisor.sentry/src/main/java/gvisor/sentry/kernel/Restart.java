package gvisor.sentry.kernel;

/**
 * What an interrupted handler returns; never seen by an application, but for a tracer of it. The run loop turns them
 * into a restart of the call or into EINTR, as Linux does ({@code man 7 signal}, "Interruption of system calls").
 */
public final class Restart {
  /** Restart unless a handler without SA_RESTART runs. */
  public static final long ERESTARTSYS = -512;

  /** Restart always. */
  public static final long ERESTARTNOINTR = -513;

  /** Restart only when no handler runs. */
  public static final long ERESTARTNOHAND = -514;

  /** Go on through {@code restart_syscall}, with what the task stored; EINTR when a handler runs. */
  public static final long ERESTART_RESTARTBLOCK = -516;

  private Restart() {}
}
