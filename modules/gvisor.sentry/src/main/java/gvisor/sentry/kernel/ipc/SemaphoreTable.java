package gvisor.sentry.kernel.ipc;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOSPC;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.IpcNamespace;
import gvisor.sentry.kernel.ThreadGroup;

/** The semaphore sets of an IPC namespace. Thread-safe. */
public final class SemaphoreTable extends IpcTable<SemaphoreSet> implements IpcNamespace.ExitListener {
  /** {@code /proc/sys/kernel/sem}: semaphores a set, in all, operations a call, sets. */
  public static final int SEMMSL = 32000;
  // Linux allows 1,024,000,000 in all; here it is what a sandbox can pay for.
  public static final int SEMMNS = 1_024_000;
  public static final int SEMOPM = 500;
  public static final int SEMMNI = 32000;

  private int total;

  public SemaphoreTable() {
    super(SEMMNI);
  }

  /** {@code semget(2)}. */
  public SemaphoreSet get(Credentials creds, int key, int count, int flags, long nowSeconds) throws ErrnoException {
    if (count < 0 || count > SEMMSL) {
      throw EINVAL.error();
    }
    return get(key, flags, () -> {
      if (count == 0) {
        throw EINVAL.error();
      }
      if (total + count > SEMMNS) {
        throw ENOSPC.error();
      }
      total += count;
      return new SemaphoreSet(key, creds, flags, nowSeconds, count);
    }, found -> {
      found.require(creds, flags & 0777);
      if (count > found.size()) {
        throw EINVAL.error();
      }
    });
  }

  /** IPC_RMID. */
  public void remove(SemaphoreSet set) {
    if (forget(set)) {
      tableLock.lock();
      try {
        total -= set.size();
      } finally {
        tableLock.unlock();
      }
      set.wakeAll();
    }
  }

  /** Semaphores there are. */
  public int total() {
    tableLock.lock();
    try {
      return total;
    } finally {
      tableLock.unlock();
    }
  }

  @Override
  public void processExited(ThreadGroup process, int pid, long nowSeconds) {
    for (SemaphoreSet set : all()) {
      set.undo(process, pid, nowSeconds);
    }
  }
}
