package gvisor.sentry.ipc;

import gvisor.api.host.HostClock;
import gvisor.api.host.HostClock;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.MappedFile;
import gvisor.sentry.mm.SharedAnonymous;

/**
 * A System V shared memory segment ({@code man 2 shmctl}). Every vma of an attachment holds one reference; it goes when
 * it has been removed and the last attachment is gone. Guarded by the lock of its {@link ShmRegistry}; times are in
 * seconds.
 */
public final class ShmSegment implements MappedFile {
  final ShmRegistry registry;
  final HostClock clock;
  final int id;
  final SharedAnonymous memory;

  int key;
  int uid;
  int gid;
  int cuid;
  int cgid;
  /** Permission bits, with SHM_DEST and SHM_LOCKED. */
  int mode;
  final long size;
  long attachTime;
  long detachTime;
  long changeTime;
  int creatorPid;
  int lastPid;
  long attachments;

  ShmSegment(ShmRegistry registry, HostClock clock, int id, int key, long size, int mode, Credentials owner, int pid,
      SharedAnonymous memory) {
    this.registry = registry;
    this.clock = clock;
    this.id = id;
    this.key = key;
    this.size = size;
    this.mode = mode;
    this.uid = owner.euid();
    this.gid = owner.egid();
    this.cuid = uid;
    this.cgid = gid;
    this.creatorPid = pid;
    this.changeTime = now();
    this.memory = memory;
  }

  /** What is mapped. */
  public SharedAnonymous memory() {
    return memory;
  }

  long now() {
    return clock.realtimeNanos() / 1_000_000_000L;
  }

  /** Whether {@code c} has the rights {@code wanted}: 4 to read, 2 to write, 1 to execute. */
  boolean allows(Credentials c, int wanted) {
    int bits = mode;
    if (c.euid() == uid || c.euid() == cuid) {
      bits >>= 6;
    } else if (inGroup(c, gid) || inGroup(c, cgid)) {
      bits >>= 3;
    }
    return (wanted & ~bits & 7) == 0 || c.has(Capability.CAP_IPC_OWNER);
  }

  private static boolean inGroup(Credentials c, int group) {
    return c.egid() == group || java.util.Arrays.binarySearch(c.groups(), group) >= 0;
  }

  boolean isOwner(Credentials c) {
    return c.euid() == uid || c.euid() == cuid || c.has(Capability.CAP_SYS_ADMIN);
  }

  @Override
  public void acquire() {
    registry.attached(this);
  }

  @Override
  public void release() {
    registry.detached(this);
  }

  @Override
  public boolean isSame(MappedFile other) {
    return other == this;
  }

  @Override
  public String displayName() {
    return String.format("/SYSV%08x (deleted)", key);
  }

  @Override
  public void punchHole(HostClock clock, long offset, long length) {
    memory.punchHole(clock, offset, length);
  }

  @Override
  public long dev() {
    return 1;
  }

  @Override
  public long ino() {
    return id;
  }
}
