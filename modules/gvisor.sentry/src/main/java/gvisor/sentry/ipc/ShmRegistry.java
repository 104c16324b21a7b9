package gvisor.sentry.ipc;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EIDRM;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOMEM;
import static gvisor.api.errno.Errno.ENOSPC;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.mm.SharedAnonymous;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The shared memory segments of one IPC namespace ({@code man 7 sysvipc}). Thread-safe; its lock is below the memory
 * manager's and above the page allocator's.
 */
public final class ShmRegistry {
  public static final int IPC_CREAT = 01000;
  public static final int IPC_EXCL = 02000;
  public static final int SHM_HUGETLB = 04000;
  public static final int SHM_DEST = 01000;
  public static final int SHM_LOCKED = 02000;

  /** Most segments. */
  public static final int SHMMNI = 4096;

  /** Largest segment, in bytes: no limit of its own. */
  public static final long SHMMAX = -1L - (1 << 24);

  /** Most pages of all segments together. */
  public static final long SHMALL = SHMMAX;

  /** What is appended to an index makes an id that is not used again soon. */
  private static final int INDEX_BITS = 15;

  private static final int MAX_SEQUENCE = 0xffff;
  private static final int PAGE = PageAllocator.PAGE_SIZE;

  private final HostClock clock;
  private final ReentrantLock shmLock = new ReentrantLock();

  // Guarded by shmLock.
  private final ShmSegment[] segments = new ShmSegment[SHMMNI];
  private int sequence;

  public ShmRegistry(HostClock clock) {
    this.clock = clock;
  }

