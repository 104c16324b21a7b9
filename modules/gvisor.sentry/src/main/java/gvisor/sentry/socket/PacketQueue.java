package gvisor.sentry.socket;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ENOBUFS;
import static gvisor.sentry.vfs.FileOps.WOULD_BLOCK;

import gvisor.api.abi.SocketAbi;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Messages on their way to one socket, each with its source address and what came beside it. Nothing is allocated for a
 * message once the queue has grown. Thread-safe; its lock ranks as {@link StreamBuffer}'s.
 */
public final class PacketQueue implements Conduit {
  /** What a message costs beside its bytes, so that empty messages fill a queue too. */
  private static final int OVERHEAD = 512;

  private static final int FIRST_SLOTS = 8;

  /** Result of a write whose reader is gone or shut: the number of ECONNREFUSED, negated. */
  public static final long GONE = -111;

  private final ReentrantLock bufferLock = new ReentrantLock();
  private final RingBytes ring;
  private final WaitQueue readers;
  private final WaitQueue writers;

  private int[] lengths = new int[FIRST_SLOTS];
  private Object[] sources = new Object[FIRST_SLOTS];
  private Control[] controls = new Control[FIRST_SLOTS];
  private long[] stamps = new long[FIRST_SLOTS];
  private long[] details = new long[FIRST_SLOTS];
  private int first;
  private volatile int count;
  private volatile int used;
  private volatile boolean finished;
  private volatile boolean abandoned;

  /** Where one read leaves what it found beside the bytes. Owned by the reading thread. */
  public static final class Received {
    /** Bytes of the whole message. */
    public int length;
    /** The address object the writer gave. */
    public Object source;
    /** Nanoseconds since the epoch, 0 when the writer gave none. */
    public long stampNanos;
    /** What the writer gave. */
    public long detail;
  }

  /** @param writers told when a message has been taken out */
  public PacketQueue(BufferBudget budget, WaitQueue readers, WaitQueue writers) {
    this.ring = new RingBytes(budget);
    this.readers = readers;
    this.writers = writers;
  }

  /** Bytes in the first message, 0 without any. */
  public int firstLength() {
    bufferLock.lock();
    try {
      return count == 0 ? 0 : lengths[first];
    } finally {
      bufferLock.unlock();
    }
  }

  /** Bytes of all messages. */
  public int usedBytes() {
    return used - count * OVERHEAD;
  }

  @Override
  public boolean isEmpty() {
    return count == 0;
  }

  @Override
  public boolean isFinished() {
    return finished;
  }

  @Override
  public boolean isAbandoned() {
    return abandoned;
  }

  public boolean isReadable() {
    return count > 0 || finished;
  }

  /** Whether a waiting writer whose quota is {@code limitBytes} is told to go on. */
  public boolean isWritable(int limitBytes) {
    return (long) used * 4 <= limitBytes;
  }

  /** Messages held. */
  public int count() {
    return count;
  }

  /**
   * Appends one message: the rest of {@code src}, all or nothing.
   *
   * @param limitBytes most bytes held then, with some overhead a message; one message may always be held
   * @param maxCount most messages held then
   * @return its length, WOULD_BLOCK when there is no room, or {@link #GONE}
   * @throws ErrnoException EMSGSIZE when it could never fit, EFAULT, ENOBUFS when the sandbox's buffers are used up
   */
  public long write(IoBuffer src, Object source, Control control, long stampNanos, long detail, int limitBytes,
      int maxCount) throws ErrnoException {
    long length = src.remaining();
    int n;
    bufferLock.lock();
    try {
      if (abandoned) {
        return GONE;
      }
      if (length > limitBytes) {
        throw EMSGSIZE.error();
      }
      n = (int) length;
      if (!hasRoom(n, limitBytes, maxCount)) {
        return WOULD_BLOCK;
      }
      if (ring.ensure(n) < n) {
        throw ENOBUFS.error();
      }
      int got = n == 0 ? 0 : ring.append(src, n);
      if (got < n) {
        ring.unappend(got);
        throw EFAULT.error();
      }
      enqueue(n, source, control, stampNanos, detail);
    } finally {
      bufferLock.unlock();
    }
    readers.notify(EventMask.READABLE);
    return n;
  }

  /** Appends a message of the kernel's own; false when there is no room. */
  public boolean offer(MemorySegment src, int length, Object source, long stampNanos, long detail, int limitBytes) {
    bufferLock.lock();
    try {
      if (abandoned || !hasRoom(length, limitBytes, Integer.MAX_VALUE) || ring.ensure(length) < length) {
        return false;
      }
      ring.append(src, 0, length);
      enqueue(length, source, null, stampNanos, detail);
    } finally {
      bufferLock.unlock();
    }
    readers.notify(EventMask.READABLE);
    return true;
  }

