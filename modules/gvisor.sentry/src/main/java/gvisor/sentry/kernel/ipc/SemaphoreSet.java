package gvisor.sentry.kernel.ipc;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EIDRM;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ERANGE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.auth.Credentials;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A set of System V semaphores ({@code man 2 semop}). All operations of one call happen together or not at all; a call
 * that cannot proceed is queued, and whoever changes the set performs it when it can. All methods need
 * {@link IpcObject#objectLock}, which they take themselves.
 */
public final class SemaphoreSet extends IpcObject {
  /** Greatest value of a semaphore, and of an adjustment at exit. */
  public static final int SEMVMX = 32767;

  public static final int IPC_NOWAIT = 04000;
  public static final int SEM_UNDO = 010000;

  /** A call's operations, which wait for the set. */
  public static final class Pending {
    private static final int WAITING = 1;

    private final short[] numbers;
    private final short[] changes;
    private final short[] flags;
    private final int pid;
    private final Object process;
    private final WaitEntry waiter;
    private int blockedAt;
    private volatile int result = WAITING;

    /**
     * @param process by whose end SEM_UNDO is undone
     * @param waiter told when the operations have been performed, or cannot be any more
     */
    public Pending(
        short[] numbers, short[] changes, short[] flags, int pid, Object process, WaitEntry waiter) {
      this.numbers = numbers;
      this.changes = changes;
      this.flags = flags;
      this.pid = pid;
      this.process = process;
      this.waiter = waiter;
    }

    /** Whether it is over. */
    public boolean isDone() {
      return result != WAITING;
    }

    /** 0, or a negated errno, once it is over. */
    public int result() {
      return result;
    }
  }

  private final short[] values;
  private final int[] pids;
  private final List<Pending> waiting = new ArrayList<>(0);
  private final Map<Object, short[]> adjustments = new HashMap<>(0);
  private long operationSeconds;

  SemaphoreSet(int key, Credentials creator, int mode, long nowSeconds, int count) {
    super(key, creator, mode, nowSeconds);
    values = new short[count];
    pids = new int[count];
  }

  public int size() {
    return values.length;
  }

  public long operationSeconds() {
    return operationSeconds;
  }

  /**
   * Performs {@code p} now, or queues it.
   *
   * @return whether it is over
   * @throws ErrnoException EAGAIN, ERANGE, EIDRM
   */
  public boolean perform(Pending p, long nowSeconds) throws ErrnoException {
    objectLock.lock();
    try {
      if (isRemoved()) {
        throw EIDRM.error();
      }
      int outcome = attempt(p);
      if (outcome == 0) {
        operationSeconds = nowSeconds;
        p.result = 0;
        wakeReady(nowSeconds);
        return true;
      }
      if (outcome < 0) {
        throw outcome == -EAGAIN.number() ? EAGAIN.error() : ERANGE.error();
      }
      waiting.add(p);
      return false;
    } finally {
      objectLock.unlock();
    }
  }

  /** Takes {@code p} out of the queue; false when it was over already. */
  public boolean cancel(Pending p) {
    objectLock.lock();
    try {
      return waiting.remove(p);
    } finally {
      objectLock.unlock();
    }
  }

  /** 0 when all operations were performed, positive when they have to wait, else a negated errno; nothing changed. */
  private int attempt(Pending p) {
    short[] adjust = null;
    int done = 0;
    int failure = 0;
    for (; done < p.numbers.length; done++) {
      int number = p.numbers[done];
      int change = p.changes[done];
      int value = values[number];
      if (change == 0 ? value != 0 : value + change < 0) {
        failure = (p.flags[done] & IPC_NOWAIT) != 0 ? -EAGAIN.number() : 1;
        break;
      }
      if (value + change > SEMVMX) {
        failure = -ERANGE.number();
        break;
      }
      if ((p.flags[done] & SEM_UNDO) != 0 && change != 0) {
        if (adjust == null) {
          adjust = adjustments.computeIfAbsent(p.process, k -> new short[values.length]);
        }
        int undone = adjust[number] - change;
        if (undone < -SEMVMX - 1 || undone > SEMVMX) {
          failure = -ERANGE.number();
          break;
        }
        adjust[number] = (short) undone;
      }
      values[number] = (short) (value + change);
    }
    if (failure == 0) {
      for (int number : p.numbers) {
        pids[number] = p.pid;
      }
      return 0;
    }
    p.blockedAt = done;
    while (--done >= 0) {
      values[p.numbers[done]] -= p.changes[done];
      if ((p.flags[done] & SEM_UNDO) != 0 && p.changes[done] != 0) {
        adjust[p.numbers[done]] += p.changes[done];
      }
    }
    return failure;
  }

  /** Performs what waits and can proceed, until nothing changes any more. */
  private void wakeReady(long nowSeconds) {
    boolean changed = true;
    while (changed) {
      changed = false;
      for (int i = 0; i < waiting.size(); i++) {
        Pending p = waiting.get(i);
        int outcome = attempt(p);
        if (outcome <= 0) {
          waiting.remove(i--);
          p.result = outcome;
          p.waiter.notify(0);
          if (outcome == 0) {
            operationSeconds = nowSeconds;
            changed = true;
          }
        }
      }
    }
  }

  /** Ends everything that waits with EIDRM; the set has been removed. */
  void wakeAll() {
    objectLock.lock();
    try {
      for (Pending p : waiting) {
        p.result = -EIDRM.number();
        p.waiter.notify(0);
      }
      waiting.clear();
      adjustments.clear();
    } finally {
      objectLock.unlock();
    }
  }

  /** Undoes what {@code process} did with SEM_UNDO. */
  void undo(Object process, int pid, long nowSeconds) {
    objectLock.lock();
    try {
      short[] adjust = adjustments.remove(process);
      if (adjust == null || isRemoved()) {
        return;
      }
      for (int i = 0; i < adjust.length; i++) {
        if (adjust[i] != 0) {
          values[i] = (short) Math.clamp(values[i] + adjust[i], 0, SEMVMX);
          pids[i] = pid;
        }
      }
      operationSeconds = nowSeconds;
      wakeReady(nowSeconds);
    } finally {
      objectLock.unlock();
    }
  }

  // ---- semctl ----

  private void requireNumber(int number) throws ErrnoException {
    if (isRemoved()) {
      throw EIDRM.error();
    }
    if (number < 0 || number >= values.length) {
      throw EINVAL.error();
    }
  }

  public int value(int number) throws ErrnoException {
    objectLock.lock();
    try {
      requireNumber(number);
      return values[number];
    } finally {
      objectLock.unlock();
    }
  }

  public int pid(int number) throws ErrnoException {
    objectLock.lock();
    try {
      requireNumber(number);
      return pids[number];
    } finally {
      objectLock.unlock();
    }
  }

  /** How many calls wait for {@code number} to become 0, or to increase. */
  public int waiters(int number, boolean forZero) throws ErrnoException {
    objectLock.lock();
    try {
      requireNumber(number);
      int n = 0;
      for (Pending p : waiting) {
        if (p.numbers[p.blockedAt] == number && p.changes[p.blockedAt] == 0 == forZero) {
          n++;
        }
      }
      return n;
    } finally {
      objectLock.unlock();
    }
  }

  /** SETVAL; ERANGE. */
  public void setValue(int number, int value, int pid, long nowSeconds) throws ErrnoException {
    objectLock.lock();
    try {
      requireNumber(number);
      if (value < 0 || value > SEMVMX) {
        throw ERANGE.error();
      }
      for (short[] adjust : adjustments.values()) {
        adjust[number] = 0;
      }
      values[number] = (short) value;
      pids[number] = pid;
      changeSeconds = nowSeconds;
      wakeReady(nowSeconds);
    } finally {
      objectLock.unlock();
    }
  }

  /** GETALL. */
  public short[] values() throws ErrnoException {
    objectLock.lock();
    try {
      requireNumber(0);
      return values.clone();
    } finally {
      objectLock.unlock();
    }
  }

  /** SETALL; ERANGE. */
  public void setValues(short[] next, int pid, long nowSeconds) throws ErrnoException {
    for (short v : next) {
      if (v < 0) {
        throw ERANGE.error();
      }
    }
    objectLock.lock();
    try {
      requireNumber(0);
      System.arraycopy(next, 0, values, 0, values.length);
      java.util.Arrays.fill(pids, pid);
      for (short[] adjust : adjustments.values()) {
        java.util.Arrays.fill(adjust, (short) 0);
      }
      changeSeconds = nowSeconds;
      wakeReady(nowSeconds);
    } finally {
      objectLock.unlock();
    }
  }
}
