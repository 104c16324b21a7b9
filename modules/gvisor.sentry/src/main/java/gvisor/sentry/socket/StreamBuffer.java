package gvisor.sentry.socket;

import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOBUFS;
import static gvisor.api.errno.Errno.EPIPE;
import static gvisor.sentry.vfs.FileOps.WOULD_BLOCK;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One direction of a connected byte stream: what one end wrote and the other has not read. Holds control messages at
 * the bytes they came with, and one urgent byte. Thread-safe; its lock ranks below the sockets' and above the
 * memory manager's.
 */
public final class StreamBuffer implements Conduit {
  private static final int EVENT_END = EventMask.READABLE | EventMask.EPOLLRDHUP;

  /** Bytes {@code [start, end)} that were sent with {@code control}. */
  private static final class Segment {
    final long start;
    long end;
    final Control control;

    Segment(long start, long end, Control control) {
      this.start = start;
      this.end = end;
      this.control = control;
    }
  }

  private final ReentrantLock bufferLock = new ReentrantLock();
  private final RingBytes ring;
  private final WaitQueue readers;
  private final WaitQueue writers;
  private final int writableShare;
  private ArrayDeque<Segment> segments;
  private volatile int limit;
  private volatile int used;

  /** The writer shut down: end of stream behind what is held. */
  private volatile boolean finished;

  /** The reader will never read again. */
  private volatile boolean abandoned;

  /** Position of the urgent byte, or -1; whether it has been read. */
  private long urgentAt = -1;

  private boolean urgentRead;

  /**
   * @param readers told when bytes or the end come
   * @param writers told when there is room again
   * @param limitBytes most bytes held
   * @param writableShare it is writable when at most the limit divided by this is in use
   */
  public StreamBuffer(
      BufferBudget budget, WaitQueue readers, WaitQueue writers, int limitBytes, int writableShare) {
    this.ring = new RingBytes(budget);
    this.readers = readers;
    this.writers = writers;
    this.limit = limitBytes;
    this.writableShare = writableShare;
  }

  /** Most bytes held from now on; what is there stays. */
  public void setLimit(int limitBytes) {
    limit = limitBytes;
    if (isWritable()) {
      writers.notify(EventMask.WRITABLE);
    }
  }

  /** Bytes that can be read. */
  public int used() {
    return used;
  }

  @Override
  public boolean isEmpty() {
    return used == 0;
  }

  @Override
  public boolean isFinished() {
    return finished;
  }

  @Override
  public boolean isAbandoned() {
    return abandoned;
  }

  /** Whether a read has something to return: bytes or the end. */
  public boolean isReadable() {
    return used > 0 || finished;
  }

  /** Whether a waiting writer is told to go on; a write may succeed long before. */
  public boolean isWritable() {
    return (long) used * writableShare <= limit;
  }

  /**
   * Appends what fits.
   *
   * @param control goes with the first byte, if anything is written; may be null
   * @param urgent the last byte of {@code src} is urgent, if it fits
   * @return bytes written, or WOULD_BLOCK when it is full
   * @throws ErrnoException EPIPE when either end is shut; EFAULT; ENOBUFS when the sandbox's buffers are used up
   */
  public long write(IoBuffer src, Control control, boolean urgent) throws ErrnoException {
    int n;
    boolean isMarked;
    bufferLock.lock();
    try {
      if (finished || abandoned) {
        throw EPIPE.error();
      }
      int room = (int) Math.min(src.remaining(), (long) limit - ring.used());
      if (room <= 0) {
        return src.remaining() == 0 ? 0 : WOULD_BLOCK;
      }
      room = Math.min(room, ring.ensure(room));
      if (room <= 0) {
        if (ring.used() == 0) {
          throw ENOBUFS.error();
        }
        return WOULD_BLOCK;
      }
      long start = ring.end();
      n = ring.append(src, room);
      if (control != null && n > 0) {
        mark(start, ring.end(), control);
      }
      isMarked = urgent && n > 0 && src.remaining() == 0;
      if (isMarked) {
        urgentAt = ring.end() - 1;
        urgentRead = false;
      }
      used = ring.used();
    } finally {
      bufferLock.unlock();
    }
    readers.notify(isMarked ? EventMask.READABLE | EventMask.EPOLLPRI : EventMask.READABLE);
    return n;
  }

  private void mark(long start, long end, Control control) {
    if (segments == null) {
      segments = new ArrayDeque<>(4);
    }
    Segment last = segments.peekLast();
    if (last != null && last.end == start && !control.hasFiles() && !last.control.hasFiles()
        && last.control.creds().equals(control.creds())) {
      last.end = end;
    } else {
      segments.addLast(new Segment(start, end, control));
    }
  }

