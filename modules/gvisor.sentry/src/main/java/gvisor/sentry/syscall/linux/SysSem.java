package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.E2BIG;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EFBIG;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ipc.IpcObject;
import gvisor.sentry.kernel.ipc.SemaphoreSet;
import gvisor.sentry.kernel.ipc.SemaphoreTable;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** System V semaphores ({@code man 2 semget}, {@code man 2 semop}, {@code man 2 semctl}). */
final class SysSem {
  static final int IPC_RMID = 0;
  static final int IPC_SET = 1;
  static final int IPC_STAT = 2;
  static final int IPC_INFO = 3;
  private static final int GETPID = 11;
  private static final int GETVAL = 12;
  private static final int GETALL = 13;
  private static final int GETNCNT = 14;
  private static final int GETZCNT = 15;
  private static final int SETVAL = 16;
  private static final int SETALL = 17;
  private static final int SEM_STAT = 18;
  private static final int SEM_INFO = 19;
  private static final int SEM_STAT_ANY = 20;

  private static final int SEMBUF_SIZE = 6;
  private static final int SEMID_DS_SIZE = 104;
  private static final int SEMINFO_SIZE = 40;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private SysSem() {}

  private static SemaphoreTable table(Task t) {
    return t.ipc().registry(SemaphoreTable.class, SemaphoreTable::new);
  }

  static long nowSeconds(Task t) {
    return t.realtimeNanos() / NANOS_PER_SECOND;
  }

  static long semget(Task t, SyscallArgs a) throws ErrnoException {
    return table(t).get(t.creds(), a.i32(0), a.i32(1), a.i32(2), nowSeconds(t)).id();
  }

  static long semop(Task t, SyscallArgs a) throws ErrnoException {
    return operate(t, a, Task.FOREVER);
  }

  static long semtimedop(Task t, SyscallArgs a) throws ErrnoException {
    long timeout = a.addr(3);
    if (timeout == 0) {
      return operate(t, a, Task.FOREVER);
    }
    long seconds = t.mm().readLong(timeout);
    long nanos = t.mm().readLong(timeout + 8);
    if (seconds < 0 || nanos < 0 || nanos >= NANOS_PER_SECOND) {
      throw EINVAL.error();
    }
    long deadline = seconds >= Integer.MAX_VALUE ? Task.FOREVER
        : t.kernel().host().clock().monotonicNanos() + seconds * NANOS_PER_SECOND + nanos;
    return operate(t, a, deadline);
  }

  private static long operate(Task t, SyscallArgs a, long deadline) throws ErrnoException {
    int id = a.i32(0);
    int count = (int) a.size(2);
    if (count < 1 || id < 0) {
      throw EINVAL.error();
    }
    if (Integer.compareUnsigned(count, SemaphoreTable.SEMOPM) > 0) {
      throw E2BIG.error();
    }
    MemoryManager mm = t.mm();
    short[] numbers = new short[count];
    short[] changes = new short[count];
    short[] flags = new short[count];
    int highest = 0;
    boolean alters = false;
    for (int i = 0; i < count; i++) {
      long at = a.addr(1) + (long) i * SEMBUF_SIZE;
      int number = mm.readShort(at) & 0xffff;
      highest = Math.max(highest, number);
      numbers[i] = (short) number;
      changes[i] = mm.readShort(at + 2);
      flags[i] = mm.readShort(at + 4);
      if ((flags[i] & SemaphoreSet.SEM_UNDO) != 0) {
        t.threadGroup().setUsesSemUndo();
      }
      alters |= changes[i] != 0;
    }
    SemaphoreSet set = table(t).find(id);
    if (highest >= set.size()) {
      throw EFBIG.error();
    }
    set.require(t.creds(), alters ? IpcObject.WRITE : IpcObject.READ);
    SemaphoreSet.Pending pending =
        new SemaphoreSet.Pending(numbers, changes, flags, t.tgid(), t.threadGroup(), t.waiter());
    if (set.perform(pending, nowSeconds(t))) {
      return 0;
    }
    while (!pending.isDone()) {
      int woken = t.block(deadline);
      if (woken != Task.WOKEN && set.cancel(pending)) {
        return woken == Task.TIMED_OUT ? -EAGAIN.number() : -EINTR.number();
      }
    }
    return pending.result();
  }

