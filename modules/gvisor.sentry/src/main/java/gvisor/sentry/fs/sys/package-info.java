/**
 * The sysfs file system, as much of it as programs look at: processors, memory policy, network devices, and the
 * directories they expect. {@link gvisor.sentry.fs.sys.SysfsType} is the entry. Like proc, other parts of the kernel may
 * show files in it.
 */
package gvisor.sentry.fs.sys;
