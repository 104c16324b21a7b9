package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.PtraceAccess;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.NumaPolicy;
import gvisor.sentry.syscall.SyscallArgs;

/**
 * NUMA policy ({@code man 7 numa}) on a machine that has one node, number 0: checked, stored and reported; every page is
 * where every policy wants it. A policy is kept as {@link NumaPolicy} says.
 */
final class SysNuma {
  private static final int MPOL_DEFAULT = 0;
  private static final int MPOL_PREFERRED = 1;
  private static final int MPOL_BIND = 2;
  private static final int MPOL_INTERLEAVE = 3;
  private static final int MPOL_LOCAL = 4;
  private static final int MPOL_PREFERRED_MANY = 5;
  private static final int MPOL_F_STATIC_NODES = 1 << 15;
  private static final int MPOL_F_RELATIVE_NODES = 1 << 14;
  private static final int MPOL_F_NUMA_BALANCING = 1 << 13;
  private static final int MPOL_MODE_FLAGS = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING;
  private static final int MPOL_F_NODE = 1;
  private static final int MPOL_F_ADDR = 2;
  private static final int MPOL_F_MEMS_ALLOWED = 4;
  private static final int MPOL_MF_MOVE = 2;
  private static final int MPOL_MF_MOVE_ALL = 4;
  private static final int MPOL_MF_VALID = 7;
  private static final int PAGE = MemoryManager.PAGE_SIZE;

  /** More bits than this in a node mask are refused, as Linux does: a page of them. */
  private static final long MAX_NODE_BITS = PAGE * 8L;

  private SysNuma() {}

  /** {@code man 2 mbind}: addr, length, mode, nodemask, maxnode, flags. */
  static long mbind(Task t, SyscallArgs a) throws ErrnoException {
    long addr = a.addr(0);
    int policy = policy(t, a.i32(2), a.addr(3), a.i64(4));
    int flags = a.i32(5);
    if ((flags & ~MPOL_MF_VALID) != 0) {
      throw EINVAL.error();
    }
    checkMoveAll(t, flags);
    long length = a.size(1) + PAGE - 1 & -PAGE;
    if ((addr & PAGE - 1) != 0 || length < 0 || addr + length < addr) {
      throw EINVAL.error();
    }
    if (length > 0) {
      t.mm().advice().setPolicy(addr, length, policy);
    }
    return 0;
  }

  /** {@code man 2 set_mempolicy}: mode, nodemask, maxnode. */
  static long setMempolicy(Task t, SyscallArgs a) throws ErrnoException {
    t.scheduling().memoryPolicy = policy(t, a.i32(0), a.addr(1), a.i64(2));
    return 0;
  }

  private static void checkMoveAll(Task t, int flags) throws ErrnoException {
    if ((flags & MPOL_MF_MOVE_ALL) != 0 && !t.creds().has(Capability.CAP_SYS_NICE)) {
      throw EPERM.error();
    }
  }

  private static int policy(Task t, int mode, long mask, long bits) throws ErrnoException {
    int policy = mode & ~MPOL_MODE_FLAGS;
    int flags = mode & MPOL_MODE_FLAGS;
    int oneOf = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
    if (policy < MPOL_DEFAULT || policy > MPOL_PREFERRED_MANY || (flags & oneOf) == oneOf
        || (flags & MPOL_F_NUMA_BALANCING) != 0 && policy != MPOL_BIND) {
      throw EINVAL.error();
    }
    boolean[] nodes = readMask(t, mask, bits);
    boolean first = nodes[0];
    boolean others = nodes[1];
    boolean empty = !first && !others;
    boolean ok = switch (policy) {
      case MPOL_DEFAULT, MPOL_LOCAL -> empty;
      case MPOL_PREFERRED -> first || empty;
      default -> first;
    };
    if (!ok) {
      throw EINVAL.error();
    }
    if (policy == MPOL_DEFAULT) {
      return 0;
    }
    if (policy == MPOL_PREFERRED && empty) {
      policy = MPOL_LOCAL;
    }
    return policy | flags >> NumaPolicy.FLAGS_SHIFT | (first ? NumaPolicy.NODE : 0);
  }

