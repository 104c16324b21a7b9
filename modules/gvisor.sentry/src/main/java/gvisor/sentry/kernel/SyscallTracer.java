package gvisor.sentry.kernel;

import gvisor.sentry.syscall.SyscallArgs;

/** Is told of every system call ({@code --strace}). Runs on the task's thread. */
public interface SyscallTracer {
  void enter(Task task, long number, SyscallArgs args);

  void exit(Task task, long number, SyscallArgs args, long result);
}
