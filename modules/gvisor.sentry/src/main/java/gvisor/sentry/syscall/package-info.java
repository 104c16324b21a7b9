/** The system call table and what a handler is given; the handlers are in {@link gvisor.sentry.syscall.linux}. */
package gvisor.sentry.syscall;
