package gvisor.host;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/** Which processors a thread may run on ({@code man 2 sched_setaffinity}). Thread id 0 is the calling thread. */
public final class Cpus {
  private static final int MASK_BYTES = 1024;

  private Cpus() {}

  /** Processors thread {@code tid} may run on. */
  public static BitSet affinity(int tid) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mask = arena.allocate(MASK_BYTES, 8);
      check(Libc.sched_getaffinity(tid, MASK_BYTES, mask.address()));
      return BitSet.valueOf(mask.toArray(JAVA_BYTE));
    }
  }

  /** Confines thread {@code tid} to {@code cpus}. */
  public static void setAffinity(int tid, BitSet cpus) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mask = arena.allocate(MASK_BYTES, 8);
      byte[] bits = cpus.toByteArray();
      MemorySegment.copy(bits, 0, mask, JAVA_BYTE, 0, Math.min(bits.length, MASK_BYTES));
      check(Libc.sched_setaffinity(tid, MASK_BYTES, mask.address()));
    }
  }

  /** Confines thread {@code tid} to processor {@code cpu}. Allocates nothing. */
  public static void pin(int tid, int cpu) throws ErrnoException {
    MemorySegment mask = Memory.bounce().asSlice(0, MASK_BYTES);
    mask.fill((byte) 0);
    mask.set(JAVA_BYTE, cpu >> 3, (byte) (1 << (cpu & 7)));
    check(Libc.sched_setaffinity(tid, MASK_BYTES, mask.address()));
  }

  /** Lets the calling thread, which may have inherited its maker's confinement, run wherever the process may. */
  public static void unpinCurrent() {
    MemorySegment mask = Memory.bounce().asSlice(0, MASK_BYTES);
    mask.fill((byte) 0xff);
    Libc.sched_setaffinity(0, MASK_BYTES, mask.address());
  }

  /** {@code gettid(2)}. */
  public static int currentTid() {
    return (int) Libc.syscall(Sys.NR_GETTID, 0, 0, 0, 0, 0, 0);
  }

  /** The processor the calling thread is on, if only for now. */
  public static int current() {
    MemorySegment out = Memory.scratch();
    Libc.syscall(Sys.NR_GETCPU, out.address(), 0, 0, 0, 0, 0);
    return out.get(JAVA_INT, 0);
  }
}
