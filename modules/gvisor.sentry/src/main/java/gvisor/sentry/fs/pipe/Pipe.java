package gvisor.sentry.fs.pipe;

import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENXIO;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.EPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceRegistry;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Vfs;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What stands between the two ends of a pipe or fifo ({@code man 7 pipe}): a ring of bytes that grows when it is
 * used.
 */
public final class Pipe implements AnonFile.Reopenable {
  /** Writes of up to this many bytes are atomic. */
  public static final int PIPE_BUF = 4096;

  private static final int DEFAULT_CAPACITY = 65536;

  /** {@code /proc/sys/fs/pipe-max-size}. */
  private static final int MAX_CAPACITY = 1 << 20;

  private static final int LARGEST_CAPACITY = 1 << 30;

  /**
   * What the rings of all pipes may hold, in bytes, before a ring that is no larger than PIPE_BUF stays so: a program may
   * have many pipes, and their memory is the kernel's. Like Linux {@code pipe-user-pages-soft}.
   */
  private static final long BUDGET = 64 << 20;
  private static final long WOULD_BLOCK = FileOps.WOULD_BLOCK;
  private static final MemorySegment EMPTY = MemorySegment.ofArray(new byte[0]);

  /** No count of opens is this. */
  private static final int NEVER = -1;

  private final ReentrantLock pipeLock = new ReentrantLock();
  private final WaitQueue queue = new WaitQueue();
  private final AtomicLong budget;

  // Guarded by pipeLock; volatile where readiness looks without it.
  private MemorySegment ring = EMPTY;
  private volatile int ringSize;
  private int head;
  private volatile int count;
  private volatile int capacity = DEFAULT_CAPACITY;
  private volatile int readers;
  private volatile int writers;
  private volatile int readerOpens;
  private volatile int writerOpens;

  /** Lengths of what was written, in order, once O_DIRECT was used: a packet, or negated a run of plain bytes. */
  private ArrayDeque<Integer> packets;

  /** @param budget bytes in the rings of all pipes */
  private Pipe(AtomicLong budget) {
    this.budget = budget;
  }

  /** The pipe behind an open file, or null. */
  public static Pipe of(FileDescription file) {
    return file.ops() instanceof PipeEnd end ? end.pipe() : null;
  }

  /**
   * A pipe: its read end and its write end.
   *
   * @param flags O_NONBLOCK and O_DIRECT
   */
  public static FileDescription[] open(Caller caller, Vfs vfs, int flags) {
    Pipe pipe = new Pipe(vfs.pipeBytes());
    Inode inode = AnonFile.inode(caller, vfs, Inode.S_IFIFO | 0600);
    // Opened again through /proc/self/fd, it is this pipe.
    inode.attach(null, pipe);
    String name = "pipe:[" + inode.ino() + "]";
    int kept = flags & (OpenFlags.O_NONBLOCK | OpenFlags.O_DIRECT);
    FileOps readEnd = pipe.newEnd(OpenFlags.O_RDONLY, true);
    FileOps writeEnd = pipe.newEnd(OpenFlags.O_WRONLY, true);
    return new FileDescription[] {
      AnonFile.openInode(vfs, readEnd, inode, name, kept & ~OpenFlags.O_DIRECT | OpenFlags.O_RDONLY),
      AnonFile.openInode(vfs, writeEnd, inode, name, kept | OpenFlags.O_WRONLY)
    };
  }

  /** Opens fifos, as {@link DeviceRegistry#registerFifo} wants it: the pipe hangs on the inode. */
  public static DeviceRegistry.Opener fifos() {
    return (caller, path, rdev, flags) -> {
      Inode inode = path.dentry().inode();
      Object attached = inode.attachment();
      if (attached == null) {
        attached = inode.attach(null, new Pipe(path.mount().vfs().pipeBytes()));
      }
      return ((Pipe) attached).openFifo(flags);
    };
  }

  /** One more end of a pipe that is not a fifo: nobody waits for the other end, which may have come and gone. */
  @Override
  public FileOps reopen(int flags) {
    return newEnd(flags, true);
  }

