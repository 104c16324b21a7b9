/**
 * The proc file system ({@code man 5 proc}): {@link gvisor.sentry.fs.proc.ProcType} is the entry. A mount shows the
 * tasks of the PID namespace of who mounted it.
 *
 * <p>{@link gvisor.sentry.fs.proc.TaskDir} has the files of a process or thread,
 * {@link gvisor.sentry.fs.proc.SystemFiles} those of the system, {@link gvisor.sentry.fs.proc.SysctlTree}
 * {@code /proc/sys}. Other parts of the kernel that have something to show put it into
 * {@link gvisor.sentry.fs.proc.ProcFiles}.
 */
package gvisor.sentry.fs.proc;
