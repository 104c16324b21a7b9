package gvisor.sentry.kernel;

import gvisor.api.errno.ErrnoException;

/** How a call that was interrupted goes on: what {@code restart_syscall(2)} does. */
public interface RestartBlock {
  /** Goes on, on the task's thread; returns as a handler does. */
  long restart(Task task) throws ErrnoException;
}
