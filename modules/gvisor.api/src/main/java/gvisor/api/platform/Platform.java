package gvisor.api.platform;

import gvisor.api.errno.ErrnoException;

/** A way to run application code so that its system calls and faults come to the kernel. One a sandbox. */
public interface Platform extends AutoCloseable {
  /** The provider's name. */
  String name();

  /** Lowest address an application may map, inclusive; page aligned. */
  long minUserAddress();

  /** Highest address an application may map, exclusive; page aligned. The platform keeps what is above to itself. */
  long maxUserAddress();

  /**
   * An empty address space. Any thread.
   *
   * @throws ErrnoException EAGAIN or ENOMEM when the host has no room for one more
   */
  AddressSpace newAddressSpace() throws ErrnoException;

  /**
   * What one task needs to run. Must be called on the thread that will call {@link Context#switchTo}; that thread and
   * no other then uses the context, but for {@link Context#interrupt}.
   *
   * @throws ErrnoException EAGAIN or ENOMEM when the host has no room for one more
   */
  Context newContext() throws ErrnoException;

  /** Kills whatever application code is left and gives everything back to the host. */
  @Override
  void close();
}
