package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.ETXTBSY;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.Waitable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * An open file, as descriptors share it after {@code dup} and {@code fork}. Like Linux {@code struct file}. Reference
 * counted: made with one reference; who keeps it calls {@link #acquire}, and {@link #close} gives one back.
 */
public final class FileDescription implements Waitable {
  private final FileOps ops;
  private final Path path;
  private final int accessMode;
  private final AtomicInteger references = new AtomicInteger(1);
  private volatile int statusFlags;
  private volatile CloseListener[] closeListeners;

  /**
   * Whether the inode counts it: as a writer, or as what a program runs from. Set before anybody else knows the file.
   */
  private int counted;

  private static final int WRITING = 1;
  private static final int EXECUTING = -1;

  /** Held while a read or write uses and moves the offset: like Linux {@code f_pos_lock}. */
  public final ReentrantLock offsetLock = new ReentrantLock();

  /** File offset; guarded by {@link #offsetLock}. */
  public long offset;

  /** Whom its events are signalled to; null when nobody ever was said. Written under the monitor. */
  private volatile FileOwner owner;

  /** Where an appending write ended; for the writing thread while it holds {@link #offsetLock}. */
  public long appendEnd;

  /**
   * @param path where it was opened; never null, anonymous files have a dentry of their own
   * @param flags O_* of {@code open(2)}: access mode and status flags; creation flags are dropped
   */
  public FileDescription(FileOps ops, Path path, int flags) {
    this.ops = ops;
    this.path = path;
    this.accessMode = flags & OpenFlags.O_ACCMODE;
    this.statusFlags = flags & OpenFlags.STATUS;
    path.mount().fileOpened(this);
  }

  public FileOps ops() {
    return ops;
  }

  public Path path() {
    return path;
  }

  public Inode inode() {
    return path.dentry().inode();
  }

  /** O_APPEND, O_NONBLOCK, O_PATH and the other flags {@code F_GETFL} shows, with the access mode. */
  public int flags() {
    return statusFlags | accessMode;
  }

  /** Replaces the flags {@code F_SETFL} may change. */
  public void setStatusFlags(int flags) throws ErrnoException {
    ops.flagsChanged(this, flags);
    int now = ops.signalsOwner() ? flags : flags & ~OpenFlags.O_ASYNC;
    statusFlags = statusFlags & ~OpenFlags.SETTABLE | now & OpenFlags.SETTABLE;
  }

  /** Whom its events are signalled to, or null. */
  public FileOwner owner() {
    return owner;
  }

  /** As {@link #owner()}, but made by {@code maker} if there is none; it hears of events from now on. */
  public FileOwner owner(Supplier<FileOwner> maker) {
    FileOwner found = owner;
    if (found != null) {
      return found;
    }
    synchronized (this) {
      if (owner == null) {
        found = maker.get();
        if (ops.signalsOwner()) {
          ops.register(found, EventMask.ALL);
        }
        owner = found;
      }
      return owner;
    }
  }

  public boolean isNonblocking() {
    return (statusFlags & OpenFlags.O_NONBLOCK) != 0;
  }

  public boolean isAppend() {
    return (statusFlags & OpenFlags.O_APPEND) != 0;
  }

  public boolean isPath() {
    return (statusFlags & OpenFlags.O_PATH) != 0;
  }

  public boolean isReadable() {
    return accessMode != OpenFlags.O_WRONLY && !isPath();
  }

  public boolean isWritable() {
    return accessMode != OpenFlags.O_RDONLY && !isPath();
  }

  /** Counts a regular file that is open for writing: ETXTBSY while a program runs from it. */
  void countWriter() throws ErrnoException {
    if (isWritable() && inode().isRegular()) {
      if (!inode().beginWriting()) {
        throw ETXTBSY.error();
      }
      counted = WRITING;
    }
  }

  /** Keeps others from opening the file for writing as long as this one is open: ETXTBSY when somebody has. */
  public void denyWriting() throws ErrnoException {
    if (counted == 0) {
      if (!inode().beginExecuting()) {
        throw ETXTBSY.error();
      }
      counted = EXECUTING;
    }
  }

  /** One more reference, for who knows that there is one. */
  public FileDescription acquire() {
    references.getAndIncrement();
    return this;
  }

  /** One more reference if it is still open at all: for who found it in a table without a lock. */
  public boolean tryAcquire() {
    int n = references.get();
    while (n > 0) {
      if (references.compareAndSet(n, n + 1)) {
        return true;
      }
      n = references.get();
    }
    return false;
  }

  /** Gives one reference back; the last one releases the file. */
  public void close() {
    if (references.decrementAndGet() == 0) {
      FileLocks locks = inode().locks(false);
      if (locks != null) {
        locks.unlockFile(this);
        locks.releaseRanges(this);
      }
      CloseListener[] told = closeListeners;
      if (told != null) {
        for (CloseListener l : told) {
          l.fileClosed(this);
        }
      }
      FileOwner signalled = owner;
      if (signalled != null) {
        ops.unregister(signalled);
      }
      if (!isPath()) {
        Notify.file(path.dentry(), isWritable() ? Notify.IN_CLOSE_WRITE : Notify.IN_CLOSE_NOWRITE);
      }
      ops.release(this);
      if (counted == WRITING) {
        inode().endWriting();
      } else if (counted == EXECUTING) {
        inode().endExecuting();
      }
      path.mount().fileClosed(this);
    }
  }

  /** Told when the last reference is given back, before the file is released: an epoll instance that watches it. */
  public interface CloseListener {
    void fileClosed(FileDescription file);
  }

  /** Adds a listener, until {@link #removeCloseListener}. */
  public synchronized void addCloseListener(CloseListener listener) {
    CloseListener[] old = closeListeners;
    int n = old == null ? 0 : old.length;
    CloseListener[] now = new CloseListener[n + 1];
    for (int i = 0; i < n; i++) {
      now[i] = old[i];
    }
    now[n] = listener;
    closeListeners = now;
  }

  /** Takes one registration of a listener back. */
  public synchronized void removeCloseListener(CloseListener listener) {
    CloseListener[] old = closeListeners;
    for (int i = 0; old != null && i < old.length; i++) {
      if (old[i] == listener) {
        CloseListener[] now = new CloseListener[old.length - 1];
        System.arraycopy(old, 0, now, 0, i);
        System.arraycopy(old, i + 1, now, i, old.length - i - 1);
        closeListeners = now.length == 0 ? null : now;
        return;
      }
    }
  }

  /**
   * A descriptor for it was closed in {@code owner}'s table: POSIX locks of that owner end ({@code man 2 fcntl}).
   *
   * @throws ErrnoException what {@code close(2)} is to return
   */
  public void descriptorClosed(Object owner) throws ErrnoException {
    if (isPath()) {
      return;
    }
    FileLocks locks = inode().locks(false);
    if (locks != null) {
      locks.releaseRanges(owner);
    }
    ops.flush(this);
  }

  @Override
  public int readiness(int mask) {
    return ops.readiness(mask);
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    ops.register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    ops.unregister(entry);
  }
}
