/**
 * Application memory: the page allocator over the memory file, vmas and pmas, page faults, and the kernel's own access
 * to what applications have. Imports neither files nor tasks: a mapped file is a {@link gvisor.sentry.mm.Mappable} with
 * a {@link gvisor.sentry.mm.MappedFile}, a process' limits are {@link gvisor.sentry.mm.MmLimits}.
 *
 * <p>Locks, outermost first: {@code MemoryManager.mmLock}, {@code SharedAnonymous.chunkLock}, {@code MappingSpace}, the
 * page allocator. Two memory managers are never locked together, but for a child that nobody knows yet.
 */
package gvisor.sentry.mm;
