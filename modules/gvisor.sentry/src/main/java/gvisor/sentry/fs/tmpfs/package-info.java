/**
 * Files in memory: {@code tmpfs}, {@code memfd_create}, shared anonymous memory, and the upper layer of overlays.
 *
 * <p>Locks, outermost first: a superblock's names lock (what directories contain, link counts); a file's
 * {@link gvisor.sentry.fs.tmpfs.FileData} io lock; the memory manager's; {@code FileData}'s table lock, which the
 * memory manager takes on a page fault; the page allocator's.
 */
package gvisor.sentry.fs.tmpfs;
