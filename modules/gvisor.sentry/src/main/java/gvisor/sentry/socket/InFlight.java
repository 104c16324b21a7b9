package gvisor.sentry.socket;

import static gvisor.api.errno.Errno.ETOOMANYREFS;

import gvisor.api.errno.ErrnoException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts the open files a user has in messages that nobody received yet. The bound also bounds what sockets that hold
 * only each other can keep alive. Like Linux {@code user_struct.unix_inflight}. Thread-safe.
 */
public final class InFlight {
  private final AtomicInteger count = new AtomicInteger();

  /** Adds {@code files}; ETOOMANYREFS when there are more than {@code limit} already. */
  public void add(int files, long limit) throws ErrnoException {
    if (count.get() > limit) {
      throw ETOOMANYREFS.error();
    }
    count.addAndGet(files);
  }

  void remove(int files) {
    count.addAndGet(-files);
  }
}
