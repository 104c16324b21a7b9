package gvisor.sentry.boot;

/**
 * What can be chosen for a sandbox.
 *
 * @param strace log every system call
 * @param memoryLimitBytes what all containers together may use; 0 for the machine's
 */
public record SentryOptions(boolean strace, long memoryLimitBytes, int processors) {}