  static long semctl(Task t, SyscallArgs a) throws ErrnoException {
    int id = a.i32(0);
    int number = a.i32(1);
    int command = a.i32(2) & ~0x100;
    SemaphoreTable table = table(t);
    if (id < 0) {
      throw EINVAL.error();
    }
    switch (command) {
      case IPC_INFO, SEM_INFO -> {
        return info(t, table, command == SEM_INFO, a.addr(3));
      }
      case IPC_STAT, SEM_STAT, SEM_STAT_ANY -> {
        SemaphoreSet set = command == IPC_STAT ? table.find(id) : table.at(id);
        if (command != SEM_STAT_ANY) {
          set.require(t.creds(), IpcObject.READ);
        }
        stat(t, set, a.addr(3));
        return command == IPC_STAT ? 0 : set.id();
      }
      case GETVAL, GETPID, GETNCNT, GETZCNT -> {
        SemaphoreSet set = table.find(id);
        set.require(t.creds(), IpcObject.READ);
        return switch (command) {
          case GETVAL -> set.value(number);
          case GETPID -> set.pid(number);
          default -> set.waiters(number, command == GETZCNT);
        };
      }
      case GETALL -> {
        SemaphoreSet set = table.find(id);
        set.require(t.creds(), IpcObject.READ);
        MemorySegment values = MemorySegment.ofArray(set.values());
        t.mm().copyOut(a.addr(3), values, 0, values.byteSize());
        return 0;
      }
      case SETVAL -> {
        SemaphoreSet set = table.find(id);
        set.require(t.creds(), IpcObject.WRITE);
        set.setValue(number, (int) a.i64(3), t.tgid(), nowSeconds(t));
        return 0;
      }
      case SETALL -> {
        SemaphoreSet set = table.find(id);
        set.require(t.creds(), IpcObject.WRITE);
        short[] values = new short[set.size()];
        t.mm().copyIn(a.addr(3), MemorySegment.ofArray(values), 0, values.length * 2L);
        set.setValues(values, t.tgid(), nowSeconds(t));
        return 0;
      }
      case IPC_SET -> {
        MemorySegment perm = MemorySegment.ofArray(new byte[IpcObject.PERM_SIZE]);
        t.mm().copyIn(a.addr(3), perm, 0, IpcObject.PERM_SIZE);
        SemaphoreSet set = table.find(id);
        set.requireOwner(t.creds());
        set.objectLock.lock();
        try {
          set.setPerm(perm, nowSeconds(t));
        } finally {
          set.objectLock.unlock();
        }
        return 0;
      }
      case IPC_RMID -> {
        SemaphoreSet set = table.find(id);
        set.requireOwner(t.creds());
        table.remove(set);
        return 0;
      }
      default -> throw EINVAL.error();
    }
  }

  private static void stat(Task t, SemaphoreSet set, long addr) throws ErrnoException {
    MemorySegment out = MemorySegment.ofArray(new byte[SEMID_DS_SIZE]);
    set.objectLock.lock();
    try {
      set.putPerm(out);
      out.set(ValueLayout.JAVA_LONG_UNALIGNED, 48, set.operationSeconds());
      out.set(ValueLayout.JAVA_LONG_UNALIGNED, 64, set.changeSeconds());
      out.set(ValueLayout.JAVA_LONG_UNALIGNED, 80, set.size());
    } finally {
      set.objectLock.unlock();
    }
    t.mm().copyOut(addr, out, 0, SEMID_DS_SIZE);
  }

  private static long info(Task t, SemaphoreTable table, boolean isUsage, long addr) throws ErrnoException {
    if (addr == 0) {
      throw EFAULT.error();
    }
    int[] info = new int[SEMINFO_SIZE / 4];
    info[0] = SemaphoreTable.SEMMNS;
    info[1] = SemaphoreTable.SEMMNI;
    info[2] = SemaphoreTable.SEMMNS;
    info[3] = SemaphoreTable.SEMMNS;
    info[4] = SemaphoreTable.SEMMSL;
    info[5] = SemaphoreTable.SEMOPM;
    info[6] = SemaphoreTable.SEMOPM;
    info[7] = isUsage ? table.all().size() : 20;
    info[8] = SemaphoreSet.SEMVMX;
    info[9] = isUsage ? table.total() : SemaphoreSet.SEMVMX;
    t.mm().copyOut(addr, MemorySegment.ofArray(info), 0, SEMINFO_SIZE);
    return table.highest();
  }
}
