/**
 * Files over descriptors of the host that the sandbox was given: standard input and output of a container's processes. A
 * terminal of the host becomes the hardware of a {@link gvisor.sentry.tty.Terminal}: the host's end is raw, and line
 * editing, signals and job control are this kernel's own. {@link gvisor.sentry.fs.host.HostFiles} is the entry.
 */
package gvisor.sentry.fs.host;
