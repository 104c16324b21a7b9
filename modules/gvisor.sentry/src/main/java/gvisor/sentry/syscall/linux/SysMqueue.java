package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ETIMEDOUT;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.fs.mqueue.MqueueFile;
import gvisor.sentry.fs.mqueue.MqueueInode;
import gvisor.sentry.fs.mqueue.Mqueues;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.SigInfo;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.socket.netlink.NetlinkSocket;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Permissions;
import java.lang.foreign.MemorySegment;

/** POSIX message queues ({@code man 7 mq_overview}). */
final class SysMqueue {
  private static final int SIGEV_SIGNAL = 0;
  private static final int SIGEV_NONE = 1;
  private static final int SIGEV_THREAD = 2;
  private static final int SIGNAL_MAX = 64;
  private static final int SI_MESGQ = -3;
  private static final int COOKIE = 32;
  /** The cookie's last byte says whether the notification came or was taken back. */
  private static final byte NOTIFY_WOKENUP = 1;
  private static final byte NOTIFY_REMOVED = 2;
  private static final int PATH_MAX = 4096;
  private static final int MQ_ATTR_LONGS = 8;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private SysMqueue() {}

  static long mq_open(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(1);
    String name = t.mm().readString(a.addr(0), PATH_MAX);
    boolean create = (flags & OpenFlags.O_CREAT) != 0;
    long[] limits = null;
    if (create && a.addr(3) != 0) {
      limits = new long[] {t.mm().readLong(a.addr(3) + 8), t.mm().readLong(a.addr(3) + 16)};
    }
    int access = flags & OpenFlags.O_ACCMODE;
    if (access == OpenFlags.O_ACCMODE) {
      throw EINVAL.error();
    }
    int mask = access == OpenFlags.O_RDONLY ? Permissions.MAY_READ
        : access == OpenFlags.O_WRONLY ? Permissions.MAY_WRITE : Permissions.MAY_READ | Permissions.MAY_WRITE;
    MqueueInode queue = Mqueues.of(t).open(t, name, create, (flags & OpenFlags.O_EXCL) != 0, mask,
        a.i32(2) & ~t.fs().umask() & 07777, limits);
    queue.opened();
    FileDescription file = AnonFile.openInode(t.kernel().vfs(), new MqueueFile(queue), queue, "/" + name,
        access | flags & OpenFlags.O_NONBLOCK);
    return t.fds().install(file, true, t.fdLimit());
  }

  static long mq_unlink(Task t, SyscallArgs a) throws ErrnoException {
    Mqueues.of(t).unlink(t, t.mm().readString(a.addr(0), PATH_MAX));
    return 0;
  }

  private static MqueueFile queueFile(FileDescription f) throws ErrnoException {
    if (f.ops() instanceof MqueueFile file) {
      return file;
    }
    throw EBADF.error();
  }

  /** The time at {@code addr}, of CLOCK_REALTIME, as a deadline. */
  private static long deadline(Task t, long addr) throws ErrnoException {
    if (addr == 0) {
      return Task.FOREVER;
    }
    long seconds = t.mm().readLong(addr);
    long nanos = t.mm().readLong(addr + 8);
    if (seconds < 0 || nanos < 0 || nanos >= NANOS_PER_SECOND) {
      throw EINVAL.error();
    }
    if (seconds >= Long.MAX_VALUE / NANOS_PER_SECOND) {
      return Task.FOREVER;
    }
    long left = seconds * NANOS_PER_SECOND + nanos - t.realtimeNanos();
    return t.kernel().host().clock().monotonicNanos() + Math.max(left, 0);
  }

  static long mq_timedsend(Task t, SyscallArgs a) throws ErrnoException {
    int priority = a.i32(3);
    if (Integer.compareUnsigned(priority, MqueueInode.MQ_PRIO_MAX) >= 0) {
      throw EINVAL.error();
    }
    long deadline = deadline(t, a.addr(4));
    FileDescription f = t.fds().get(a.fd(0));
    try {
      MqueueInode queue = queueFile(f).queue();
      if (!f.isWritable()) {
        throw EBADF.error();
      }
      if (Long.compareUnsigned(a.size(2), queue.maxSize()) > 0) {
        throw EMSGSIZE.error();
      }
      byte[] text = new byte[(int) a.size(2)];
      t.mm().copyIn(a.addr(1), MemorySegment.ofArray(text), 0, text.length);
      if (queue.send(t, text, priority)) {
        return 0;
      }
      if (f.isNonblocking()) {
        return -EAGAIN.number();
      }
      queue.waiters().register(t.waiter(), EventMask.WRITABLE);
      try {
        while (!queue.send(t, text, priority)) {
          int woken = t.block(deadline);
          if (woken != Task.WOKEN) {
            return woken == Task.TIMED_OUT ? -ETIMEDOUT.number() : Restart.ERESTARTSYS;
          }
        }
        return 0;
      } finally {
        queue.waiters().unregister(t.waiter());
      }
    } finally {
      f.close();
    }
  }

