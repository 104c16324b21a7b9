package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMSG;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ipc.IpcObject;
import gvisor.sentry.kernel.ipc.MessageQueue;
import gvisor.sentry.kernel.ipc.MessageTable;
import gvisor.sentry.kernel.ipc.SemaphoreSet;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** System V message queues ({@code man 2 msgget}, {@code man 2 msgop}, {@code man 2 msgctl}). */
final class SysMsg {
  private static final int MSG_STAT = 11;
  private static final int MSG_INFO = 12;
  private static final int MSG_STAT_ANY = 13;
  private static final int MSQID_DS_SIZE = 120;
  private static final int MSGINFO_SIZE = 32;
  private static final int IPC_NOWAIT = SemaphoreSet.IPC_NOWAIT;

  private SysMsg() {}

  private static MessageTable table(Task t) {
    return t.ipc().registry(MessageTable.class, MessageTable::new);
  }

  static long msgget(Task t, SyscallArgs a) throws ErrnoException {
    return table(t).get(t.creds(), a.i32(0), a.i32(1), SysSem.nowSeconds(t)).id();
  }

  static long msgsnd(Task t, SyscallArgs a) throws ErrnoException {
    long size = a.size(2);
    long type = t.mm().readLong(a.addr(1));
    if (size < 0 || size > MessageTable.MSGMAX || a.i32(0) < 0 || type < 1) {
      throw EINVAL.error();
    }
    byte[] text = new byte[(int) size];
    t.mm().copyIn(a.addr(1) + 8, MemorySegment.ofArray(text), 0, size);
    MessageTable table = table(t);
    MessageQueue queue = table.find(a.i32(0));
    queue.require(t.creds(), IpcObject.WRITE);
    table.reserve(text.length);
    boolean sent = false;
    try {
      long result = send(t, queue, new MessageQueue.Item(type, text), a.i32(3));
      sent = result == 0;
      return result;
    } finally {
      if (!sent) {
        table.release(text.length);
      }
    }
  }

  private static long send(Task t, MessageQueue queue, MessageQueue.Item item, int flags) throws ErrnoException {
    if (queue.send(item, t.tgid(), SysSem.nowSeconds(t))) {
      return 0;
    }
    if ((flags & IPC_NOWAIT) != 0) {
      return -EAGAIN.number();
    }
    queue.senders.register(t.waiter(), EventMask.WRITABLE);
    try {
      while (!queue.send(item, t.tgid(), SysSem.nowSeconds(t))) {
        if (t.block(Task.FOREVER) == Task.INTERRUPTED) {
          return -EINTR.number();
        }
      }
      return 0;
    } finally {
      queue.senders.unregister(t.waiter());
    }
  }

  static long msgrcv(Task t, SyscallArgs a) throws ErrnoException {
    long size = a.size(2);
    int flags = a.i32(4);
    if (a.i32(0) < 0 || size < 0) {
      throw EINVAL.error();
    }
    boolean copies = (flags & MessageQueue.MSG_COPY) != 0;
    if (copies && ((flags & MessageQueue.MSG_EXCEPT) != 0 || (flags & IPC_NOWAIT) == 0)) {
      throw EINVAL.error();
    }
    MessageTable table = table(t);
    MessageQueue queue = table.find(a.i32(0));
    queue.require(t.creds(), IpcObject.READ);
    long type = a.i64(3);
    MessageQueue.Item item = queue.receive(type, flags, size, t.tgid(), SysSem.nowSeconds(t));
    if (item == null) {
      if ((flags & IPC_NOWAIT) != 0) {
        throw ENOMSG.error();
      }
      queue.receivers.register(t.waiter(), EventMask.READABLE);
      try {
        item = queue.receive(type, flags, size, t.tgid(), SysSem.nowSeconds(t));
        while (item == null) {
          if (t.block(Task.FOREVER) == Task.INTERRUPTED) {
            return -EINTR.number();
          }
          item = queue.receive(type, flags, size, t.tgid(), SysSem.nowSeconds(t));
        }
      } finally {
        queue.receivers.unregister(t.waiter());
      }
    }
    if (!copies) {
      table.release(item.text().length);
    }
    int n = (int) Math.min(size, item.text().length);
    t.mm().writeLong(a.addr(1), item.type());
    t.mm().copyOut(a.addr(1) + 8, MemorySegment.ofArray(item.text()), 0, n);
    return n;
  }

