package gvisor.sentry.syscall.linux;

import gvisor.api.waiter.EventMask;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.FileDescription;
import java.util.Arrays;

/** Files that one {@code poll} or {@code select} waits for. Holds a reference on each until {@link #close}. */
final class PollSet implements AutoCloseable {
  private final FileDescription[] files;
  private final int[] masks;
  private final int[] results;
  private int size;
  private boolean isRegistered;

  PollSet(int capacity) {
    files = new FileDescription[capacity];
    masks = new int[capacity];
    results = new int[capacity];
  }

  /** Adds a file with the caller's reference; null for a descriptor that is not open, which is ready as EPOLLNVAL. */
  void add(FileDescription file, int mask) {
    files[size] = file;
    masks[size++] = mask | EventMask.ALWAYS;
  }

  /** Which of the wanted events the file added as {@code index}-th had when last looked at. */
  int result(int index) {
    return results[index];
  }

  /** Looks at every file; how many are ready. */
  private int scan() {
    int ready = 0;
    for (int i = 0; i < size; i++) {
      FileDescription f = files[i];
      results[i] = f == null ? EventMask.EPOLLNVAL : f.readiness(masks[i]) & masks[i];
      if (results[i] != 0) {
        ready++;
      }
    }
    return ready;
  }

  /**
   * Waits until a file is ready.
   *
   * @return how many are; 0 when the deadline has passed; -1 when interrupted
   */
  int await(Task t, long deadline) {
    int ready = scan();
    if (ready > 0 || deadline != Task.FOREVER && deadline <= Timeouts.now(t)) {
      return ready;
    }
    for (int i = 0; i < size; i++) {
      if (files[i] != null) {
        files[i].register(t.waiter(), masks[i]);
      }
    }
    isRegistered = true;
    try {
      while (true) {
        ready = scan();
        if (ready > 0) {
          return ready;
        }
        switch (t.block(deadline)) {
          case Task.TIMED_OUT -> {
            return scan();
          }
          case Task.INTERRUPTED -> {
            return -1;
          }
          default -> {}
        }
      }
    } finally {
      unregister(t);
    }
  }

  private void unregister(Task t) {
    for (int i = 0; i < size && isRegistered; i++) {
      if (files[i] != null) {
        files[i].unregister(t.waiter());
      }
    }
    isRegistered = false;
  }

  @Override
  public void close() {
    for (int i = 0; i < size; i++) {
      if (files[i] != null) {
        files[i].close();
      }
    }
    Arrays.fill(files, 0, size, null);
    size = 0;
  }
}