  private FileOps openFifo(int flags) throws ErrnoException {
    pipeLock.lock();
    try {
      boolean writesOnly = (flags & OpenFlags.O_ACCMODE) == OpenFlags.O_WRONLY;
      if (writesOnly && (flags & OpenFlags.O_NONBLOCK) != 0 && readers == 0) {
        throw ENXIO.error();
      }
      return newEnd(flags, false);
    } finally {
      pipeLock.unlock();
      queue.notify(EventMask.READABLE | EventMask.WRITABLE);
    }
  }

  /** @param connected the other end has been there: it is not waited for, and its absence is the end of the file */
  private PipeEnd newEnd(int flags, boolean connected) {
    int access = flags & OpenFlags.O_ACCMODE;
    boolean reads = access != OpenFlags.O_WRONLY;
    boolean writes = access != OpenFlags.O_RDONLY;
    pipeLock.lock();
    try {
      PipeEnd end = connected
          ? new PipeEnd(this, reads, writes, NEVER, NEVER)
          : new PipeEnd(this, reads, writes, readerOpens, writerOpens);
      if (reads) {
        readers = readers + 1;
        readerOpens = readerOpens + 1;
      }
      if (writes) {
        writers = writers + 1;
        writerOpens = writerOpens + 1;
      }
      return end;
    } finally {
      pipeLock.unlock();
    }
  }

  void closeEnd(boolean reads, boolean writes) {
    pipeLock.lock();
    try {
      readers = reads ? readers - 1 : readers;
      writers = writes ? writers - 1 : writers;
      if (readers == 0 && writers == 0) {
        count = 0;
        packets = null;
        setRing(EMPTY);
      }
    } finally {
      pipeLock.unlock();
    }
    queue.notify(EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLHUP | EventMask.EPOLLERR);
  }

  WaitQueue queue() {
    return queue;
  }

  int readers() {
    return readers;
  }

  int writers() {
    return writers;
  }

  int readerOpens() {
    return readerOpens;
  }

  int writerOpens() {
    return writerOpens;
  }

  /** Bytes that can be read. */
  public int available() {
    return count;
  }

  boolean isWritable() {
    return room() >= PIPE_BUF;
  }

  /** Bytes that can be written now: what the capacity leaves, or what the ring has when there is no memory for more. */
  private int room() {
    int limit = capacity;
    if (budget.get() >= BUDGET) {
      limit = Math.min(limit, Math.max(ringSize, PIPE_BUF));
    }
    return limit - count;
  }

  private void setRing(MemorySegment fresh) {
    budget.addAndGet(fresh.byteSize() - ring.byteSize());
    ring = fresh;
    ringSize = (int) fresh.byteSize();
  }

  /** Reads up to what {@code dst} takes: 0 at the end, or {@link FileOps#WOULD_BLOCK}. */
  public long read(IoBuffer dst) throws ErrnoException {
    if (dst.remaining() == 0) {
      return 0;
    }
    long n;
    boolean freed;
    pipeLock.lock();
    try {
      if (count == 0) {
        return writers == 0 ? 0 : WOULD_BLOCK;
      }
      int before = room();
      int most = packets == null ? count : Math.abs(packets.peekFirst());
      n = copyOut(dst, 0, (int) Math.min(most, dst.remaining()));
      consume((int) n);
      freed = before < PIPE_BUF;
    } finally {
      pipeLock.unlock();
    }
    if (freed) {
      queue.notify(EventMask.WRITABLE);
    }
    return n;
  }

  /** Takes {@code n} bytes that were read away; of a packet, all of it. */
  private void consume(int n) {
    int taken = n;
    if (packets != null) {
      int first = packets.pollFirst();
      if (first > 0) {
        taken = first;
      } else if (-first > n) {
        packets.addFirst(first + n);
      }
      if (packets.isEmpty()) {
        packets = null;
      }
    }
    head += taken;
    if (head >= ring.byteSize()) {
      head -= (int) ring.byteSize();
    }
    count = count - taken;
    if (count == 0) {
      head = 0;
      if (ringSize > PIPE_BUF && budget.get() >= BUDGET) {
        setRing(EMPTY);
      }
    }
  }

  /** Copies bytes without taking them ({@code tee(2)}); otherwise as {@link #read}. */
  public long peek(IoBuffer dst) throws ErrnoException {
    pipeLock.lock();
    try {
      if (count == 0) {
        return writers == 0 ? 0 : WOULD_BLOCK;
      }
      return copyOut(dst, 0, (int) Math.min(count, dst.remaining()));
    } finally {
      pipeLock.unlock();
    }
  }

