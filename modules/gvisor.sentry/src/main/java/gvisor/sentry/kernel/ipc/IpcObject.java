package gvisor.sentry.kernel.ipc;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;

/** What semaphore sets and message queues share: {@code struct ipc_perm} and a lock. */
public abstract class IpcObject {
  /** Bytes of {@code struct ipc_perm}. */
  public static final int PERM_SIZE = 48;

  public static final int READ = 0444;
  public static final int WRITE = 0222;

  private static final int MODE_MASK = 0777;

  /** Guards everything in the object. */
  public final ReentrantLock objectLock = new ReentrantLock();

  private final int key;
  private final int cuid;
  private final int cgid;
  private int uid;
  private int gid;
  private int mode;
  int id;
  long changeSeconds;
  private boolean isRemoved;

  protected IpcObject(int key, Credentials creator, int mode, long nowSeconds) {
    this.key = key;
    this.cuid = creator.euid();
    this.cgid = creator.egid();
    this.uid = cuid;
    this.gid = cgid;
    this.mode = mode & MODE_MASK;
    this.changeSeconds = nowSeconds;
  }

  /** The identifier applications use. */
  public final int id() {
    return id;
  }

  public final int key() {
    return key;
  }

  public final int uid() {
    return uid;
  }

  public final int gid() {
    return gid;
  }

  /** Who made it. */
  public final int cuid() {
    return cuid;
  }

  public final int cgid() {
    return cgid;
  }

  /** Permission bits. */
  public final int mode() {
    return mode;
  }

  /** CLOCK_REALTIME, in seconds, of the last change. */
  public final long changeSeconds() {
    return changeSeconds;
  }

  /** Whether it is gone: EIDRM for whoever still waits. */
  public final boolean isRemoved() {
    return isRemoved;
  }

  final void markRemoved() {
    isRemoved = true;
  }

  /** EACCES unless {@code creds} may do {@code access}: bits of {@link #READ} and {@link #WRITE}. */
  public final void require(Credentials creds, int access) throws ErrnoException {
    int wanted = (access >> 6 | access >> 3 | access) & 7;
    int granted = mode;
    if (creds.euid() == uid || creds.euid() == cuid) {
      granted >>= 6;
    } else if (isInGroup(creds, gid) || isInGroup(creds, cgid)) {
      granted >>= 3;
    }
    if ((wanted & ~granted & 7) != 0 && !creds.has(Capability.CAP_IPC_OWNER)) {
      throw EACCES.error();
    }
  }

  private static boolean isInGroup(Credentials creds, int group) {
    return creds.egid() == group || creds.inGroup(group);
  }

  /** EPERM unless {@code creds} own the object or may administer the machine (IPC_SET, IPC_RMID). */
  public final void requireOwner(Credentials creds) throws ErrnoException {
    if (creds.euid() != uid && creds.euid() != cuid && !creds.has(Capability.CAP_SYS_ADMIN)) {
      throw EPERM.error();
    }
  }

  /** IPC_SET: takes owner and mode over from a {@code struct ipc_perm}. */
  public final void setPerm(MemorySegment in, long nowSeconds) {
    uid = in.get(ValueLayout.JAVA_INT_UNALIGNED, 4);
    gid = in.get(ValueLayout.JAVA_INT_UNALIGNED, 8);
    mode = in.get(ValueLayout.JAVA_INT_UNALIGNED, 20) & MODE_MASK;
    changeSeconds = nowSeconds;
  }

  /** Writes the {@link #PERM_SIZE} bytes of {@code struct ipc_perm}. */
  public final void putPerm(MemorySegment out) {
    out.asSlice(0, PERM_SIZE).fill((byte) 0);
    out.set(ValueLayout.JAVA_INT_UNALIGNED, 0, key);
    out.set(ValueLayout.JAVA_INT_UNALIGNED, 4, uid);
    out.set(ValueLayout.JAVA_INT_UNALIGNED, 8, gid);
    out.set(ValueLayout.JAVA_INT_UNALIGNED, 12, cuid);
    out.set(ValueLayout.JAVA_INT_UNALIGNED, 16, cgid);
    out.set(ValueLayout.JAVA_INT_UNALIGNED, 20, mode);
    out.set(ValueLayout.JAVA_SHORT_UNALIGNED, 24, (short) (id / IpcTable.SLOTS));
  }
}
