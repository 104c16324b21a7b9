package gvisor.sentry.kernel;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * Files with signals to send. Task threads send at their boundaries and before they wait, so that a signal has been
 * sent when the call that caused it returns; for other threads, which bring what the host has to tell, one does it that
 * is started by the first such file.
 */
final class FileSignalQueue {
  private final ConcurrentLinkedQueue<FileSignals> waiting = new ConcurrentLinkedQueue<>();
  private volatile boolean hasWork;
  private volatile Thread sender;

  /** Whether {@link #send} has something to do. */
  boolean hasWork() {
    return hasWork;
  }

  /** Any thread, under any lock. */
  void add(FileSignals file) {
    waiting.add(file);
    hasWork = true;
    if (Workers.currentTask() == null) {
      LockSupport.unpark(sender);
    }
  }

  /** Sends everything that waits. No lock is held. */
  void send() {
    hasWork = false;
    FileSignals next;
    while ((next = waiting.poll()) != null) {
      next.send();
    }
  }

  /** Has a thread for what comes from other threads than tasks'. */
  synchronized void start() {
    if (sender == null) {
      Thread thread = new Thread(null, this::serve, "file-signals", 0, false);
      thread.setDaemon(true);
      thread.start();
      sender = thread;
    }
  }

  private void serve() {
    while (true) {
      if (hasWork) {
        send();
      }
      LockSupport.park(this);
    }
  }
}
