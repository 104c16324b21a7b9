package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EAGAIN;

import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.Context;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Host threads that run tasks, each with a context of the platform. A thread whose task is dead waits for the next one,
 * so that fork and clone start no thread in the common case.
 */
final class Workers {
  private static final Logger LOG = LogManager.getLogger(Workers.class);
  private static final int MAX_IDLE = 32;

  /** Deep enough for the longest path through overlay, gofer client and page cache; only what is used costs memory. */
  private static final long STACK_BYTES = 512 << 10;

  private static final ThreadLocal<Task> CURRENT = new ThreadLocal<>();

  private final Kernel kernel;
  private final ReentrantLock poolLock = new ReentrantLock();
  private final Condition oneLess = poolLock.newCondition();
  private final ArrayDeque<Worker> idle = new ArrayDeque<>();
  private int count;
  private boolean closing;

  Workers(Kernel kernel) {
    this.kernel = kernel;
  }

  /** The task whose thread this is, or null on another thread. */
  static Task currentTask() {
    return CURRENT.get();
  }

  /** One thread. */
  final class Worker implements Runnable {
    private final Thread creator = Thread.currentThread();
    private final MemorySegment scratch = Arena.ofAuto().allocate(Task.SCRATCH_SIZE, 16);
    private Thread thread;
    private Context context;
    private SyscallArgs args;
    private volatile boolean ready;
    private volatile ErrnoException failure;
    private volatile Task task;
    private volatile boolean stop;

    @Override
    public void run() {
      try {
        context = kernel.platform().newContext();
        args = new SyscallArgs(context.registers());
      } catch (ErrnoException e) {
        failure = e;
      } catch (OutOfMemoryError e) {
        // An application that makes tasks without end gets here; what it sees is EAGAIN.
        failure = EAGAIN.error();
      } catch (RuntimeException e) {
        LOG.error("cannot make a context", e);
        failure = EAGAIN.error();
      }
      ready = true;
      LockSupport.unpark(creator);
      if (failure != null) {
        gone();
        return;
      }
      try {
        serve();
      } finally {
        gone();
        context.close();
      }
    }

    private void serve() {
      while (true) {
        while (task == null) {
          if (stop) {
            return;
          }
          LockSupport.park(this);
        }
        Task t = task;
        CURRENT.set(t);
        new RunLoop(kernel, t, context, args, scratch).run();
        CURRENT.set(null);
        task = null;
        if (!release(this)) {
          return;
        }
      }
    }

    /** Hands {@code t} over; it runs from now on. */
    void start(Task t) {
      t.thread = thread;
      t.context = context;
      context.comeToCaller();
      task = t;
      LockSupport.unpark(thread);
    }
  }

  /**
   * A thread that waits for a task: give it one with {@link Worker#start}, or give it back with {@link #release}.
   *
   * @throws ErrnoException EAGAIN or ENOMEM when the host has no more
   */
  Worker acquire() throws ErrnoException {
    poolLock.lock();
    try {
      if (closing) {
        throw EAGAIN.error();
      }
      Worker w = idle.pollLast();
      if (w != null) {
        return w;
      }
      count++;
    } finally {
      poolLock.unlock();
    }
    return startThread();
  }

  private Worker startThread() throws ErrnoException {
    Worker w;
    try {
      w = new Worker();
      w.thread = new Thread(null, w, "worker", STACK_BYTES, false);
      w.thread.setDaemon(true);
      w.thread.start();
    } catch (OutOfMemoryError e) {
      gone();
      throw EAGAIN.error();
    }
    while (!w.ready) {
      LockSupport.park(w);
    }
    if (w.failure != null) {
      throw w.failure;
    }
    return w;
  }

  /** Keeps a worker for the next task; false when it is one too many and is to end. */
  boolean release(Worker w) {
    poolLock.lock();
    try {
      if (closing || idle.size() >= MAX_IDLE) {
        w.stop = true;
        LockSupport.unpark(w.thread);
        return false;
      }
      idle.addLast(w);
      return true;
    } finally {
      poolLock.unlock();
    }
  }

  private void gone() {
    poolLock.lock();
    try {
      count--;
      oneLess.signalAll();
    } finally {
      poolLock.unlock();
    }
  }

  /** Ends idle threads now and the others when their tasks are dead; waits for that, at most {@code timeoutMillis}. */
  void close(long timeoutMillis) {
    long left = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    poolLock.lock();
    try {
      closing = true;
      for (Worker w : idle) {
        w.stop = true;
        LockSupport.unpark(w.thread);
      }
      idle.clear();
      while (count > 0 && left > 0) {
        left = oneLess.awaitNanos(left);
      }
      if (count > 0) {
        LOG.warn("{} task threads did not end in time", count);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      poolLock.unlock();
    }
  }
}
