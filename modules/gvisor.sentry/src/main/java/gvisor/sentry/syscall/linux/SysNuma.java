package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.syscall.SyscallArgs;

/** NUMA policy ({@code man 7 numa}) on a machine that has one node: checked, and without effect. */
final class SysNuma {
  private static final int MPOL_DEFAULT = 0;
  private static final int MPOL_PREFERRED = 1;
  private static final int MPOL_BIND = 2;
  private static final int MPOL_INTERLEAVE = 3;
  private static final int MPOL_LOCAL = 4;
  private static final int MPOL_PREFERRED_MANY = 5;
  private static final int MPOL_MODE_FLAGS = 1 << 15 | 1 << 14 | 1 << 13;
  private static final int MPOL_F_NODE = 1;
  private static final int MPOL_F_ADDR = 2;
  private static final int MPOL_F_MEMS_ALLOWED = 4;
  private static final int MPOL_MF_VALID = 7;
  private static final int PAGE = MemoryManager.PAGE_SIZE;

  /** More bits than this in a node mask are refused, as Linux does: a page of them. */
  private static final long MAX_NODE_BITS = PAGE * 8L;

  private SysNuma() {}

  /** {@code man 2 mbind}: addr, length, mode, nodemask, maxnode, flags. */
  static long mbind(Task t, SyscallArgs a) throws ErrnoException {
    long addr = a.addr(0);
    if ((a.i32(5) & ~MPOL_MF_VALID) != 0 || (addr & PAGE - 1) != 0) {
      throw EINVAL.error();
    }
    checkPolicy(t, a.i32(2), a.addr(3), a.i64(4));
    long length = a.size(1) + PAGE - 1 & -PAGE;
    if (addr + length < addr || length < 0) {
      throw EINVAL.error();
    }
    if (length > 0 && !t.mm().isMapped(addr, length)) {
      throw EFAULT.error();
    }
    return 0;
  }

  /** {@code man 2 set_mempolicy}: mode, nodemask, maxnode. */
  static long setMempolicy(Task t, SyscallArgs a) throws ErrnoException {
    checkPolicy(t, a.i32(0), a.addr(1), a.i64(2));
    return 0;
  }

  private static void checkPolicy(Task t, int mode, long mask, long bits) throws ErrnoException {
    int policy = mode & ~MPOL_MODE_FLAGS;
    if (policy < MPOL_DEFAULT || policy > MPOL_PREFERRED_MANY) {
      throw EINVAL.error();
    }
    boolean[] nodes = readMask(t, mask, bits);
    boolean first = nodes[0];
    boolean others = nodes[1];
    boolean ok = switch (policy) {
      case MPOL_DEFAULT, MPOL_LOCAL -> !first && !others;
      case MPOL_BIND, MPOL_INTERLEAVE, MPOL_PREFERRED_MANY -> first;
      case MPOL_PREFERRED -> first || !others;
      default -> false;
    };
    if (!ok) {
      throw EINVAL.error();
    }
  }

  /** Whether node 0 is in the mask, and whether another is. */
  private static boolean[] readMask(Task t, long mask, long bits) throws ErrnoException {
    boolean[] nodes = new boolean[2];
    if (mask == 0 || bits <= 1) {
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
    if ((flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) != 0
        || allowed && (flags & (MPOL_F_NODE | MPOL_F_ADDR)) != 0
        || mask != 0 && Long.compareUnsigned(bits, 1) < 0
        || (flags & MPOL_F_ADDR) == 0 && a.addr(3) != 0
        || (flags & (MPOL_F_NODE | MPOL_F_ADDR)) == MPOL_F_NODE) {
      throw EINVAL.error();
    }
    if ((flags & MPOL_F_ADDR) != 0 && !t.mm().isMapped(a.addr(3) & -PAGE, PAGE)) {
      throw EFAULT.error();
    }
    if (a.addr(0) != 0) {
      t.mm().writeInt(a.addr(0), MPOL_DEFAULT);
    }
    if (mask != 0) {
      long bytes = Math.min((bits + 63) / 64, PAGE / 8) * 8;
      t.mm().zeroOut(mask, bytes);
      if (allowed) {
        t.mm().writeLong(mask, 1);
      }
    }
    return 0;
  }

  /** {@code man 2 migrate_pages}: pid, maxnode, old_nodes, new_nodes. */
  static long migratePages(Task t, SyscallArgs a) throws ErrnoException {
    int pid = a.i32(0);
    if (pid != 0 && t.pidNamespace().task(pid) == null) {
      throw ESRCH.error();
    }
    readMask(t, a.addr(2), a.i64(1));
    boolean[] to = readMask(t, a.addr(3), a.i64(1));
    if (!to[0]) {
      throw EINVAL.error();
    }
    return 0;
  }

  /** {@code man 2 move_pages}: pid, count, pages, nodes, status, flags. */
  static long movePages(Task t, SyscallArgs a) throws ErrnoException {
    int pid = a.i32(0);
    Task target = pid == 0 ? t : t.pidNamespace().task(pid);
    if ((a.i32(5) & ~6) != 0) {
      throw EINVAL.error();
    }
    if (target == null) {
      throw ESRCH.error();
    }
    long count = a.size(1);
    MemoryManager mm = target.mm();
    for (long i = 0; Long.compareUnsigned(i, count) < 0; i++) {
      long page = t.mm().readLong(a.addr(2) + i * Long.BYTES);
      int status = mm != null && mm.isMapped(page & -PAGE, PAGE) ? 0 : -ENOENT.number();
      if (a.addr(3) != 0 && t.mm().readInt(a.addr(3) + i * Integer.BYTES) != 0) {
        throw ENODEV.error();
      }
      t.mm().writeInt(a.addr(4) + i * Integer.BYTES, status);
      if ((i & 1023) == 1023 && t.hasPendingInterrupt()) {
        return i + 1;
      }
    }
    return 0;
  }
}
