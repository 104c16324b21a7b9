package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.E2BIG;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.sentry.kernel.CloneArgs.CLONE_DETACHED;
import static gvisor.sentry.kernel.CloneArgs.CLONE_INTO_CGROUP;
import static gvisor.sentry.kernel.CloneArgs.CLONE_PARENT_SETTID;
import static gvisor.sentry.kernel.CloneArgs.CLONE_PIDFD;
import static gvisor.sentry.kernel.CloneArgs.CLONE_THREAD;
import static gvisor.sentry.kernel.CloneArgs.CLONE_VFORK;
import static gvisor.sentry.kernel.CloneArgs.CLONE_VM;
import static gvisor.sentry.kernel.CloneArgs.CSIGNAL;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.CloneArgs;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskClone;
import gvisor.sentry.kernel.Unshare;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;

/** New tasks and namespaces. */
final class SysClone {
  // struct clone_args, man 2 clone: 64-bit words.
  private static final int FLAGS = 0;
  private static final int PIDFD = 8;
  private static final int CHILD_TID = 16;
  private static final int PARENT_TID = 24;
  private static final int EXIT_SIGNAL = 32;
  private static final int STACK = 40;
  private static final int STACK_SIZE = 48;
  private static final int TLS = 56;
  private static final int SET_TID = 64;
  private static final int SET_TID_SIZE = 72;
  private static final int CLONE_ARGS_SIZE_VER0 = 64;
  private static final int CLONE_ARGS_SIZE = 88;
  private static final int PAGE_SIZE = 4096;
  private static final int MAX_PID_NS_LEVEL = 32;
  private static final long KNOWN_FLAGS = 0x3_ffff_ffffL & ~CSIGNAL;

  private SysClone() {}

  /** {@code man 2 fork}. */
  static long fork(Task t, SyscallArgs a) throws ErrnoException {
    return TaskClone.clone(t, new CloneArgs(0, Signal.SIGCHLD, 0, 0, 0, 0, 0, null));
  }

  /** {@code man 2 vfork}. */
  static long vfork(Task t, SyscallArgs a) throws ErrnoException {
    return TaskClone.clone(t, new CloneArgs(CLONE_VM | CLONE_VFORK, Signal.SIGCHLD, 0, 0, 0, 0, 0, null));
  }

  /** {@code man 2 clone}: flags, stack, parent_tid, child_tid, tls. */
  static long clone(Task t, SyscallArgs a) throws ErrnoException {
    long word = a.i64(0) & 0xffffffffL;
    long flags = word & ~CSIGNAL;
    if ((flags & CLONE_PIDFD) != 0 && (flags & CLONE_PARENT_SETTID) != 0) {
      throw EINVAL.error();
    }
    return TaskClone.clone(t,
        new CloneArgs(flags, (int) (word & CSIGNAL), a.addr(2), a.addr(2), a.addr(3), a.addr(1), a.i64(4), null));
  }

  /** {@code man 2 clone3}: args, size. */
  static long clone3(Task t, SyscallArgs a) throws ErrnoException {
    long size = a.size(1);
    if (Long.compareUnsigned(size, PAGE_SIZE) > 0) {
      throw E2BIG.error();
    }
    if (size < CLONE_ARGS_SIZE_VER0) {
      throw EINVAL.error();
    }
    MemorySegment s = t.scratch();
    s.asSlice(0, CLONE_ARGS_SIZE).fill((byte) 0);
    t.mm().copyIn(a.addr(0), s, 0, size);
    for (long i = CLONE_ARGS_SIZE; i < size; i++) {
      if (s.get(java.lang.foreign.ValueLayout.JAVA_BYTE, i) != 0) {
        throw E2BIG.error();
      }
    }
    long flags = s.get(JAVA_LONG_UNALIGNED, FLAGS);
    long exitSignal = s.get(JAVA_LONG_UNALIGNED, EXIT_SIGNAL);
    long stack = s.get(JAVA_LONG_UNALIGNED, STACK);
    long stackSize = s.get(JAVA_LONG_UNALIGNED, STACK_SIZE);
    long tidCount = s.get(JAVA_LONG_UNALIGNED, SET_TID_SIZE);
    long tidAddr = s.get(JAVA_LONG_UNALIGNED, SET_TID);
    if ((flags & ~KNOWN_FLAGS) != 0 || (flags & CLONE_DETACHED) != 0 || (flags & CLONE_INTO_CGROUP) != 0
        || exitSignal < 0 || exitSignal > Signal.MAX || (flags & CLONE_THREAD) != 0 && exitSignal != 0
        || stack == 0 && stackSize != 0 || stack != 0 && stackSize == 0
        || Long.compareUnsigned(tidCount, MAX_PID_NS_LEVEL) > 0 || (tidAddr == 0) != (tidCount == 0)) {
      throw EINVAL.error();
    }
    CloneArgs args = new CloneArgs(flags, (int) exitSignal, s.get(JAVA_LONG_UNALIGNED, PIDFD),
        s.get(JAVA_LONG_UNALIGNED, PARENT_TID), s.get(JAVA_LONG_UNALIGNED, CHILD_TID),
        stack == 0 ? 0 : stack + stackSize, s.get(JAVA_LONG_UNALIGNED, TLS), setTid(t, tidAddr, (int) tidCount));
    return TaskClone.clone(t, args);
  }

  private static int[] setTid(Task t, long addr, int count) throws ErrnoException {
    if (count == 0) {
      return null;
    }
    if (count > t.pidNamespace().level() + 1) {
      throw EINVAL.error();
    }
    MemorySegment s = t.scratch().asSlice(PAGE_SIZE, 4L * count);
    t.mm().copyIn(addr, s, 0, 4L * count);
    if (!t.creds().has(Capability.CAP_SYS_ADMIN) && !t.creds().has(Capability.CAP_CHECKPOINT_RESTORE)) {
      throw EPERM.error();
    }
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = s.get(JAVA_INT_UNALIGNED, 4L * i);
    }
    return ids;
  }

  /** {@code man 2 unshare}. */
  static long unshare(Task t, SyscallArgs a) throws ErrnoException {
    Unshare.unshare(t, a.i64(0) & 0xffffffffL);
    return 0;
  }
}
