/**
 * System call filters of applications: classic BPF programs over {@code struct seccomp_data} ({@code man 2 seccomp}).
 * Values: nothing here changes after construction but a filter's cache, so no locks.
 */
package gvisor.sentry.seccomp;