  static long mq_timedreceive(Task t, SyscallArgs a) throws ErrnoException {
    long deadline = deadline(t, a.addr(4));
    FileDescription f = t.fds().get(a.fd(0));
    try {
      MqueueInode queue = queueFile(f).queue();
      if (!f.isReadable()) {
        throw EBADF.error();
      }
      if (Long.compareUnsigned(a.size(2), queue.maxSize()) < 0) {
        throw EMSGSIZE.error();
      }
      int[] priority = new int[1];
      byte[] text = queue.receive(t, priority);
      if (text == null) {
        if (f.isNonblocking()) {
          return -EAGAIN.number();
        }
        queue.receiverWaits(true);
        queue.waiters().register(t.waiter(), EventMask.READABLE);
        try {
          text = queue.receive(t, priority);
          while (text == null) {
            int woken = t.block(deadline);
            if (woken != Task.WOKEN) {
              return woken == Task.TIMED_OUT ? -ETIMEDOUT.number() : Restart.ERESTARTSYS;
            }
            text = queue.receive(t, priority);
          }
        } finally {
          queue.waiters().unregister(t.waiter());
          queue.receiverWaits(false);
        }
      }
      if (a.addr(3) != 0) {
        t.mm().writeInt(a.addr(3), priority[0]);
      }
      t.mm().copyOut(a.addr(1), MemorySegment.ofArray(text), 0, text.length);
      return text.length;
    } finally {
      f.close();
    }
  }

  static long mq_getsetattr(Task t, SyscallArgs a) throws ErrnoException {
    MemoryManager mm = t.mm();
    long wanted = 0;
    if (a.addr(1) != 0) {
      wanted = mm.readLong(a.addr(1));
      if ((wanted & ~OpenFlags.O_NONBLOCK) != 0) {
        throw EINVAL.error();
      }
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      MqueueInode queue = queueFile(f).queue();
      int before = f.flags() & OpenFlags.O_NONBLOCK;
      int count = queue.count();
      if (a.addr(1) != 0) {
        f.setStatusFlags(f.flags() & ~OpenFlags.O_NONBLOCK | (int) wanted);
      }
      if (a.addr(2) != 0) {
        long[] attributes = new long[MQ_ATTR_LONGS];
        attributes[0] = before;
        attributes[1] = queue.maxMessages();
        attributes[2] = queue.maxSize();
        attributes[3] = count;
        mm.copyOut(a.addr(2), MemorySegment.ofArray(attributes), 0, MQ_ATTR_LONGS * 8L);
      }
      return 0;
    } finally {
      f.close();
    }
  }

  static long mq_notify(Task t, SyscallArgs a) throws ErrnoException {
    Notification wanted = a.addr(1) == 0 ? null : readNotification(t, a.addr(1));
    FileDescription f = null;
    try {
      f = t.fds().get(a.fd(0));
      MqueueFile file = queueFile(f);
      if (wanted == null) {
        file.queue().unregister(t.tgid());
      } else {
        file.queue().register(wanted);
        file.registered(wanted);
        wanted = null;
      }
      return 0;
    } finally {
      if (f != null) {
        f.close();
      }
      if (wanted != null) {
        wanted.drop();
      }
    }
  }

  /** A {@code struct sigevent}: value, signal, method. */
  private static Notification readNotification(Task t, long addr) throws ErrnoException {
    MemoryManager mm = t.mm();
    long value = mm.readLong(addr);
    int signal = mm.readInt(addr + 8);
    int method = mm.readInt(addr + 12);
    switch (method) {
      case SIGEV_NONE -> {
        return new Notification(t, method, 0, value, null, null);
      }
      case SIGEV_SIGNAL -> {
        if (signal < 0 || signal > SIGNAL_MAX) {
          throw EINVAL.error();
        }
        return new Notification(t, method, signal, value, null, null);
      }
      case SIGEV_THREAD -> {
        // The C library's way to start a thread: a cookie to be sent to a netlink socket it reads.
        byte[] cookie = new byte[COOKIE];
        mm.copyIn(value, MemorySegment.ofArray(cookie), 0, COOKIE);
        FileDescription socket = t.fds().get(signal);
        if (!(socket.ops() instanceof NetlinkSocket)) {
          socket.close();
          throw EBADF.error();
        }
        return new Notification(t, method, signal, value, socket, cookie);
      }
      default -> throw EINVAL.error();
    }
  }

  /** Tells a process of a message by a signal, or by a cookie to its netlink socket. */
  private static final class Notification implements MqueueInode.Notification {
    private final ThreadGroup process;
    private final int pid;
    private final int method;
    private final int signal;
    private final long value;
    private final FileDescription socket;
    private final byte[] cookie;

    Notification(Task t, int method, int signal, long value, FileDescription socket, byte[] cookie) {
      this.process = t.threadGroup();
      this.pid = t.tgid();
      this.method = method;
      this.signal = signal;
      this.value = value;
      this.socket = socket;
      this.cookie = cookie;
    }

    @Override
    public void messageArrived(Caller sender) {
      if (method == SIGEV_SIGNAL && signal != 0) {
        process.sendSignal(SigInfo.queued(signal, SI_MESGQ, sender.tgid(), sender.creds().uid(), value));
      } else if (method == SIGEV_THREAD) {
        cookie[COOKIE - 1] = NOTIFY_WOKENUP;
        ((NetlinkSocket) socket.ops()).offer(cookie);
        drop();
      }
    }

    @Override
    public void removed() {
      if (method == SIGEV_THREAD) {
        cookie[COOKIE - 1] = NOTIFY_REMOVED;
        ((NetlinkSocket) socket.ops()).offer(cookie);
        drop();
      }
    }

    void drop() {
      if (socket != null) {
        socket.close();
      }
    }

    @Override
    public int pid() {
      return pid;
    }

    @Override
    public int method() {
      return method;
    }

    @Override
    public int signal() {
      return method == SIGEV_SIGNAL ? signal : 0;
    }
  }
}
