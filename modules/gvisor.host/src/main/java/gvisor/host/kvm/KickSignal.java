package gvisor.host.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.host.libc.MachineCode;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.MemorySegment;

/**
 * The signal that gets a thread out of KVM_RUN. Blocked everywhere else, so that it has no handler, is never lost (it
 * stays pending until the thread runs its processor again) and never disturbs the JVM.
 */
public final class KickSignal {
  private static final int NUMBER = 62; // real-time; neither libc nor the JVM uses it
  private static final int NR_TKILL = 200;
  private static final int NR_RT_SIGTIMEDWAIT = 128;
  private static final int SIGSET_BYTES = 8;
  private static final long BIT = 1L << (NUMBER - 1);

  private KickSignal() {}

  /** Blocks it in the calling thread. Returns the thread's mask without it: what to block in KVM_RUN. */
  public static long block() {
    MemorySegment sets = Memory.scratch();
    sets.set(JAVA_LONG, 0, BIT);
    sets.set(JAVA_LONG, 8, 0);
    long at = sets.address();
    MachineCode.syscall(Sys.NR_RT_SIGPROCMASK, Sys.SIG_BLOCK, at, at + 8, SIGSET_BYTES, 0, 0);
    return sets.get(JAVA_LONG, 8) & ~BIT;
  }

  /** Sends it to thread {@code tid}, which is alive. Any thread. */
  public static void send(int tid) {
    MachineCode.syscall(NR_TKILL, tid, NUMBER, 0, 0, 0, 0);
  }

  /** Takes back whatever of it is pending for the calling thread, which has blocked it. */
  public static void drain() {
    MemorySegment work = Memory.scratch();
    work.set(JAVA_LONG, 0, BIT);
    work.set(JAVA_LONG, 8, 0); // struct timespec: do not wait
    work.set(JAVA_LONG, 16, 0);
    long at = work.address();
    while (MachineCode.syscall(NR_RT_SIGTIMEDWAIT, at, 0, at + 8, SIGSET_BYTES, 0, 0) == NUMBER) {
      // Real-time signals queue: one for every kick.
    }
  }
}