  /**
   * {@code shmget(2)}: the id.
   *
   * @param pages what a new segment's memory is charged to
   */
  public int get(PageAllocator pages, int key, long size, int flags, Credentials creds, int pid) throws ErrnoException {
    shmLock.lock();
    try {
      if (key != 0) {
        ShmSegment s = find(key);
        if (s != null) {
          if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL)) {
            throw EEXIST.error();
          }
          int wanted = flags & 0777;
          if (!s.allows(creds, wanted >> 6 | wanted >> 3 | wanted)) {
            throw EACCES.error();
          }
          if (Long.compareUnsigned(size, s.size) > 0) {
            throw EINVAL.error();
          }
          return s.id;
        }
        if ((flags & IPC_CREAT) == 0) {
          throw ENOENT.error();
        }
      }
      if (size == 0 || Long.compareUnsigned(size, SHMMAX) > 0) {
        throw EINVAL.error();
      }
      long bytes = size + PAGE - 1 & -PAGE;
      if (bytes <= 0) {
        throw ENOSPC.error();
      }
      if ((flags & SHM_HUGETLB) != 0) {
        throw ENOMEM.error();
      }
      int index = freeIndex();
      sequence = sequence + 1 & MAX_SEQUENCE;
      int id = (sequence << INDEX_BITS | index) & Integer.MAX_VALUE;
      SharedAnonymous memory = new SharedAnonymous(pages, bytes, "", 1, id);
      segments[index] = new ShmSegment(this, clock, id, key, size, flags & 0777, creds, pid, memory);
      return segments[index].id;
    } finally {
      shmLock.unlock();
    }
  }

  private ShmSegment find(int key) {
    for (ShmSegment s : segments) {
      if (s != null && s.key == key && (s.mode & SHM_DEST) == 0) {
        return s;
      }
    }
    return null;
  }

  private int freeIndex() throws ErrnoException {
    for (int i = 0; i < segments.length; i++) {
      if (segments[i] == null) {
        return i;
      }
    }
    throw ENOSPC.error();
  }

  /** The segment called {@code id}. */
  private ShmSegment byId(int id) throws ErrnoException {
    int index = id & (1 << INDEX_BITS) - 1;
    if (id < 0 || index >= SHMMNI) {
      throw EINVAL.error();
    }
    ShmSegment s = segments[index];
    if (s == null) {
      throw EINVAL.error();
    }
    if (s.id != id) {
      throw EIDRM.error();
    }
    return s;
  }

  /**
   * The segment to attach, with one reference more, so that it stays until it is mapped; the caller then calls
   * {@link #endAttach}.
   *
   * @param wanted 4 to read, 2 to write, 1 to execute
   */
  public ShmSegment attach(int id, Credentials creds, int wanted, int pid) throws ErrnoException {
    shmLock.lock();
    try {
      ShmSegment s = byId(id);
      if (!s.allows(creds, wanted)) {
        throw EACCES.error();
      }
      s.attachments++;
      s.attachTime = s.now();
      s.lastPid = pid;
      return s;
    } finally {
      shmLock.unlock();
    }
  }

  /** Gives back the reference of {@link #attach}. */
  public void endAttach(ShmSegment s) {
    shmLock.lock();
    try {
      release(s);
    } finally {
      shmLock.unlock();
    }
  }

  /** Notes who detached last. */
  public void noteDetach(ShmSegment s, int pid) {
    shmLock.lock();
    try {
      s.lastPid = pid;
    } finally {
      shmLock.unlock();
    }
  }

  void attached(ShmSegment s) {
    shmLock.lock();
    try {
      s.attachments++;
    } finally {
      shmLock.unlock();
    }
  }

  void detached(ShmSegment s) {
    shmLock.lock();
    try {
      s.detachTime = s.now();
      release(s);
    } finally {
      shmLock.unlock();
    }
  }

  private void release(ShmSegment s) {
    s.attachments--;
    if (s.attachments == 0 && (s.mode & SHM_DEST) != 0) {
      destroy(s);
    }
  }

  private void destroy(ShmSegment s) {
    segments[s.id & (1 << INDEX_BITS) - 1] = null;
    s.memory.release();
  }

  /** {@code IPC_RMID}. */
  public void remove(int id, Credentials creds) throws ErrnoException {
    shmLock.lock();
    try {
      ShmSegment s = byId(id);
      if (!s.isOwner(creds)) {
        throw EPERM.error();
      }
      s.mode |= SHM_DEST;
      s.key = 0;
      if (s.attachments == 0) {
        destroy(s);
      }
    } finally {
      shmLock.unlock();
    }
  }

  /** {@code IPC_SET}. */
  public void set(int id, int uid, int gid, int mode, Credentials creds) throws ErrnoException {
    shmLock.lock();
    try {
      ShmSegment s = byId(id);
      if (!s.isOwner(creds)) {
        throw EPERM.error();
      }
      s.uid = uid;
      s.gid = gid;
      s.mode = s.mode & ~0777 | mode & 0777;
      s.changeTime = s.now();
    } finally {
      shmLock.unlock();
    }
  }

  /** {@code SHM_LOCK} and {@code SHM_UNLOCK}: memory here is never paged out. */
  public void lock(int id, boolean locked, Credentials creds, long limit) throws ErrnoException {
    shmLock.lock();
    try {
      ShmSegment s = byId(id);
      if (!creds.has(Capability.CAP_IPC_LOCK)) {
        if (creds.euid() != s.uid && creds.euid() != s.cuid || locked && limit == 0) {
          throw EPERM.error();
        }
      }
      s.mode = locked ? s.mode | SHM_LOCKED : s.mode & ~SHM_LOCKED;
    } finally {
      shmLock.unlock();
    }
  }

  /** One moment of a segment, for {@code IPC_STAT} and {@code /proc/sysvipc/shm}. */
  public record Status(int id, int key, int uid, int gid, int cuid, int cgid, int mode, long size, long attachTime,
      long detachTime, long changeTime, int creatorPid, int lastPid, long attachments) {}

  /**
   * {@code IPC_STAT}, or with {@code byIndex} {@code SHM_STAT}.
   *
   * @param creds who must be able to read it; null for everybody ({@code SHM_STAT_ANY})
   */
  public Status status(int id, boolean byIndex, Credentials creds) throws ErrnoException {
    shmLock.lock();
    try {
      ShmSegment s;
      if (byIndex) {
        if (id < 0 || id >= SHMMNI || segments[id] == null) {
          throw EINVAL.error();
        }
        s = segments[id];
      } else {
        s = byId(id);
      }
      if (creds != null && !s.allows(creds, 4)) {
        throw EACCES.error();
      }
      return status(s);
    } finally {
      shmLock.unlock();
    }
  }

  private static Status status(ShmSegment s) {
    return new Status(s.id, s.key, s.uid, s.gid, s.cuid, s.cgid, s.mode, s.size, s.attachTime, s.detachTime,
        s.changeTime, s.creatorPid, s.lastPid, s.attachments);
  }

  /** Every segment, by index. */
  public List<Status> all() {
    List<Status> all = new ArrayList<>();
    shmLock.lock();
    try {
      for (ShmSegment s : segments) {
        if (s != null) {
          all.add(status(s));
        }
      }
    } finally {
      shmLock.unlock();
    }
    return all;
  }

  /** The highest index in use, for {@code IPC_INFO}; 0 when there is none. */
  public int highestIndex() {
    shmLock.lock();
    try {
      for (int i = segments.length - 1; i > 0; i--) {
        if (segments[i] != null) {
          return i;
        }
      }
      return 0;
    } finally {
      shmLock.unlock();
    }
  }
}
