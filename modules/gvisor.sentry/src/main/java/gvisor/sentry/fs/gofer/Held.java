package gvisor.sentry.fs.gofer;

import gvisor.api.p9.P9;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What an inode holds outside of the heap: its fid, its descriptor, its pages. An object of its own, so that it can be
 * given back after the inode was collected; it must not know the inode.
 */
final class Held {
  final GoferSuperblock superblock;

  /** A leaf but for the superblock's idle list. */
  final ReentrantLock lock = new ReentrantLock();

  /** Held by an appending write while it finds the end and writes there. Above {@code attrLock}. */
  final ReentrantLock appendLock = new ReentrantLock();

  /** The file's fid, or NO_FID: it is walked to when it is needed. Guarded by {@link #lock}. */
  int fid = P9.NO_FID;

  /** Calls that use {@link #fid} now, and so keep it. Guarded by {@link #lock}. */
  int fidUsers;

  /** How many open files of the inode there are; guarded by {@link #lock}. */
  int opens;

  /** The best descriptor there is, with one reference; or null. Guarded by {@link #lock}. */
  private SharedFd fd;

  /** Pages of a regular file, once it was mapped. */
  private volatile PageCache cache;

  /** Bytes of the file as far as is known. */
  volatile long size;

  /** What is known of the file is older than the last change made through us. */
  volatile boolean isStale;

  /** The file has no name any more: {@link #fid} is the only way to it. */
  volatile boolean isUnlinked;

  /** The last name is gone for good: when nobody has it open, the host must get its space back. */
  volatile boolean isGone;

  Held(GoferSuperblock superblock) {
    this.superblock = superblock;
  }

  /** A reference on the descriptor, if there is one that can be written when that is needed; else null. */
  SharedFd acquireFd(boolean writable) {
    lock.lock();
    try {
      return fd != null && (fd.isWritable || !writable) ? fd.acquire() : null;
    } finally {
      lock.unlock();
    }
  }

  /** Keeps {@code fresh}, with the caller's reference, unless what is there is as good. */
  void offerFd(SharedFd fresh) {
    SharedFd unused;
    lock.lock();
    try {
      if (fd == null || fresh.isWritable && !fd.isWritable) {
        unused = fd;
        fd = fresh;
      } else {
        unused = fresh;
      }
    } finally {
      lock.unlock();
    }
    if (unused != null) {
      unused.release();
    }
  }

  /** The pages, or null when nothing was ever mapped. */
  PageCache cache() {
    return cache;
  }

  /** The pages' home, made now if there was none. */
  PageCache makeCache() {
    PageCache c = cache;
    if (c == null) {
      lock.lock();
      try {
        c = cache;
        if (c == null) {
          c = new PageCache(this);
          cache = c;
        }
      } finally {
        lock.unlock();
      }
    }
    return c;
  }

  /**
   * Gives fid and descriptor back if nobody uses them and they can be had again.
   *
   * @return whether they were given back
   */
  boolean tryRelax() {
    int idleFid;
    SharedFd idleFd;
    lock.lock();
    try {
      PageCache c = cache;
      if (fidUsers > 0 || opens > 0 || isUnlinked || c != null && c.mayBeDirty()) {
        return false;
      }
      idleFid = fid;
      idleFd = fd;
      fid = P9.NO_FID;
      fd = null;
    } finally {
      lock.unlock();
    }
    giveBack(idleFid, idleFd);
    return true;
  }

  /** Gives everything back, the content being lost, if the file has no name and nobody has it open. */
  void releaseIfGone() {
    int goneFid;
    SharedFd goneFd;
    lock.lock();
    try {
      if (!isGone || opens > 0 || fidUsers > 0) {
        return;
      }
      goneFid = fid;
      goneFd = fd;
      fid = P9.NO_FID;
      fd = null;
    } finally {
      lock.unlock();
    }
    PageCache c = cache;
    if (c != null) {
      c.discard();
    }
    giveBack(goneFid, goneFd);
  }

  /** The inode is gone: gives everything back. */
  void close() {
    PageCache c = cache;
    if (c != null) {
      c.close();
    }
    giveBack(fid, fd);
    fid = P9.NO_FID;
    fd = null;
  }

  private void giveBack(int idleFid, SharedFd idleFd) {
    if (idleFd != null) {
      idleFd.release();
    }
    if (idleFid != P9.NO_FID) {
      superblock.client.clunk(idleFid);
    }
  }
}
