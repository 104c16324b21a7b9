package gvisor.sentry.fs.gofer;

import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.P9;
import gvisor.api.p9.P9Client;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.SetAttr;

/** A regular file: read and written through the descriptor the gofer hands over, mapped through the page cache. */
final class GoferRegular extends GoferInode {
  /** The content may have been changed by somebody else since pages were cached. */
  private volatile boolean isCacheSuspect;

  GoferRegular(GoferSuperblock sb, FileAttr attr, GoferDirectory parent, String name) {
    super(sb, attr, parent, name);
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    boolean writable = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
    held.lock.lock();
    held.opens++;
    held.lock.unlock();
    boolean done = false;
    try {
      SharedFd fd = openFd(writable);
      done = true;
      return new GoferRegularFile(this, fd);
    } finally {
      if (!done) {
        closed();
      }
    }
  }

  @Override
  public void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    SharedFd fd = change.valid == SetAttr.SIZE ? held.acquireFd(true) : null;
    if (fd != null) {
      try {
        fd.fd.truncate(change.size);
        changed();
        refreshNow();
      } finally {
        fd.release();
      }
    } else {
      super.setAttr(caller, change);
    }
    PageCache cache = held.cache();
    if (cache != null && (change.valid & SetAttr.SIZE) != 0) {
      cache.truncated(change.size);
    }
  }

  /** A reference on a descriptor to read, or to read and write, the file with. */
  private SharedFd openFd(boolean writable) throws ErrnoException {
    SharedFd known = held.acquireFd(writable);
    if (known != null) {
      if (!sb.isExclusive) {
        changed();
        refreshNow();
        dropSuspectPages();
      }
      return known;
    }
    int mode = writable ? OpenFlags.O_RDWR : OpenFlags.O_RDONLY;
    P9Client.Opened opened = walkAndOpen(mode);
    if (opened == null) {
      int fid = acquireFid();
      try {
        opened = sb.client.open(fid, mode);
      } finally {
        releaseFid();
      }
    }
    SharedFd fd = new SharedFd(opened.fd(), writable);
    held.offerFd(fd.acquire());
    if (!sb.isExclusive) {
      attributesFromServer(opened.attr());
      dropSuspectPages();
    }
    return fd;
  }

  /** One open file less. */
  void closed() {
    held.lock.lock();
    held.opens--;
    boolean hasFid = held.fid != P9.NO_FID;
    held.lock.unlock();
    if (hasFid) {
      sb.used(held);
    }
    held.releaseIfGone();
  }

  /** Learns the size and times now. */
  void refreshNow() throws ErrnoException {
    attrLock.lock();
    try {
      refresh();
    } finally {
      attrLock.unlock();
    }
  }

  /** It was written up to {@code end}. */
  void grownTo(long end) {
    changed();
    Held h = held;
    h.lock.lock();
    if (end > h.size) {
      h.size = end;
    }
    h.lock.unlock();
  }

  @Override
  void contentMayDiffer() {
    isCacheSuspect = true;
  }

  private void dropSuspectPages() {
    PageCache cache = held.cache();
    if (isCacheSuspect && cache != null) {
      isCacheSuspect = false;
      cache.dropClean();
    }
  }
}
