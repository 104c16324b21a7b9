/**
 * Control groups as far as programs read them to find their limits: one group, without limits but those of the sandbox,
 * which cannot be changed. {@link gvisor.sentry.fs.cgroup.CgroupType} is the entry.
 */
package gvisor.sentry.fs.cgroup;
