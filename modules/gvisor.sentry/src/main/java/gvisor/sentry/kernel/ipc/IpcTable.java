package gvisor.sentry.kernel.ipc;

import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EIDRM;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOSPC;

import gvisor.api.errno.ErrnoException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Objects of one kind by identifier and by key. An identifier is a slot and a sequence number, so that one which is
 * used again soon is not mistaken for what it was before.
 */
public class IpcTable<T extends IpcObject> {
  /** Slots an identifier can name. */
  static final int SLOTS = 32768;

  public static final int IPC_PRIVATE = 0;
  public static final int IPC_CREAT = 01000;
  public static final int IPC_EXCL = 02000;

  private static final int SEQUENCES = 65536;

  /** Makes the object when there is none. Called with the table's lock. */
  @FunctionalInterface
  public interface Maker<T> {
    T make() throws ErrnoException;
  }

  /** Checks an object that was found before it is handed out. */
  @FunctionalInterface
  public interface Check<T> {
    void check(T found) throws ErrnoException;
  }

  protected final ReentrantLock tableLock = new ReentrantLock();
  private final int limit;
  private final TreeMap<Integer, T> slots = new TreeMap<>();
  private final HashMap<Integer, T> keys = new HashMap<>();
  private int next;
  private int sequence;

  /** @param limit most objects */
  protected IpcTable(int limit) {
    this.limit = limit;
  }

  /**
   * The object for {@code key}, made if {@code flags} say so ({@code semget}, {@code msgget}).
   *
   * @throws ErrnoException ENOENT, EEXIST, ENOSPC, and what {@code maker} and {@code check} throw
   */
  public final T get(int key, int flags, Maker<T> maker, Check<T> check) throws ErrnoException {
    tableLock.lock();
    try {
      T found = key == IPC_PRIVATE ? null : keys.get(key);
      if (found != null) {
        if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL)) {
          throw EEXIST.error();
        }
        check.check(found);
        return found;
      }
      if (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0) {
        throw ENOENT.error();
      }
      if (slots.size() >= limit) {
        throw ENOSPC.error();
      }
      T made = maker.make();
      while (slots.containsKey(next)) {
        advance();
      }
      made.id = sequence * SLOTS + next;
      slots.put(next, made);
      advance();
      if (key != IPC_PRIVATE) {
        keys.put(key, made);
      }
      return made;
    } finally {
      tableLock.unlock();
    }
  }

  private void advance() {
    next++;
    if (next == limit) {
      next = 0;
      sequence = (sequence + 1) % (SEQUENCES / 2);
    }
  }

  /** The object with {@code id}: EINVAL when there is none, EIDRM when there is another in its place. */
  public final T find(int id) throws ErrnoException {
    if (id < 0) {
      throw EINVAL.error();
    }
    tableLock.lock();
    try {
      T found = slots.get(id % SLOTS);
      if (found == null) {
        throw EINVAL.error();
      }
      if (found.id != id) {
        throw EIDRM.error();
      }
      return found;
    } finally {
      tableLock.unlock();
    }
  }

  /** The object in slot {@code index} (SEM_STAT, MSG_STAT); EINVAL. */
  public final T at(int index) throws ErrnoException {
    tableLock.lock();
    try {
      T found = slots.get(index);
      if (found == null) {
        throw EINVAL.error();
      }
      return found;
    } finally {
      tableLock.unlock();
    }
  }

  /** The highest slot in use, or 0 (IPC_INFO). */
  public final int highest() {
    tableLock.lock();
    try {
      return slots.isEmpty() ? 0 : slots.lastKey();
    } finally {
      tableLock.unlock();
    }
  }

  /** Everything there is, by slot, for {@code /proc/sysvipc}. */
  public final List<T> all() {
    tableLock.lock();
    try {
      return new ArrayList<>(slots.values());
    } finally {
      tableLock.unlock();
    }
  }

  /** Forgets {@code object}; the caller holds no lock of it, and wakes who waits afterwards. False when it was gone. */
  protected final boolean forget(T object) {
    tableLock.lock();
    try {
      if (object.isRemoved()) {
        return false;
      }
      slots.remove(object.id % SLOTS);
      if (object.key() != IPC_PRIVATE) {
        keys.remove(object.key(), object);
      }
      object.objectLock.lock();
      try {
        object.markRemoved();
      } finally {
        object.objectLock.unlock();
      }
      return true;
    } finally {
      tableLock.unlock();
    }
  }
}
