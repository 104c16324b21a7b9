package gvisor.sentry.syscall;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;

/** One system call: one static method in a file named after its area. */
@FunctionalInterface
public interface SyscallHandler {
  /**
   * Serves the call for {@code task}, on its thread.
   *
   * @return the value for {@code rax}, or a negative restart code of {@link gvisor.sentry.kernel.Restart}
   * @throws ErrnoException the errno to return; thrown before any effect, or after undoing it
   */
  long call(Task task, SyscallArgs args) throws ErrnoException;
}
