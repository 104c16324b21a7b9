package gvisor.sentry.kernel.ipc;

import static gvisor.api.errno.Errno.E2BIG;
import static gvisor.api.errno.Errno.EIDRM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.auth.Credentials;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Iterator;

/** A System V message queue ({@code man 2 msgsnd}). Methods take {@link IpcObject#objectLock} themselves. */
public final class MessageQueue extends IpcObject {
  public static final int MSG_NOERROR = 010000;
  public static final int MSG_EXCEPT = 020000;
  public static final int MSG_COPY = 040000;

  /** A message. */
  public record Item(long type, byte[] text) {}

  /** Told when a message came, and when there is room again; and when the queue is gone. */
  public final WaitQueue receivers = new WaitQueue();
  public final WaitQueue senders = new WaitQueue();

  private final ArrayDeque<Item> items = new ArrayDeque<>();
  private long bytes;
  private long maxBytes;
  private long sendSeconds;
  private long receiveSeconds;
  private int lastSender;
  private int lastReceiver;

  MessageQueue(int key, Credentials creator, int mode, long nowSeconds, long maxBytes) {
    super(key, creator, mode, nowSeconds);
    this.maxBytes = maxBytes;
  }

  /** Appends {@code item}; false when there is no room. EIDRM. */
  public boolean send(Item item, int pid, long nowSeconds) throws ErrnoException {
    objectLock.lock();
    try {
      if (isRemoved()) {
        throw EIDRM.error();
      }
      if (bytes + item.text().length > maxBytes || items.size() + 1 > maxBytes) {
        return false;
      }
      items.add(item);
      bytes += item.text().length;
      lastSender = pid;
      sendSeconds = nowSeconds;
    } finally {
      objectLock.unlock();
    }
    receivers.notify(EventMask.READABLE);
    return true;
  }

  /**
   * Takes the message that {@code type} and {@code flags} ask for, or null when there is none.
   *
   * @throws ErrnoException E2BIG when it is longer than {@code room} and MSG_NOERROR is not given; EIDRM
   */
  public Item receive(long type, int flags, long room, int pid, long nowSeconds) throws ErrnoException {
    Item found;
    objectLock.lock();
    try {
      if (isRemoved()) {
        throw EIDRM.error();
      }
      found = (flags & MSG_COPY) != 0 ? nth(type) : choose(type, flags);
      if (found == null) {
        return null;
      }
      if (found.text().length > room && (flags & MSG_NOERROR) == 0) {
        throw E2BIG.error();
      }
      if ((flags & MSG_COPY) != 0) {
        return found;
      }
      removeIdentical(found);
      bytes -= found.text().length;
      lastReceiver = pid;
      receiveSeconds = nowSeconds;
    } finally {
      objectLock.unlock();
    }
    senders.notify(EventMask.WRITABLE);
    return found;
  }

  private Item nth(long index) {
    long i = 0;
    for (Item item : items) {
      if (i++ == index) {
        return item;
      }
    }
    return null;
  }

  private Item choose(long type, int flags) {
    Item best = null;
    long greatest = type == Long.MIN_VALUE ? Long.MAX_VALUE : -type;
    for (Item item : items) {
      if (type == 0) {
        return item;
      }
      if (type > 0) {
        if (item.type() == type != ((flags & MSG_EXCEPT) != 0)) {
          return item;
        }
      } else if (item.type() <= greatest && (best == null || item.type() < best.type())) {
        best = item;
      }
    }
    return best;
  }

  private void removeIdentical(Item item) {
    for (Iterator<Item> i = items.iterator(); i.hasNext(); ) {
      if (i.next() == item) {
        i.remove();
        return;
      }
    }
  }

  /** Wakes whoever waits; the queue has been removed. Returns the bytes it held. */
  long wakeAll() {
    long held;
    objectLock.lock();
    try {
      held = bytes;
      items.clear();
      bytes = 0;
    } finally {
      objectLock.unlock();
    }
    receivers.notify(EventMask.READABLE);
    senders.notify(EventMask.WRITABLE);
    return held;
  }

  public long maxBytes() {
    return maxBytes;
  }

  /** IPC_SET of {@code msg_qbytes}; the lock is held. */
  public void setMaxBytes(long most) {
    maxBytes = most;
  }

  public long bytes() {
    return bytes;
  }

  public int count() {
    return items.size();
  }

  public int lastSender() {
    return lastSender;
  }

  public int lastReceiver() {
    return lastReceiver;
  }

  public long sendSeconds() {
    return sendSeconds;
  }

  public long receiveSeconds() {
    return receiveSeconds;
  }

  /** Writes {@code struct msqid_ds}, 120 bytes; the lock is held. */
  public void stat(MemorySegment out) {
    out.asSlice(0, 120).fill((byte) 0);
    putPerm(out);
    out.set(ValueLayout.JAVA_LONG_UNALIGNED, 48, sendSeconds);
    out.set(ValueLayout.JAVA_LONG_UNALIGNED, 56, receiveSeconds);
    out.set(ValueLayout.JAVA_LONG_UNALIGNED, 64, changeSeconds);
    out.set(ValueLayout.JAVA_LONG_UNALIGNED, 72, bytes);
    out.set(ValueLayout.JAVA_LONG_UNALIGNED, 80, items.size());
    out.set(ValueLayout.JAVA_LONG_UNALIGNED, 88, maxBytes);
    out.set(ValueLayout.JAVA_INT_UNALIGNED, 96, lastSender);
    out.set(ValueLayout.JAVA_INT_UNALIGNED, 100, lastReceiver);
  }
}
