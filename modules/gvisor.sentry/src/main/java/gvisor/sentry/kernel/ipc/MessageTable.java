package gvisor.sentry.kernel.ipc;

import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Credentials;
import java.util.concurrent.atomic.AtomicLong;

/** The System V message queues of an IPC namespace. Thread-safe. */
public final class MessageTable extends IpcTable<MessageQueue> {
  /** {@code /proc/sys/kernel/msgmax}, {@code msgmnb} and {@code msgmni}. */
  public static final int MSGMAX = 8192;
  public static final int MSGMNB = 16384;
  public static final int MSGMNI = 32000;

  /** Bytes all messages may take together, with what the kernel keeps for each. */
  private static final long TOTAL_BYTES = 64L << 20;
  private static final int OVERHEAD = 64;

  private final AtomicLong held = new AtomicLong();

  public MessageTable() {
    super(MSGMNI);
  }

  /** {@code msgget(2)}. */
  public MessageQueue get(Credentials creds, int key, int flags, long nowSeconds) throws ErrnoException {
    return get(key, flags, () -> new MessageQueue(key, creds, flags, nowSeconds, MSGMNB),
        found -> found.require(creds, flags & 0777));
  }

  /** Makes room for a message of {@code length} bytes; ENOMEM when the namespace has too many. */
  public void reserve(int length) throws ErrnoException {
    if (held.addAndGet(length + OVERHEAD) > TOTAL_BYTES) {
      held.addAndGet(-length - OVERHEAD);
      throw ENOMEM.error();
    }
  }

  /** A message of {@code length} bytes is gone. */
  public void release(int length) {
    held.addAndGet(-length - OVERHEAD);
  }

  /** IPC_RMID. */
  public void remove(MessageQueue queue) {
    if (forget(queue)) {
      int messages = queue.count();
      held.addAndGet(-queue.wakeAll() - (long) messages * OVERHEAD);
    }
  }
}
