package gvisor.sentry.fs.mqueue;

import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OwnedInode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;
import java.util.ArrayDeque;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/** One POSIX message queue: messages by priority, each priority in order of arrival. Thread-safe. */
public final class MqueueInode extends OwnedInode {
  /** Priorities are below this. */
  public static final int MQ_PRIO_MAX = 32768;

  /** Bytes {@code stat} shows. */
  private static final int FILE_SIZE = 80;

  /** Who is told, once, of a message in an empty queue. */
  public interface Notification {
    /** A message came from {@code sender}. */
    void messageArrived(Caller sender);

    /** It is told of no message any more: it was taken back, or its file closed. */
    void removed();

    /** The process that asked for it, for {@code read(2)}. */
    int pid();

    /** How: SIGEV_SIGNAL, SIGEV_NONE or SIGEV_THREAD, and the signal. */
    int method();

    int signal();
  }

  private final Mqueues queues;
  private final int maxMessages;
  private final int maxSize;
  private final long cost;
  private final int chargedUid;
  private final WaitQueue waiters = new WaitQueue();

  /** Guards what follows; above wait queues. */
  private final ReentrantLock queueLock = new ReentrantLock();

  private final TreeMap<Integer, ArrayDeque<byte[]>> messages = new TreeMap<>();
  private int count;
  private long bytes;
  private int receiversWaiting;
  private Notification notification;
  private int users;
  private boolean isUnlinked;
  private volatile long atime;
  private volatile long mtime;
  private volatile long ctime;

  MqueueInode(Mqueues queues, MqueueSuperblock superblock, long ino, Caller caller, int mode, int maxMessages,
      int maxSize, long cost) {
    super(superblock, ino, S_IFREG | mode & 07777, caller.creds().fsuid(), caller.creds().fsgid());
    this.queues = queues;
    this.chargedUid = caller.creds().uid();
    this.maxMessages = maxMessages;
    this.maxSize = maxSize;
    this.cost = cost;
    this.atime = caller.realtimeNanos();
    this.mtime = atime;
    this.ctime = atime;
  }

  public int maxMessages() {
    return maxMessages;
  }

  /** Most bytes of a message. */
  public int maxSize() {
    return maxSize;
  }

  public WaitQueue waiters() {
    return waiters;
  }

  /** Messages there are. */
  public int count() {
    queueLock.lock();
    try {
      return count;
    } finally {
      queueLock.unlock();
    }
  }

  /** Adds a message; false when the queue is full. */
  public boolean send(Caller sender, byte[] text, int priority) {
    Notification told = null;
    queueLock.lock();
    try {
      if (count >= maxMessages) {
        return false;
      }
      messages.computeIfAbsent(priority, p -> new ArrayDeque<>(4)).add(text);
      count++;
      bytes += text.length;
      if (count == 1 && receiversWaiting == 0) {
        told = notification;
        notification = null;
      }
      mtime = sender.realtimeNanos();
      ctime = mtime;
    } finally {
      queueLock.unlock();
    }
    waiters.notify(EventMask.READABLE);
    if (told != null) {
      told.messageArrived(sender);
    }
    return true;
  }

  /** Takes the oldest message of the highest priority, or null; {@code priority[0]} becomes its priority. */
  public byte[] receive(Caller receiver, int[] priority) {
    byte[] text;
    queueLock.lock();
    try {
      if (count == 0) {
        return null;
      }
      var last = messages.lastEntry();
      text = last.getValue().poll();
      priority[0] = last.getKey();
      if (last.getValue().isEmpty()) {
        messages.remove(last.getKey());
      }
      count--;
      bytes -= text.length;
      atime = receiver.realtimeNanos();
    } finally {
      queueLock.unlock();
    }
    waiters.notify(EventMask.WRITABLE);
    return text;
  }

  /** A receiver begins or ends to wait: a message that it takes is told to nobody else. */
  public void receiverWaits(boolean begins) {
    queueLock.lock();
    try {
      receiversWaiting += begins ? 1 : -1;
    } finally {
      queueLock.unlock();
    }
  }

  /** Registers who is told of the next message; EBUSY when somebody is already. */
  public void register(Notification wanted) throws ErrnoException {
    queueLock.lock();
    try {
      if (notification != null) {
        throw EBUSY.error();
      }
      notification = wanted;
    } finally {
      queueLock.unlock();
    }
  }

  /** Takes the registration of process {@code pid} back, if it has one. */
  public void unregister(int pid) {
    Notification gone = null;
    queueLock.lock();
    try {
      if (notification != null && notification.pid() == pid) {
        gone = notification;
        notification = null;
      }
    } finally {
      queueLock.unlock();
    }
    if (gone != null) {
      gone.removed();
    }
  }

  /** Takes {@code registered} back, if it is still there. */
  void unregister(Notification registered) {
    boolean wasThere;
    queueLock.lock();
    try {
      wasThere = notification == registered;
      if (wasThere) {
        notification = null;
      }
    } finally {
      queueLock.unlock();
    }
    if (wasThere) {
      registered.removed();
    }
  }

  /** What {@code read(2)} shows. */
  String status() {
    queueLock.lock();
    try {
      Notification n = notification;
      return String.format("QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", bytes,
          n == null ? 0 : n.method(), n == null ? 0 : n.signal(), n == null ? 0 : n.pid());
    } finally {
      queueLock.unlock();
    }
  }

  int readiness() {
    queueLock.lock();
    try {
      return (count > 0 ? EventMask.READABLE : 0) | (count < maxMessages ? EventMask.WRITABLE : 0);
    } finally {
      queueLock.unlock();
    }
  }

  // ---- life: it is there as long as it has a name or an open file ----

  /** One more open file. */
  public void opened() {
    queueLock.lock();
    try {
      users++;
    } finally {
      queueLock.unlock();
    }
  }

  void closed() {
    end(-1, false);
  }

  void unlinked() {
    end(0, true);
  }

  private void end(int change, boolean unlink) {
    boolean isOver;
    queueLock.lock();
    try {
      boolean before = isUnlinked && users == 0;
      users += change;
      isUnlinked |= unlink;
      isOver = isUnlinked && users == 0 && !before;
      if (isOver) {
        messages.clear();
        count = 0;
        bytes = 0;
      }
    } finally {
      queueLock.unlock();
    }
    if (isOver) {
      queues.discharge(chargedUid, cost);
    }
  }

  // ---- as an inode ----

  @Override
  public void stat(StatBuf out) {
    statOwned(out);
    out.nlink = isUnlinked ? 0 : 1;
    out.rdev = 0;
    out.size = FILE_SIZE;
    out.blocks = 0;
    out.blockSize = 4096;
    out.atime = atime;
    out.mtime = mtime;
    out.ctime = ctime;
    out.btime = ctime;
  }

  @Override
  public void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    if ((change.valid & SetAttr.SIZE) != 0 && change.size != 0) {
      throw EINVAL.error();
    }
    changeOwned(change);
    ctime = caller.realtimeNanos();
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) {
    opened();
    return new MqueueFile(this);
  }
}
