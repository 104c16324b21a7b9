package gvisor.api.p9;

import static gvisor.api.errno.Errno.EIO;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Many threads' calls over one transport, without a thread of its own: of those that wait for replies one reads, for
 * itself and for the others, and hands the reading over when its own reply is there. So a lone caller pays for one
 * send and one receive, and no wake-up but the server's.
 *
 * <p>A malformed reply, an unknown tag or the peer's end break the connection for good: every call then is EIO.
 */
final class P9Connection implements AutoCloseable {
  private static final int CALLS = 32;

  /** One call under way: its tag, buffers and reply. Owned by the calling thread from {@link #begin} to {@link #end}. */
  final class Call {
    final int tag;
    MessageWriter request;
    MessageReader reply;

    /** The descriptor beside the reply. Whoever takes it sets null here; {@link #end} closes what is left. */
    HostFd fd;

    private MemorySegment requestBuffer;
    private MemorySegment replyBuffer;
    private long replyBytes;
    private volatile Thread waiter;
    private volatile boolean done = true;

    private Call(int tag) {
      this.tag = tag;
    }

    /** Before the first use, since most calls are never used. Published to readers by the volatile write of done. */
    private void allocate() {
      requestBuffer = transport.newBuffer(P9.MAX_MESSAGE);
      replyBuffer = transport.newBuffer(P9.MAX_MESSAGE);
      request = new MessageWriter(requestBuffer);
      reply = new MessageReader(replyBuffer, EIO);
    }
  }

  private final P9Transport transport;
  private final Call[] calls = new Call[CALLS];
  private final Call[] free = new Call[CALLS];
  private final ReentrantLock freeLock = new ReentrantLock();
  private final Condition freed = freeLock.newCondition();
  private int freeCount;
  private int created;
  private int messageSize = P9.MAX_MESSAGE;

  /** Held by the one thread that receives. */
  private final ReentrantLock readerLock = new ReentrantLock();

  private volatile boolean broken;

  P9Connection(P9Transport transport) {
    this.transport = transport;
    for (int tag = 0; tag < CALLS; tag++) {
      calls[tag] = new Call(tag);
    }
  }

  /** What the peers agreed on, before any concurrent use. */
  void messageSize(int bytes) {
    messageSize = bytes;
  }

  boolean isBroken() {
    return broken;
  }

  /** A call of {@code type}, its request begun; waits while too many are under way. {@link #end} must follow. */
  Call begin(int type) throws ErrnoException {
    Call call = obtain();
    call.request.limit(messageSize);
    call.request.begin(type, type == MessageType.T_VERSION ? P9.NO_TAG : call.tag);
    return call;
  }

  /**
   * Sends the request and waits for its reply, which {@code call.reply} then stands at the body of.
   *
   * @throws ErrnoException what the server said; EIO when the connection is broken
   */
  void transact(Call call) throws ErrnoException {
    int type = call.requestBuffer.get(JAVA_BYTE, P9.TYPE_OFFSET) & 0xff;
    long length = call.request.finish();
    call.waiter = Thread.currentThread();
    call.done = false;
    try {
      if (broken) {
        throw EIO.error();
      }
      transport.send(call.requestBuffer, length);
      awaitReply(call);
    } catch (ErrnoException e) {
      breakOff();
      throw EIO.error();
    } finally {
      call.done = true;
      call.waiter = null;
    }
    if (!call.reply.begin(call.replyBytes)) {
      breakOff();
      throw EIO.error();
    }
    int replyType = call.reply.type();
    if (replyType == MessageType.R_LERROR) {
      throw Errno.of(call.reply.u32()).error();
    }
    if (replyType != type + 1) {
      breakOff();
      throw EIO.error();
    }
  }

  /** Gives the call back. A reply that turned out malformed ends the connection. */
  void end(Call call) {
    if (call.reply.isMalformed()) {
      breakOff();
    }
    HostFd left = call.fd;
    call.fd = null;
    if (left != null) {
      left.close();
    }
    freeLock.lock();
    try {
      free[freeCount++] = call;
      freed.signal();
    } finally {
      freeLock.unlock();
    }
  }

  /** The peer broke the protocol, or is gone: wakes everybody, for good. */
  void breakOff() {
    if (broken) {
      return;
    }
    broken = true;
    transport.close();
    for (Call c : calls) {
      Thread waiter = c.waiter;
      if (waiter != null) {
        LockSupport.unpark(waiter);
      }
    }
  }

  @Override
  public void close() {
    breakOff();
  }

  private Call obtain() {
    freeLock.lock();
    try {
      while (freeCount == 0 && created == CALLS) {
        freed.awaitUninterruptibly();
      }
      if (freeCount > 0) {
        return free[--freeCount];
      }
      Call call = calls[created++];
      call.allocate();
      return call;
    } finally {
      freeLock.unlock();
    }
  }

  private void awaitReply(Call own) throws ErrnoException {
    while (!own.done) {
      if (readerLock.tryLock()) {
        try {
          while (!own.done) {
            receive(own);
          }
        } finally {
          readerLock.unlock();
          handOver();
        }
      } else {
        LockSupport.park(this);
        if (broken && !own.done) {
          throw EIO.error();
        }
      }
    }
  }

  /** Receives one message, into the caller's own buffer since that is whose reply it most often is. */
  private void receive(Call own) throws ErrnoException {
    if (broken) {
      throw EIO.error();
    }
    long received = transport.receive(own.replyBuffer);
    if (received == 0 || !own.reply.begin(received)) {
      throw EIO.error();
    }
    int tag = own.reply.tag();
    Call call = tag == P9.NO_TAG ? own : tag < CALLS ? calls[tag] : null;
    if (call == null || call.done) {
      throw EIO.error();
    }
    if (call != own) {
      MemorySegment.copy(own.replyBuffer, 0, call.replyBuffer, 0, received);
    }
    call.replyBytes = received;
    call.fd = transport.takeFd();
    Thread waiter = call.waiter;
    call.done = true;
    if (call != own && waiter != null) {
      LockSupport.unpark(waiter);
    }
  }

  /** Somebody else waits with nobody reading now: that thread tries to become the reader. */
  private void handOver() {
    for (Call c : calls) {
      if (!c.done) {
        Thread waiter = c.waiter;
        if (waiter != null) {
          LockSupport.unpark(waiter);
          return;
        }
      }
    }
  }
}
