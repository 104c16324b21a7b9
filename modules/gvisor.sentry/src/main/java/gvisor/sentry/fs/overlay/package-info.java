/**
 * A writable tree over one that is only read: what is changed is first copied up into a tree in memory.
 * {@link gvisor.sentry.fs.overlay.OverlayFilesystem} is the way in.
 *
 * <p>The upper tree belongs to the overlay alone, so what Linux keeps in it as marks is kept here as objects: a directory
 * ({@code OverlayDirectory}) knows which of its names are in the upper tree and which are gone, and every inode knows both
 * its layers. So a whiteout is not a device node, a directory can be renamed without a mark of where it came from, and a
 * file keeps its inode number and its other names when it is copied up.
 *
 * <p>What is in the upper tree is held strongly from the root down. An inode that is only in the lower tree is held weakly
 * by the superblock, one for each lower inode.
 *
 * <p>Locks, first to last: {@code OverlayInode.copyLock} (a child's before its parent's),
 * {@code OverlayDirectory.namesLock}, then those of the layers. The copy lock is held while a file is copied.
 */
package gvisor.sentry.fs.overlay;
