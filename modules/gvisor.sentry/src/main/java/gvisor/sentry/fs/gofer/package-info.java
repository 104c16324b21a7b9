/**
 * Files of the host, through a gofer: the client side of 9P as a file system. {@link gvisor.sentry.fs.gofer.GoferFilesystem}
 * is the way in.
 *
 * <p>Round trips are what costs here, so everything they tell is kept: attributes, directory listings (which come with the
 * attributes of every entry), a descriptor of each regular file that was opened, and, in the memory file, the pages that
 * were mapped. A tree that nobody else changes ("exclusive": the root) is believed for ever; one that others change, too
 * (a bind mount) is asked again when a name is looked up and when a file is opened.
 *
 * <p>An inode is one object as long as anybody has it; the superblock knows it weakly, by the file's identity on the
 * server, so that two names of one file share their pages. What an inode holds on the server and the host
 * ({@code Held}) outlives it until the garbage collector has told that it is gone.
 *
 * <p>Locks, first to last: a directory's {@code listingLock}, {@code GoferInode.attrLock}, {@code PageCache.cacheLock},
 * {@code Held.lock}, {@code GoferSuperblock.idleLock}. None is held during a round trip but the first two.
 */
package gvisor.sentry.fs.gofer;
