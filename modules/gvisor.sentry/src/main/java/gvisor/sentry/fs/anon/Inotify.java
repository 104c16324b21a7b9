package gvisor.sentry.fs.anon;

import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOSPC;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.InodeWatches;
import gvisor.sentry.vfs.Notify;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.Vfs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** An inotify instance ({@code man 7 inotify}): its watches, and the events not yet read. */
public final class Inotify implements FileOps {
  public static final int IN_ONLYDIR = 0x01000000;
  public static final int IN_DONT_FOLLOW = 0x02000000;
  public static final int IN_EXCL_UNLINK = 0x04000000;
  public static final int IN_MASK_CREATE = 0x10000000;
  public static final int IN_MASK_ADD = 0x20000000;
  public static final int IN_ONESHOT = 0x80000000;

  /** {@code /proc/sys/fs/inotify/max_queued_events} and {@code max_user_watches}. */
  private static final int MAX_EVENTS = 16384;
  private static final int MAX_WATCHES = 65536;

  private static final int HEADER = 16;
  private static final int FIONREAD = 0x541b;
  private static final int KEPT = Notify.IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT;

  /** @param name null for an event of the watched file itself */
  private record Event(int wd, int mask, int cookie, String name) {
    /** Bytes of {@code struct inotify_event} with the padded name. */
    int size() {
      return name == null ? HEADER : HEADER + (name.length() + 1 + 15 & ~15);
    }
  }

  /** Keeps the path: the watch lasts while the inode does. */
  private final class Watch implements InodeWatches.Watch {
    final int wd;
    final Path path;
    volatile int mask;

    Watch(int wd, Path path, int mask) {
      this.wd = wd;
      this.path = path;
      this.mask = mask;
    }

    @Override
    public void event(int event, int cookie, String name, boolean isUnlinked) {
      int wanted = mask;
      if ((event & wanted & Notify.IN_ALL_EVENTS) == 0 || isUnlinked && (wanted & IN_EXCL_UNLINK) != 0) {
        return;
      }
      post(new Event(wd, event, cookie, name));
      if ((wanted & IN_ONESHOT) != 0) {
        InodeWatches.of(path.dentry().inode()).remove(this);
        end();
      }
    }

    @Override
    public void end() {
      queueLock.lock();
      try {
        if (byNumber.remove(wd) == null) {
          return;
        }
        byInode.remove(path.dentry().inode());
      } finally {
        queueLock.unlock();
      }
      post(new Event(wd, Notify.IN_IGNORED, 0, null));
    }
  }

  private final WaitQueue queue = new WaitQueue();
  private final ReentrantLock queueLock = new ReentrantLock();

  // Guarded by queueLock.
  private final ArrayDeque<Event> events = new ArrayDeque<>();
  private final Map<Integer, Watch> byNumber = new HashMap<>();
  private final Map<Inode, Watch> byInode = new HashMap<>();
  private int nextNumber = 1;
  private boolean overflowed;

  private Inotify() {}

  /** @param flags O_* of the open file */
  public static FileDescription open(Vfs vfs, int flags) {
    return AnonFile.open(vfs, new Inotify(), "inotify", flags);
  }

  /** The instance behind an open file; EINVAL when it is something else. */
  public static Inotify of(FileDescription file) throws ErrnoException {
    if (file.ops() instanceof Inotify i) {
      return i;
    }
    throw EINVAL.error();
  }

  /** Watches what is at {@code path}, or changes the watch on it; the watch descriptor. */
  public int add(Path path, int mask) throws ErrnoException {
    Inode inode = path.dentry().inode();
    Watch made;
    queueLock.lock();
    try {
      Watch old = byInode.get(inode);
      if (old != null) {
        if ((mask & IN_MASK_CREATE) != 0) {
          throw EEXIST.error();
        }
        old.mask = (mask & IN_MASK_ADD) != 0 ? old.mask | mask & KEPT : mask & KEPT;
        return old.wd;
      }
      if (byNumber.size() >= MAX_WATCHES) {
        throw ENOSPC.error();
      }
      made = new Watch(nextNumber++, path, mask & KEPT);
      byNumber.put(made.wd, made);
      byInode.put(inode, made);
    } finally {
      queueLock.unlock();
    }
    InodeWatches.of(inode).add(made);
    return made.wd;
  }

  /** Ends a watch: EINVAL when there is none of that number. */
  public void remove(int wd) throws ErrnoException {
    Watch watch;
    queueLock.lock();
    try {
      watch = byNumber.get(wd);
    } finally {
      queueLock.unlock();
    }
    if (watch == null) {
      throw EINVAL.error();
    }
    InodeWatches.of(watch.path.dentry().inode()).remove(watch);
    watch.end();
  }

  private void post(Event event) {
    queueLock.lock();
    try {
      if (event.equals(events.peekLast())) {
        return;
      }
      if (events.size() >= MAX_EVENTS) {
        if (overflowed) {
          return;
        }
        overflowed = true;
        events.add(new Event(-1, Notify.IN_Q_OVERFLOW, 0, null));
      } else {
        events.add(event);
      }
    } finally {
      queueLock.unlock();
    }
    queue.notify(EventMask.READABLE);
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    long done = 0;
    while (true) {
      Event e;
      queueLock.lock();
      try {
        e = events.peekFirst();
        if (e == null) {
          return done > 0 ? done : WOULD_BLOCK;
        }
        if (e.size() > dst.remaining()) {
          if (done == 0) {
            throw EINVAL.error();
          }
          return done;
        }
        events.removeFirst();
        overflowed = overflowed && e.mask != Notify.IN_Q_OVERFLOW;
      } finally {
        queueLock.unlock();
      }
      MemorySegment bytes = MemorySegment.ofArray(new byte[e.size()]);
      bytes.set(ValueLayout.JAVA_INT_UNALIGNED, 0, e.wd);
      bytes.set(ValueLayout.JAVA_INT_UNALIGNED, 4, e.mask);
      bytes.set(ValueLayout.JAVA_INT_UNALIGNED, 8, e.cookie);
      bytes.set(ValueLayout.JAVA_INT_UNALIGNED, 12, e.size() - HEADER);
      for (int i = 0; e.name != null && i < e.name.length(); i++) {
        bytes.set(ValueLayout.JAVA_BYTE, HEADER + i, (byte) e.name.charAt(i));
      }
      done += dst.put(bytes, 0, e.size());
    }
  }

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    if (request != FIONREAD) {
      return FileOps.super.ioctl(caller, file, request, argument);
    }
    int bytes = 0;
    queueLock.lock();
    try {
      for (Event e : events) {
        bytes += e.size();
      }
    } finally {
      queueLock.unlock();
    }
    caller.mm().writeInt(argument, bytes);
    return 0;
  }

  @Override
  public int readiness(int mask) {
    queueLock.lock();
    try {
      return events.isEmpty() ? 0 : mask & EventMask.READABLE;
    } finally {
      queueLock.unlock();
    }
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    queue.register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    queue.unregister(entry);
  }

  @Override
  public void release(FileDescription file) {
    Watch[] all;
    queueLock.lock();
    try {
      all = byNumber.values().toArray(new Watch[0]);
      byNumber.clear();
      byInode.clear();
    } finally {
      queueLock.unlock();
    }
    for (Watch w : all) {
      InodeWatches.of(w.path.dentry().inode()).remove(w);
    }
  }
}
