package gvisor.api.platform;

import gvisor.api.errno.ErrnoException;

/**
 * What application code can reach: ranges of the memory file at application addresses. Only a cache of the kernel's own
 * books: a page missing here faults and is mapped again; a page here that the kernel has taken away is a security hole,
 * so {@link #unmap} and a narrowing {@link #map} or {@link #protect} have taken effect for every thread when they
 * return.
 *
 * <p>A platform may drop mappings at any time, for example when the host has no more: the application then faults on what
 * the kernel believes to be mapped, and the kernel maps it again.
 *
 * <p>Thread-safe. Cheapest when called by a thread whose context last ran in this address space; a platform may then
 * put mapping work off until the next {@link Context#switchTo}.
 */
public interface AddressSpace extends AutoCloseable {
  /**
   * Maps {@code [fileOffset, fileOffset + length)} of the memory file, shared, at {@code addr}, in place of what is
   * mapped there. Everything is page aligned and within the platform's user addresses.
   *
   * @param access bits of {@link gvisor.api.mem.AccessType}; what is mapped at all can be read, NONE is as good as unmapped
   * @param populate fill the tables now, to save the faults of a first touch; commits what was not committed yet
   * @throws ErrnoException ENOMEM when the host has no more mappings; nothing is mapped at the range then
   */
  void map(long addr, long length, long fileOffset, int access, boolean populate) throws ErrnoException;

  /**
   * Changes what is mapped within the range to {@code access}; holes stay holes, and with holes in it the range may
   * become one. ENOMEM as for {@link #map}.
   */
  void protect(long addr, long length, int access) throws ErrnoException;

  /** Unmaps what is mapped within the range. Never fails: a platform that cannot, kills the address space. */
  void unmap(long addr, long length);

  /**
   * Says that one more thread is about to run in this address space. Called by a thread whose context ran here last,
   * before it starts the other.
   *
   * @throws ErrnoException EAGAIN or ENOMEM when the host has no room for one more
   */
  void reserveThread() throws ErrnoException;

  /**
   * Has every thread that runs application code here leave it for a moment: a memory barrier, and a serialising
   * instruction, on each of them ({@code membarrier(2)}).
   *
   * @return false when the platform has no way to do that
   */
  default boolean barrier() {
    return false;
  }

  /** Ends it. No context is in it any more, or ever will be. */
  @Override
  void close();
}
