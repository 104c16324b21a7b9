package gvisor.sentry.fs.host;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.abi.Stat;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OwnedInode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What is behind a host descriptor. Its size and times are the host's; its owner and permissions are this kernel's own,
 * so that a container's user can reopen {@code /dev/stdout}, and changing them changes nothing on the host.
 */
final class HostInode extends OwnedInode {
  private static final int SEEK_SET = 0;
  private static final int SEEK_CUR = 1;
  private static final int EVENTS = EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLPRI
      | EventMask.EPOLLRDHUP;

  private final HostFd fd;
  private final long rdev;
  private final WaitQueue waiters = new WaitQueue();
  private final AtomicInteger opens = new AtomicInteger();
  private volatile boolean watched;

  /**
   * Held while one system call moves data, so that lines of two processes do not mix when their memory lies in pieces;
   * while the host's file offset is moved, and while the descriptor is closed. Above the memory manager's lock.
   */
  final ReentrantLock transferLock = new ReentrantLock();

  /** Where the next read or write continues if it is a sequential one; guarded by {@link #transferLock}. */
  private long expectedOffset;

  HostInode(HostFiles superblock, long ino, HostFd fd, int uid, int gid) throws ErrnoException {
    super(superblock, ino, 0, uid, gid);
    this.fd = fd;
    MemorySegment stat = stat();
    setMode(stat.get(JAVA_INT_UNALIGNED, Stat.ST_MODE));
    this.rdev = stat.get(JAVA_LONG_UNALIGNED, Stat.ST_RDEV);
    if (isRegular()) {
      expectedOffset = fd.seek(0, SEEK_CUR);
    }
  }

  private MemorySegment stat() throws ErrnoException {
    MemorySegment stat = MemorySegment.ofArray(new byte[Stat.SIZE]);
    transferLock.lock(); // A name of it may outlive the last open file.
    try {
      fd.fstat(stat);
    } finally {
      transferLock.unlock();
    }
    return stat;
  }

  /** One more open file over this. */
  void opened() {
    opens.incrementAndGet();
  }

  /** One open file less; with the last the host descriptor goes, and whoever is at the other end sees that. */
  void closed() {
    if (opens.decrementAndGet() == 0) {
      transferLock.lock();
      try {
        fd.close();
      } finally {
        transferLock.unlock();
      }
    }
  }

  /** The number, if it is a device of the host. */
  long rdev() {
    return rdev;
  }

  HostFd fd() {
    return fd;
  }

  WaitQueue waiters() {
    return waiters;
  }

  /** The host's file offset when the descriptor was handed over; 0 for what has none. */
  long position() {
    transferLock.lock();
    try {
      return expectedOffset;
    } finally {
      transferLock.unlock();
    }
  }

  /**
   * Prepares a read or write of a regular file at {@code offset}: true when it continues where the last one ended, and
   * is to go through the host's file offset, which other processes of the host may share and go on from.
   */
  boolean isSequential(long offset) {
    return offset == expectedOffset;
  }

  /** A sequential read or write moved {@code n} bytes. */
  void moved(long n) {
    expectedOffset += n;
  }

  /** {@code lseek}: the host's offset goes along. */
  long seekTo(long offset) throws ErrnoException {
    transferLock.lock();
    try {
      if (offset != expectedOffset) {
        fd.seek(offset, SEEK_SET);
        expectedOffset = offset;
      }
      return offset;
    } finally {
      transferLock.unlock();
    }
  }

  /** Has the queue told of events from now on. What the host cannot watch is always ready. */
  void watch() {
    if (watched) {
      return;
    }
    synchronized (this) {
      if (!watched) {
        watched = true;
        try {
          fd.watch(EVENTS, waiters::notify);
        } catch (ErrnoException e) {
          // A regular file or /dev/null: its reads and writes never report that they would block.
          return;
        }
      }
    }
  }

  long size() throws ErrnoException {
    return stat().get(JAVA_LONG_UNALIGNED, Stat.ST_SIZE);
  }

  @Override
  public void stat(StatBuf out) throws ErrnoException {
    MemorySegment stat = stat();
    statOwned(out);
    out.nlink = 1;
    out.rdev = rdev;
    out.size = stat.get(JAVA_LONG_UNALIGNED, Stat.ST_SIZE);
    out.blockSize = 4096;
    out.blocks = stat.get(JAVA_LONG_UNALIGNED, Stat.ST_BLOCKS);
    out.atime = time(stat, Stat.ST_ATIME);
    out.mtime = time(stat, Stat.ST_MTIME);
    out.ctime = time(stat, Stat.ST_CTIME);
    out.btime = 0;
  }

  private static long time(MemorySegment stat, int offset) {
    return stat.get(JAVA_LONG_UNALIGNED, offset) * 1_000_000_000L + stat.get(JAVA_LONG_UNALIGNED, offset + 8);
  }

  @Override
  public void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    if ((change.valid & SetAttr.SIZE) != 0 && isRegular()) {
      transferLock.lock();
      try {
        fd.truncate(change.size);
      } finally {
        transferLock.unlock();
      }
    }
    changeOwned(change);
  }

  /** Opens it again, through {@code /proc/self/fd}: the same host descriptor. */
  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) {
    return new HostFile(this);
  }

  @Override
  public boolean opensItself() {
    return true;
  }
}