  /** Whether node 0 is in the mask, and whether another is. */
  private static boolean[] readMask(Task t, long mask, long bits) throws ErrnoException {
    boolean[] nodes = new boolean[2];
    if (mask == 0 || bits <= 1 && bits >= 0) {
      return nodes;
    }
    long count = bits - 1;
    if (count < 0 || count > MAX_NODE_BITS) {
      throw EINVAL.error();
    }
    for (long i = 0; i < (count + 63) / 64; i++) {
      long word = t.mm().readLong(mask + i * Long.BYTES);
      if (count - i * 64 < 64) {
        word &= (1L << (count - i * 64)) - 1;
      }
      if (i == 0) {
        nodes[0] = (word & 1) != 0;
        word &= ~1L;
      }
      nodes[1] |= word != 0;
    }
    return nodes;
  }

  /** {@code man 2 get_mempolicy}: mode, nodemask, maxnode, addr, flags. */
  static long getMempolicy(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(4);
    long mask = a.addr(1);
    long bits = a.i64(2);
    boolean allowed = (flags & MPOL_F_MEMS_ALLOWED) != 0;
    boolean ofRange = (flags & MPOL_F_ADDR) != 0;
    if ((flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) != 0
        || allowed && (flags & (MPOL_F_NODE | MPOL_F_ADDR)) != 0
        || mask != 0 && Long.compareUnsigned(bits, 1) < 0
        || !ofRange && a.addr(3) != 0) {
      throw EINVAL.error();
    }
    int policy = ofRange ? t.mm().advice().policy(a.addr(3)) : allowed ? NumaPolicy.NODE : t.scheduling().memoryPolicy;
    int mode = allowed ? MPOL_DEFAULT : policy & NumaPolicy.MODE | policy << NumaPolicy.FLAGS_SHIFT & MPOL_MODE_FLAGS;
    if ((flags & MPOL_F_NODE) != 0) {
      // The node of a page, or the next node of a policy that goes round.
      if (!ofRange && (policy & NumaPolicy.MODE) != MPOL_INTERLEAVE) {
        throw EINVAL.error();
      }
      mode = 0;
    }
    if (a.addr(0) != 0) {
      t.mm().writeInt(a.addr(0), mode);
    }
    if (mask != 0) {
      long bytes = Math.min(Long.divideUnsigned(bits - 1, 64) + 1, PAGE / 8) * 8;
      t.mm().zeroOut(mask, bytes);
      if ((policy & NumaPolicy.NODE) != 0) {
        t.mm().writeLong(mask, 1);
      }
    }
    return 0;
  }

  /** {@code man 2 migrate_pages}: pid, maxnode, old_nodes, new_nodes. */
  static long migratePages(Task t, SyscallArgs a) throws ErrnoException {
    readMask(t, a.addr(2), a.i64(1));
    boolean[] to = readMask(t, a.addr(3), a.i64(1));
    target(t, a.i32(0));
    if (!to[0]) {
      throw EINVAL.error();
    }
    return 0;
  }

  /** Whose pages are asked for: one's own, or those of who may be traced. */
  private static Task target(Task t, int pid) throws ErrnoException {
    Task target = pid == 0 ? t : t.pidNamespace().task(pid);
    if (target == null) {
      throw ESRCH.error();
    }
    PtraceAccess.check(t, target);
    return target;
  }

  /** {@code man 2 move_pages}: pid, count, pages, nodes, status, flags. */
  static long movePages(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(5);
    if ((flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) != 0) {
      throw EINVAL.error();
    }
    checkMoveAll(t, flags);
    MemoryManager mm = target(t, a.i32(0)).mm();
    if (mm == null || !mm.tryAcquire()) {
      throw EINVAL.error();
    }
    try {
      long count = a.size(1);
      for (long i = 0; Long.compareUnsigned(i, count) < 0; i++) {
        long page = t.mm().readLong(a.addr(2) + i * Long.BYTES);
        if (a.addr(3) != 0 && t.mm().readInt(a.addr(3) + i * Integer.BYTES) != 0) {
          throw ENODEV.error();
        }
        t.mm().writeInt(a.addr(4) + i * Integer.BYTES, status(t, mm, page & -PAGE));
        if ((i & 1023) == 1023 && t.hasPendingInterrupt()) {
          return i + 1;
        }
      }
      return 0;
    } finally {
      mm.release();
    }
  }

  /** The node of a page, or -ENOENT for one that nobody touched, -EFAULT for none. */
  private static int status(Task t, MemoryManager mm, long page) {
    try {
      mm.advice().residency(page, 1, t.scratch());
      return t.scratch().get(JAVA_BYTE, 0) != 0 ? 0 : -ENOENT.number();
    } catch (ErrnoException e) {
      return -EFAULT.number();
    }
  }
}