  private boolean hasRoom(int length, int limitBytes, int maxCount) {
    return count < maxCount && (count == 0 || (long) used + OVERHEAD + length <= limitBytes);
  }

  private void enqueue(int length, Object source, Control control, long stampNanos, long detail) {
    if (count == lengths.length) {
      growSlots();
    }
    int slot = first + count & lengths.length - 1;
    lengths[slot] = length;
    sources[slot] = source;
    controls[slot] = control;
    stamps[slot] = stampNanos;
    details[slot] = detail;
    count = count + 1;
    used = used + OVERHEAD + length;
  }

  private void growSlots() {
    int old = lengths.length;
    int[] newLengths = new int[old * 2];
    Object[] newSources = new Object[old * 2];
    Control[] newControls = new Control[old * 2];
    long[] newStamps = new long[old * 2];
    long[] newDetails = new long[old * 2];
    for (int i = 0; i < old; i++) {
      int slot = first + i & old - 1;
      newLengths[i] = lengths[slot];
      newSources[i] = sources[slot];
      newControls[i] = controls[slot];
      newStamps[i] = stamps[slot];
      newDetails[i] = details[slot];
    }
    lengths = newLengths;
    sources = newSources;
    controls = newControls;
    stamps = newStamps;
    details = newDetails;
    first = 0;
  }

  /**
   * Reads the first message: what fits of it; the rest is lost and MSG_TRUNC set in {@code message.flags}.
   *
   * @param message null when all but the bytes is dropped ({@code read(2)})
   * @return bytes copied; 0 at the end; WOULD_BLOCK when there is no message
   */
  public long read(IoBuffer dst, Message message, Received received, boolean peek) throws ErrnoException {
    FileDescription[] dropped = null;
    int copied;
    bufferLock.lock();
    try {
      if (count == 0) {
        received.length = 0;
        received.source = null;
        return finished ? 0 : WOULD_BLOCK;
      }
      int length = lengths[first];
      int n = (int) Math.min(length, dst.remaining());
      copied = n == 0 ? 0 : ring.copyOut(ring.start(), dst, n);
      if (copied < n) {
        throw EFAULT.error();
      }
      received.length = length;
      received.source = sources[first];
      received.stampNanos = stamps[first];
      received.detail = details[first];
      Control control = controls[first];
      if (message != null) {
        message.isComplete = true;
        if (n < length) {
          message.flags |= SocketAbi.MSG_TRUNC;
        }
        message.creds = control == null ? SocketCreds.NOBODY : control.creds();
        if (control != null) {
          message.files = peek ? control.peekFiles() : control.takeFiles();
        }
      } else if (control != null && !peek) {
        dropped = control.takeFiles();
      }
      if (!peek) {
        removeFirst();
      }
    } finally {
      bufferLock.unlock();
    }
    if (!peek) {
      writers.notify(EventMask.WRITABLE);
    }
    if (dropped != null) {
      for (FileDescription f : dropped) {
        f.close();
      }
    }
    return copied;
  }

  private void removeFirst() {
    int length = lengths[first];
    sources[first] = null;
    controls[first] = null;
    first = first + 1 & lengths.length - 1;
    count = count - 1;
    used = used - OVERHEAD - length;
    ring.drop(length);
  }

  @Override
  public void finish() {
    bufferLock.lock();
    try {
      finished = true;
    } finally {
      bufferLock.unlock();
    }
    readers.notify(EventMask.READABLE | EventMask.EPOLLRDHUP);
    writers.notify(EventMask.WRITABLE);
  }

  @Override
  public void refuse() {
    abandoned = true;
    writers.notify(EventMask.WRITABLE);
  }

  @Override
  public boolean abandon() {
    boolean unread;
    Control[] dropped;
    bufferLock.lock();
    try {
      abandoned = true;
      unread = count > 0;
      dropped = controls;
      controls = new Control[FIRST_SLOTS];
      lengths = new int[FIRST_SLOTS];
      sources = new Object[FIRST_SLOTS];
      stamps = new long[FIRST_SLOTS];
      details = new long[FIRST_SLOTS];
      first = 0;
      count = 0;
      used = 0;
      ring.free();
    } finally {
      bufferLock.unlock();
    }
    for (Control c : dropped) {
      if (c != null) {
        c.drop();
      }
    }
    Arrays.fill(dropped, null);
    writers.notify(EventMask.WRITABLE);
    return unread;
  }
}
