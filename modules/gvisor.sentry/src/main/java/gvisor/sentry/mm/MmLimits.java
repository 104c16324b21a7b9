package gvisor.sentry.mm;

/** Resource limits of the process that a memory manager obeys ({@code man 2 getrlimit}). Any thread. */
public interface MmLimits {
  int RLIMIT_DATA = 2;
  int RLIMIT_STACK = 3;
  int RLIMIT_MEMLOCK = 8;
  int RLIMIT_AS = 9;

  /** No limit: the highest unsigned number. */
  long RLIM_INFINITY = -1;

  /** The defaults of a fresh system: 8 MiB of stack, 8 MiB of locked memory, the rest unlimited. */
  MmLimits DEFAULT = resource ->
      resource == RLIMIT_STACK || resource == RLIMIT_MEMLOCK ? 8L << 20 : RLIM_INFINITY;

  /** The soft limit in bytes, an unsigned number. */
  long limit(int resource);
}
