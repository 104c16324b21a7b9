package gvisor.sentry.kernel;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * What one user has, for the limits that count over all of a user's processes. Like Linux {@code struct user_struct}.
 */
final class UserCounts {
  /** Threads: RLIMIT_NPROC. */
  final AtomicInteger tasks = new AtomicInteger();

  /** Queued signals: RLIMIT_SIGPENDING. */
  final AtomicInteger pendingSignals = new AtomicInteger();
}