  private long copyOut(IoBuffer dst, int skip, int length) throws ErrnoException {
    int size = (int) ring.byteSize();
    int from = (head + skip) % size;
    int first = Math.min(length, size - from);
    long n = dst.put(ring, from, first);
    if (n == first && length > first) {
      try {
        n += dst.put(ring, 0, length - first);
      } catch (ErrnoException e) {
        // The first part was delivered.
      }
    }
    return n;
  }

  /**
   * Writes from {@code src}: all of it if it is at most PIPE_BUF bytes, else as much as there is room for.
   *
   * @param packet whether the write is one packet, of at most PIPE_BUF bytes (O_DIRECT)
   * @return bytes, or {@link FileOps#WOULD_BLOCK}
   * @throws ErrnoException EPIPE when nobody reads; the caller sends SIGPIPE
   */
  public long write(IoBuffer src, boolean packet) throws ErrnoException {
    long want = src.remaining();
    if (want == 0) {
      return 0;
    }
    long n;
    pipeLock.lock();
    try {
      if (readers == 0) {
        throw EPIPE.error();
      }
      int room = room();
      if (packet) {
        want = Math.min(want, PIPE_BUF);
      }
      if (room == 0 || want <= PIPE_BUF && room < want) {
        return WOULD_BLOCK;
      }
      int length = (int) Math.min(want, room);
      ensureRing(count + length);
      n = copyIn(src, length);
      if (packet || packets != null) {
        record((int) n, packet);
      }
      count = count + (int) n;
    } finally {
      pipeLock.unlock();
    }
    queue.notify(EventMask.READABLE);
    return n;
  }

  private long copyIn(IoBuffer src, int length) throws ErrnoException {
    int size = (int) ring.byteSize();
    int at = (head + count) % size;
    int first = Math.min(length, size - at);
    long n = src.get(ring, at, first);
    if (n == first && length > first) {
      try {
        n += src.get(ring, 0, length - first);
      } catch (ErrnoException e) {
        // The first part was taken.
      }
    }
    return n;
  }

  private void record(int length, boolean packet) {
    if (packets == null) {
      packets = new ArrayDeque<>();
      if (count > 0) {
        packets.add(-count);
      }
    }
    if (packet) {
      packets.add(length);
    } else if (!packets.isEmpty() && packets.peekLast() < 0) {
      packets.add(packets.pollLast() - length);
    } else {
      packets.add(-length);
    }
  }

  private void ensureRing(int needed) {
    int size = (int) ring.byteSize();
    if (needed <= size) {
      return;
    }
    int grown = Math.max(PIPE_BUF, size);
    while (grown < needed) {
      grown *= 2;
    }
    resizeRing(Math.min(grown, capacity));
  }

  private void resizeRing(int size) {
    MemorySegment fresh = MemorySegment.ofArray(new byte[size]);
    int old = (int) ring.byteSize();
    int first = Math.min(count, old - head);
    MemorySegment.copy(ring, head, fresh, 0, first);
    MemorySegment.copy(ring, 0, fresh, first, count - first);
    setRing(fresh);
    head = 0;
  }

  /** Bytes it can hold. */
  public int capacity() {
    return capacity;
  }

  /** F_SETPIPE_SZ: the new capacity. EINVAL, EPERM above the limit without CAP_SYS_RESOURCE, EBUSY when too full. */
  public int resize(Credentials creds, int bytes) throws ErrnoException {
    if (bytes < 0 || bytes > LARGEST_CAPACITY) {
      throw EINVAL.error();
    }
    int size = PIPE_BUF;
    while (size < bytes) {
      size *= 2;
    }
    pipeLock.lock();
    try {
      if (size > capacity && size > MAX_CAPACITY && !creds.has(Capability.CAP_SYS_RESOURCE)) {
        throw EPERM.error();
      }
      if (size < count) {
        throw EBUSY.error();
      }
      if (ring.byteSize() > size) {
        resizeRing(size);
      }
      capacity = size;
    } finally {
      pipeLock.unlock();
    }
    queue.notify(EventMask.WRITABLE);
    return size;
  }
}
