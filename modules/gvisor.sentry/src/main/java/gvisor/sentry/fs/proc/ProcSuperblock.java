package gvisor.sentry.fs.proc;

import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.PtraceAccess;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.time.Clocks;
import gvisor.sentry.vfs.Caller;

/** A mounted proc: which tasks it shows, and to whom. */
final class ProcSuperblock extends KernSuperblock {
  private static final long MAGIC = 0x9fa0;

  private final Kernel kernel;
  private final PidNamespace pids;
  private final int hidePid;
  private final int gid;
  private final boolean onlyPids;
  private final long bootMonotonicNanos;

  /**
   * @param hidePid 0 shows all, 1 hides content, 2 hides processes of others from who may not trace them
   * @param gid a group that sees everything in spite of {@code hidePid}
   * @param onlyPids {@code subset=pid}: nothing but processes
   */
  ProcSuperblock(Kernel kernel, PidNamespace pids, int hidePid, int gid, boolean onlyPids) {
    super(kernel.deviceNumbers().anonymous(), "proc", MAGIC, kernel.host().clock().realtimeNanos());
    this.kernel = kernel;
    this.pids = pids;
    this.hidePid = hidePid;
    this.gid = gid;
    this.onlyPids = onlyPids;
    long sinceBoot = kernel.host().clock().realtimeNanos() - kernel.bootRealtimeNanos();
    this.bootMonotonicNanos = kernel.host().clock().monotonicNanos() - sinceBoot;
  }

  Kernel kernel() {
    return kernel;
  }

  /** Whose tasks are shown. */
  PidNamespace pids() {
    return pids;
  }

  boolean showsOnlyPids() {
    return onlyPids;
  }

  /** Clock ticks from the boot to {@code monotonicNanos}. */
  long ticksSinceBoot(long monotonicNanos) {
    return Math.max(0, monotonicNanos - bootMonotonicNanos) / Clocks.NANOS_PER_TICK;
  }

  /** Whether {@code caller} learns of {@code group} at all. */
  boolean isVisible(Caller caller, ThreadGroup group) {
    return hidePid < 2 || isPrivileged(caller) || PtraceAccess.mayRead(caller, group.leader());
  }

  /** Whether {@code caller} may look into the directory of {@code group}. */
  boolean isSearchable(Caller caller, ThreadGroup group) {
    return hidePid < 1 || isPrivileged(caller) || PtraceAccess.mayRead(caller, group.leader());
  }

  private boolean isPrivileged(Caller caller) {
    Credentials creds = caller.creds();
    return creds.inGroup(gid) || creds.has(Capability.CAP_SYS_PTRACE);
  }

  @Override
  public String options() {
    StringBuilder s = new StringBuilder();
    if (gid != 0) {
      s.append(",gid=").append(gid);
    }
    if (hidePid != 0) {
      s.append(",hidepid=").append(hidePid == 1 ? "noaccess" : "invisible");
    }
    if (onlyPids) {
      s.append(",subset=pid");
    }
    return s.isEmpty() ? "" : s.substring(1);
  }
}
