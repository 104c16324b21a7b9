/** The log of system calls ({@code --strace}): decoded by a table, one line a call. */
package gvisor.sentry.strace;