  static long msgctl(Task t, SyscallArgs a) throws ErrnoException {
    int id = a.i32(0);
    int command = a.i32(1) & ~0x100;
    if (id < 0) {
      throw EINVAL.error();
    }
    MessageTable table = table(t);
    switch (command) {
      case SysSem.IPC_INFO, MSG_INFO -> {
        return info(t, table, command == MSG_INFO, a.addr(2));
      }
      case SysSem.IPC_STAT, MSG_STAT, MSG_STAT_ANY -> {
        MessageQueue queue = command == SysSem.IPC_STAT ? table.find(id) : table.at(id);
        if (command != MSG_STAT_ANY) {
          queue.require(t.creds(), IpcObject.READ);
        }
        MemorySegment out = MemorySegment.ofArray(new byte[MSQID_DS_SIZE]);
        queue.objectLock.lock();
        try {
          queue.stat(out);
        } finally {
          queue.objectLock.unlock();
        }
        t.mm().copyOut(a.addr(2), out, 0, MSQID_DS_SIZE);
        return command == SysSem.IPC_STAT ? 0 : queue.id();
      }
      case SysSem.IPC_SET -> {
        set(t, table, id, a.addr(2));
        return 0;
      }
      case SysSem.IPC_RMID -> {
        MessageQueue queue = table.find(id);
        queue.requireOwner(t.creds());
        table.remove(queue);
        return 0;
      }
      default -> throw EINVAL.error();
    }
  }

  private static void set(Task t, MessageTable table, int id, long addr) throws ErrnoException {
    MemorySegment in = MemorySegment.ofArray(new byte[MSQID_DS_SIZE]);
    t.mm().copyIn(addr, in, 0, MSQID_DS_SIZE);
    MessageQueue queue = table.find(id);
    queue.requireOwner(t.creds());
    long most = in.get(ValueLayout.JAVA_LONG_UNALIGNED, 88);
    if (Long.compareUnsigned(most, MessageTable.MSGMNB) > 0 && !t.creds().has(Capability.CAP_SYS_RESOURCE)) {
      throw EPERM.error();
    }
    queue.objectLock.lock();
    try {
      queue.setPerm(in, SysSem.nowSeconds(t));
      queue.setMaxBytes(most < 0 ? Long.MAX_VALUE : most);
    } finally {
      queue.objectLock.unlock();
    }
    queue.senders.notify(EventMask.WRITABLE);
  }

  private static long info(Task t, MessageTable table, boolean isUsage, long addr) throws ErrnoException {
    if (addr == 0) {
      throw EFAULT.error();
    }
    int[] info = new int[MSGINFO_SIZE / 4];
    if (isUsage) {
      for (MessageQueue q : table.all()) {
        info[0]++;
        info[1] += q.count();
        info[6] += (int) q.bytes();
      }
    } else {
      info[0] = MessageTable.MSGMNI * MessageTable.MSGMNB / 1024;
      info[1] = MessageTable.MSGMNB;
      info[6] = MessageTable.MSGMNB;
    }
    info[2] = MessageTable.MSGMAX;
    info[3] = MessageTable.MSGMNB;
    info[4] = MessageTable.MSGMNI;
    info[5] = 16;
    info[7] = 0xffff;
    t.mm().copyOut(addr, MemorySegment.ofArray(info), 0, MSGINFO_SIZE);
    return table.highest();
  }
}
