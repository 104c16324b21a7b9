package gvisor.host.libc;

/** A way from Java to the host's kernel and libc. Thread-safe. */
interface HostCalls {
  /** A system call: its result, or the negative error number. */
  long syscall(long number, long a, long b, long c, long d, long e, long f);

  /** libc's function {@code name}, which returns an {@code int}: its result, or the negative error number. */
  long function(String name, long a, long b, long c);
}
