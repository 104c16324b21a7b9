package gvisor.sentry.aio;

import static gvisor.api.errno.Errno.EAGAIN;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.fs.anon.EventFd;
import gvisor.sentry.vfs.FileDescription;
import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Where the results of asynchronous operations wait: like Linux {@code struct kioctx}. Thread-safe; its lock is a leaf
 * that events of files may take.
 */
public final class AioContext {
  /**
   * The end of an operation: {@code struct io_event}.
   *
   * @param data what the application gave the operation
   * @param control address of its {@code struct iocb}
   * @param result bytes, a mask of events, or a negative error number
   */
  public record Event(long data, long control, long result) {}

  private final int capacity;
  private final WaitQueue queue = new WaitQueue();
  private final ConcurrentHashMap<Long, Poll> polls = new ConcurrentHashMap<>();

  // Guarded by this.
  private final ArrayDeque<Event> events = new ArrayDeque<>();
  private int outstanding;
  private boolean closed;

  AioContext(int capacity) {
    this.capacity = capacity;
  }

  int capacity() {
    return capacity;
  }

  /** Told with EPOLLIN when an operation ends. */
  public WaitQueue queue() {
    return queue;
  }

  /** Makes room for the result of one more operation; EAGAIN. */
  public synchronized void reserve() throws ErrnoException {
    if (outstanding == capacity || closed) {
      throw EAGAIN.error();
    }
    outstanding++;
  }

  /** The operation that room was made for never began. */
  public synchronized void unreserve() {
    outstanding--;
  }

  /** An operation is over. */
  public void complete(Event event, EventFd notified) {
    synchronized (this) {
      if (closed) {
        return;
      }
      events.add(event);
    }
    if (notified != null) {
      notified.signal(1);
    }
    queue.notify(EventMask.READABLE);
  }

  /** The oldest result, or null. */
  public synchronized Event take() {
    Event e = events.poll();
    if (e != null) {
      outstanding--;
    }
    return e;
  }

  /** Whether it is of no use any more. */
  public synchronized boolean isClosed() {
    return closed;
  }

  /**
   * Begins to wait for an event of {@code file}; the poll takes over the references on both files.
   *
   * @param resultFile an eventfd to tell, or null
   */
  public void poll(FileDescription file, int mask, long data, long control, FileDescription resultFile) {
    Poll poll = new Poll(file, mask, data, control, resultFile);
    polls.put(control, poll);
    file.register(poll, mask);
    int ready = file.readiness(mask) & mask;
    if (ready != 0 || isClosed()) {
      poll.end(ready);
    }
  }

  /** Gives up the poll of {@code control}, whose result is ECANCELED; false when there is none. */
  public boolean cancel(long control) {
    Poll poll = polls.get(control);
    return poll != null && poll.end(-Errno.ECANCELED.number());
  }

  /** Nobody collects results any more. */
  void close() {
    synchronized (this) {
      closed = true;
      events.clear();
    }
    for (Poll poll : polls.values()) {
      poll.end(0);
    }
    queue.notify(EventMask.READABLE);
  }

  /** IOCB_CMD_POLL: ends once, with the first event. */
  private final class Poll extends WaitEntry {
    private final FileDescription file;
    private final int mask;
    private final long data;
    private final long control;
    private final FileDescription resultFile;
    private final AtomicBoolean over = new AtomicBoolean();

    Poll(FileDescription file, int mask, long data, long control, FileDescription resultFile) {
      this.file = file;
      this.mask = mask;
      this.data = data;
      this.control = control;
      this.resultFile = resultFile;
    }

    @Override
    public void notify(int events) {
      if ((events & (mask | EventMask.ALWAYS)) != 0) {
        // The queue of the file is in use now: the rest is done by who collects the results.
        if (over.compareAndSet(false, true)) {
          report(events & (mask | EventMask.ALWAYS));
        }
      }
    }

    boolean end(long result) {
      if (!over.compareAndSet(false, true)) {
        return false;
      }
      report(result);
      letGo();
      return true;
    }

    private void report(long result) {
      EventFd notified = resultFile != null && resultFile.ops() instanceof EventFd e ? e : null;
      complete(new Event(data, control, result), notified);
    }

    private void letGo() {
      if (polls.remove(control, this)) {
        file.unregister(this);
        file.close();
        if (resultFile != null) {
          resultFile.close();
        }
      }
    }
  }

  /** Lets go of the files of polls that are over; not from within an event. */
  public void settle() {
    for (Poll poll : polls.values()) {
      if (poll.over.get()) {
        poll.letGo();
      }
    }
  }
}
