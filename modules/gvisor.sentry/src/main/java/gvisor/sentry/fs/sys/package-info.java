/**
 * The sysfs file system, as much of it as programs look at: processors, memory policy, network interfaces, and the
 * directories they expect. {@link gvisor.sentry.fs.sys.SysfsType} is the entry; the tree is built at mount.
 */
package gvisor.sentry.fs.sys;