  /**
   * Reads bytes into {@code dst}, with what came beside them into {@code message}.
   *
   * @param message null when control messages are dropped ({@code read(2)})
   * @param peek leave everything where it is
   * @param wantsCreds the reader asked for credentials: bytes of different senders are not put together
   * @param oobInline the urgent byte is part of the stream
   * @return bytes read; 0 at the end of the stream; WOULD_BLOCK when there is nothing
   */
  public long read(IoBuffer dst, Message message, boolean peek, boolean wantsCreds, boolean oobInline)
      throws ErrnoException {
    int total = 0;
    boolean makesRoom;
    FileDescription[] dropped = null;
    bufferLock.lock();
    try {
      if (ring.used() == 0) {
        return finished ? 0 : WOULD_BLOCK;
      }
      boolean wasFull = !isWritable();
      long position = ring.start();
      SocketCreds creds = null;
      while (position < ring.end() && dst.remaining() > 0) {
        if (position == urgentAt && total > 0) {
          break; // a read stops at the mark
        }
        if (position == urgentAt && !oobInline) {
          position++;
          if (!peek) {
            consume(1);
            urgentAt = -1;
          }
          continue;
        }
        long stop = ring.end();
        if (urgentAt > position) {
          stop = urgentAt;
        }
        Segment segment = segmentAt(position);
        boolean inside = segment != null && segment.start <= position;
        if (segment != null) {
          stop = Math.min(stop, inside ? segment.end : segment.start);
        }
        if (wantsCreds) {
          SocketCreds now = inside ? segment.control.creds() : SocketCreds.NOBODY;
          if (creds != null && !creds.equals(now)) {
            break;
          }
          creds = now;
        }
        int n = (int) Math.min(dst.remaining(), stop - position);
        int copied;
        try {
          copied = ring.copyOut(position, dst, n);
        } catch (ErrnoException e) {
          if (total > 0) {
            break;
          }
          throw e;
        }
        boolean hasFiles = inside && segment.control.hasFiles();
        if (hasFiles && message != null) {
          message.files = peek ? segment.control.peekFiles() : segment.control.takeFiles();
        } else if (hasFiles && !peek) {
          dropped = segment.control.takeFiles();
        }
        total += copied;
        position += copied;
        if (!peek) {
          if (urgentAt >= ring.start() && urgentAt < position) {
            urgentAt = -1;
          }
          consume(copied);
          if (inside && segment.end <= position) {
            segments.pollFirst();
          }
        }
        if (hasFiles) {
          // What came with files ends a read, so that the reader knows which bytes they belong to.
          if (message != null) {
            message.isComplete = true;
          }
          break;
        }
        if (copied < n) {
          break;
        }
      }
      if (message != null && wantsCreds) {
        message.creds = creds;
      }
      used = ring.used();
      if (total == 0 && dst.remaining() > 0) {
        return finished ? 0 : WOULD_BLOCK;
      }
      makesRoom = !peek && wasFull && isWritable();
    } finally {
      bufferLock.unlock();
    }
    if (dropped != null) {
      for (FileDescription f : dropped) {
        f.close();
      }
    }
    if (makesRoom) {
      writers.notify(EventMask.WRITABLE);
    }
    return total;
  }

  /** Throws up to {@code length} bytes away unread; how many, 0 at the end, or WOULD_BLOCK. */
  public long discard(long length) {
    int n;
    boolean makesRoom;
    bufferLock.lock();
    try {
      n = (int) Math.min(length, ring.used());
      if (n == 0) {
        return finished || length == 0 ? 0 : WOULD_BLOCK;
      }
      boolean wasFull = !isWritable();
      consume(n);
      used = ring.used();
      makesRoom = wasFull && isWritable();
    } finally {
      bufferLock.unlock();
    }
    if (makesRoom) {
      writers.notify(EventMask.WRITABLE);
    }
    return n;
  }

  private void consume(int n) {
    ring.drop(n);
    used = ring.used();
  }

  /** The first segment that ends behind {@code position}. */
  private Segment segmentAt(long position) {
    if (segments == null || segments.isEmpty()) {
      return null;
    }
    Segment first = segments.peekFirst();
    if (first.end > position) {
      return first;
    }
    for (Segment s : segments) {
      if (s.end > position) {
        return s;
      }
    }
    return null;
  }

  // ---- urgent data: man 7 tcp, "Sockets API" ----

  /** Whether there is an urgent byte nobody has read, or urgent data is announced. */
  public boolean hasUrgent() {
    bufferLock.lock();
    try {
      return urgentAt >= ring.start() && !urgentRead;
    } finally {
      bufferLock.unlock();
    }
  }

  /**
   * Receives the urgent byte (MSG_OOB).
   *
   * @param message told that it is; may be null
   * @param oobInline the byte is part of the stream, so that there is none to receive
   * @return 1, or 0 when {@code dst} has no room
   * @throws ErrnoException EINVAL when there is none, or none any more
   */
  public long readUrgent(Message message, IoBuffer dst, boolean peek, boolean oobInline) throws ErrnoException {
    byte urgent;
    bufferLock.lock();
    try {
      if (oobInline || urgentAt < ring.start() || urgentRead) {
        throw EINVAL.error();
      }
      urgentRead = !peek;
      urgent = ring.byteAt(urgentAt);
    } finally {
      bufferLock.unlock();
    }
    if (message != null) {
      message.flags |= MSG_OOB;
      message.isComplete = true;
    }
    if (dst.remaining() == 0) {
      return 0;
    }
    dst.put(MemorySegment.ofArray(new byte[] {urgent}), 0, 1);
    return 1;
  }

  /** Whether the next byte to read is the urgent one. */
  public boolean isAtMark() {
    bufferLock.lock();
    try {
      return urgentAt >= 0 && urgentAt == ring.start();
    } finally {
      bufferLock.unlock();
    }
  }

  // ---- ends ----

  @Override
  public void finish() {
    bufferLock.lock();
    try {
      finished = true;
    } finally {
      bufferLock.unlock();
    }
    readers.notify(EVENT_END);
    writers.notify(EventMask.WRITABLE);
  }

  @Override
  public boolean abandon() {
    boolean unread;
    ArrayDeque<Segment> dropped;
    bufferLock.lock();
    try {
      abandoned = true;
      unread = ring.used() > 0;
      ring.free();
      used = 0;
      dropped = segments;
      segments = null;
    } finally {
      bufferLock.unlock();
    }
    if (dropped != null) {
      for (Segment s : dropped) {
        s.control.drop();
      }
    }
    writers.notify(EventMask.WRITABLE);
    return unread;
  }

  @Override
  public void refuse() {
    bufferLock.lock();
    try {
      abandoned = true;
    } finally {
      bufferLock.unlock();
    }
    writers.notify(EventMask.WRITABLE);
  }
}
