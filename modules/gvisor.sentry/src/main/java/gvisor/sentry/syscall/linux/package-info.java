/**
 * System call handlers: one static method a call, named as the call, in a file named after its area. A handler reads
 * like the man page: decode, check, act, copy out.
 */
package gvisor.sentry.syscall.linux;
