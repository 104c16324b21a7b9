package gvisor.sentry.fs.mqueue;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMFILE;
import static gvisor.api.errno.Errno.ENAMETOOLONG;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOSPC;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Rlimits;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import java.util.HashMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/** The POSIX message queues of one IPC namespace. Thread-safe; its lock ranks above the queues'. */
public final class Mqueues {
  /** {@code /proc/sys/fs/mqueue}: defaults and limits of unprivileged users; then the limits of all. */
  static final int DEFAULT_MESSAGES = 10;
  static final int DEFAULT_SIZE = 8192;
  private static final int MAX_MESSAGES = 10;
  private static final int MAX_SIZE = 8192;
  private static final int HARD_MAX_MESSAGES = 65536;
  private static final int HARD_MAX_SIZE = 16 << 20;
  private static final int MAX_QUEUES = 256;
  private static final int NAME_MAX = 255;

  /** What a message costs against RLIMIT_MSGQUEUE beside its bytes. */
  private static final int OVERHEAD = 64;

  private final ReentrantLock queuesLock = new ReentrantLock();
  private final TreeMap<String, MqueueInode> queues = new TreeMap<>();
  private final HashMap<Integer, Long> charged = new HashMap<>();
  private final AtomicLong nextIno = new AtomicLong(2);
  private final MqueueSuperblock superblock;

  private Mqueues(Kernel kernel) {
    superblock = new MqueueSuperblock(kernel, kernel.deviceNumbers().anonymous(), this);
  }

  /** Those of the task's namespace. */
  public static Mqueues of(Task t) {
    Kernel kernel = t.kernel();
    return t.ipc().registry(Mqueues.class, () -> new Mqueues(kernel));
  }

  /**
   * The queue called {@code name}, for {@code mq_open(2)}.
   *
   * @param create make it if it is not there
   * @param exclusive EEXIST if it is there
   * @param mask Permissions.MAY_* that the caller wants of one that is there
   * @param limits messages and bytes a message of a new one; null for the defaults
   */
  public MqueueInode open(Task t, String name, boolean create, boolean exclusive, int mask, int mode, long[] limits)
      throws ErrnoException {
    checkName(name);
    queuesLock.lock();
    try {
      MqueueInode found = queues.get(name);
      if (found != null) {
        if (create && exclusive) {
          throw EEXIST.error();
        }
        found.checkPermission(t, mask);
        return found;
      }
      if (!create) {
        throw ENOENT.error();
      }
      return make(t, name, mode, limits);
    } finally {
      queuesLock.unlock();
    }
  }

  private static void checkName(String name) throws ErrnoException {
    if (name.isEmpty()) {
      throw ENOENT.error();
    }
    if (name.indexOf('/') >= 0 || name.equals(".") || name.equals("..")) {
      throw EACCES.error();
    }
    if (name.length() > NAME_MAX) {
      throw ENAMETOOLONG.error();
    }
  }

  /** Makes a queue from a name in a mounted directory, with the default limits. */
  MqueueInode create(Caller caller, String name, int mode) throws ErrnoException {
    queuesLock.lock();
    try {
      if (queues.containsKey(name)) {
        throw EEXIST.error();
      }
      return make(caller, name, mode, null);
    } finally {
      queuesLock.unlock();
    }
  }

  private MqueueInode make(Caller caller, String name, int mode, long[] limits) throws ErrnoException {
    boolean isPrivileged = caller.creds().has(Capability.CAP_SYS_RESOURCE);
    if (queues.size() >= MAX_QUEUES && !isPrivileged) {
      throw ENOSPC.error();
    }
    int messages = DEFAULT_MESSAGES;
    int size = DEFAULT_SIZE;
    if (limits != null) {
      messages = checkLimit(limits[0], isPrivileged ? HARD_MAX_MESSAGES : MAX_MESSAGES);
      size = checkLimit(limits[1], isPrivileged ? HARD_MAX_SIZE : MAX_SIZE);
    }
    long cost = (long) messages * (size + OVERHEAD);
    int uid = caller.creds().uid();
    long before = charged.getOrDefault(uid, 0L);
    long limit = caller instanceof Task t ? t.rlimits().soft(Rlimits.RLIMIT_MSGQUEUE) : -1;
    if (limit >= 0 && before + cost > limit) {
      throw EMFILE.error();
    }
    charged.put(uid, before + cost);
    MqueueInode made = new MqueueInode(this, superblock, nextIno.getAndIncrement(), caller, mode, messages, size, cost);
    queues.put(name, made);
    return made;
  }

  private static int checkLimit(long wanted, int most) throws ErrnoException {
    if (wanted <= 0 || wanted > most) {
      throw EINVAL.error();
    }
    return (int) wanted;
  }

  /** {@code mq_unlink(2)}: EACCES when the caller is neither root nor the owner. */
  public void unlink(Task t, String name) throws ErrnoException {
    checkName(name);
    queuesLock.lock();
    try {
      MqueueInode found = queues.get(name);
      if (found == null) {
        throw ENOENT.error();
      }
      if (t.creds().fsuid() != found.uid() && !t.creds().has(Capability.CAP_FOWNER)) {
        throw EPERM.error();
      }
      queues.remove(name);
      found.unlinked();
    } finally {
      queuesLock.unlock();
    }
  }

  /** Takes the name in a mounted directory away; who may has been checked. */
  void remove(String name, MqueueInode queue) throws ErrnoException {
    queuesLock.lock();
    try {
      if (!queues.remove(name, queue)) {
        throw ENOENT.error();
      }
      queue.unlinked();
    } finally {
      queuesLock.unlock();
    }
  }

  /** A queue without name or users is gone: its owner may have others. */
  void discharge(int uid, long cost) {
    queuesLock.lock();
    try {
      charged.merge(uid, -cost, Long::sum);
    } finally {
      queuesLock.unlock();
    }
  }

  /** The queue called {@code name}, or null. */
  MqueueInode find(String name) {
    queuesLock.lock();
    try {
      return queues.get(name);
    } finally {
      queuesLock.unlock();
    }
  }

  /** The names, in order. */
  String[] names() {
    queuesLock.lock();
    try {
      return queues.keySet().toArray(new String[0]);
    } finally {
      queuesLock.unlock();
    }
  }
}
