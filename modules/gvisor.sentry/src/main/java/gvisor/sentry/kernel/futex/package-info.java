/**
 * Futexes ({@code man 2 futex}): waiters in hash buckets by the word they wait on. Knows user memory and wait entries,
 * not tasks.
 */
package gvisor.sentry.kernel.futex;
