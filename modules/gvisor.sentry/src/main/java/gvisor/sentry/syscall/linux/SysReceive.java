package gvisor.sentry.syscall.linux;

import static gvisor.api.abi.SocketAbi.MSG_CMSG_CLOEXEC;
import static gvisor.api.abi.SocketAbi.MSG_CTRUNC;
import static gvisor.api.abi.SocketAbi.MSG_DONTWAIT;
import static gvisor.api.abi.SocketAbi.MSG_ERRQUEUE;
import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.MSG_WAITALL;
import static gvisor.api.abi.SocketAbi.MSG_WAITFORONE;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.UserBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;

/** Receiving on sockets ({@code man 2 recv}, {@code man 2 recvmmsg}). */
final class SysReceive {
  private static final int RECEIVE_EVENTS = EventMask.READABLE | EventMask.EPOLLRDHUP;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private SysReceive() {}

  static long recvfrom(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      Message m = t.message();
      long n = receive(t, f, s, m, t.buffer(a.addr(1), a.size(2)), a.i32(3));
      SocketControl.closeFiles(m);
      if (n >= 0 && a.addr(4) != 0) {
        SocketFiles.writeAddress(t, m.name, a.addr(4), a.addr(5));
      }
      return n;
    } finally {
      f.close();
    }
  }

  static long recvmsg(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      return receiveMessage(t, f, SocketFiles.socket(f), a.addr(1), a.i32(2));
    } finally {
      f.close();
    }
  }

  static long recvmmsg(Task t, SyscallArgs a) throws ErrnoException {
    MemoryManager mm = t.mm();
    long timeoutAddr = a.addr(4);
    long deadline = Task.FOREVER;
    if (timeoutAddr != 0) {
      long seconds = mm.readLong(timeoutAddr);
      long nanos = mm.readLong(timeoutAddr + 8);
      if (seconds < 0 || nanos < 0 || nanos >= NANOS_PER_SECOND) {
        throw EINVAL.error();
      }
      if (seconds < Integer.MAX_VALUE) {
        deadline = t.kernel().host().clock().monotonicNanos() + seconds * NANOS_PER_SECOND + nanos;
      }
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      long n = receiveMany(t, f, a.addr(1), a.i32(2), a.i32(3), deadline);
      if (n > 0 && timeoutAddr != 0 && deadline != Task.FOREVER) {
        long left = Math.max(deadline - t.kernel().host().clock().monotonicNanos(), 0);
        mm.writeLong(timeoutAddr, left / NANOS_PER_SECOND);
        mm.writeLong(timeoutAddr + 8, left % NANOS_PER_SECOND);
      }
      return n;
    } finally {
      f.close();
    }
  }

  private static long receiveMany(Task t, FileDescription f, long vector, int wanted, int flags, long deadline)
      throws ErrnoException {
    Socket s = SocketFiles.socket(f);
    int count = wanted < 0 ? SysSend.MAX_MESSAGES : Math.min(wanted, SysSend.MAX_MESSAGES);
    int now = flags & ~MSG_WAITFORONE;
    for (int i = 0; i < count; i++) {
      long header = vector + (long) i * SysSend.MMSG_SIZE;
      try {
        long n = receiveMessage(t, f, s, header, now);
        if (n < 0) {
          return i > 0 ? i : n;
        }
        t.mm().writeInt(header + SysSend.MMSG_LEN, (int) n);
      } catch (ErrnoException e) {
        if (i > 0) {
          // The next call is told.
          if (e.errno() != EAGAIN) {
            s.setError(e.errno());
          }
          return i;
        }
        throw e;
      }
      if ((flags & MSG_WAITFORONE) != 0) {
        now |= MSG_DONTWAIT;
      }
      // Linux looks at the time between messages only: a wait for a message is as long as the socket says.
      if (deadline != Task.FOREVER && t.kernel().host().clock().monotonicNanos() >= deadline) {
        return i + 1;
      }
    }
    return count;
  }

  private static long receiveMessage(Task t, FileDescription f, Socket s, long header, int flags)
      throws ErrnoException {
    MemoryManager mm = t.mm();
    Message m = t.message();
    UserBuffer data = SysSend.readHeader(t, header, false);
    long name = mm.readLong(header + SysSend.MSG_NAME);
    long control = mm.readLong(header + SysSend.MSG_CONTROL);
    long room = control == 0 ? 0 : mm.readLong(header + SysSend.MSG_CONTROLLEN);
    try {
      long n = receive(t, f, s, m, data, flags);
      if (n < 0) {
        return n;
      }
      if (name != 0) {
        SocketFiles.writeAddress(t, m.name, name, header + SysSend.MSG_NAMELEN);
      }
      boolean cloexec = (flags & MSG_CMSG_CLOEXEC) != 0;
      long written = 0;
      if (room > 0) {
        written = SocketControl.write(t, m, control, Math.min(room, Integer.MAX_VALUE), cloexec);
      } else if (m.files != null || m.creds != null || m.controlLength > 0) {
        m.flags |= MSG_CTRUNC;
      }
      mm.writeInt(header + SysSend.MSG_FLAGS, m.flags | flags & MSG_CMSG_CLOEXEC);
      mm.writeLong(header + SysSend.MSG_CONTROLLEN, written);
      return n;
    } finally {
      SocketControl.closeFiles(m);
    }
  }

  /** Receives, waiting as the flags and the socket's timeout and low-water mark say. */
  static long receive(Task t, FileDescription f, Socket s, Message m, IoBuffer dst, int flags) throws ErrnoException {
    long wanted = dst.remaining();
    long n = s.receive(t, m, dst, flags);
    boolean waits = !f.isNonblocking() && (flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) == 0;
    long target = Math.min(wanted, (flags & MSG_WAITALL) != 0 ? wanted : s.options().receiveLowWater);
    boolean isEnough =
        n == 0 || n >= target || !s.isStream() || m.isComplete || (flags & (MSG_PEEK | MSG_OOB)) != 0;
    if (n != FileOps.WOULD_BLOCK && (isEnough || n < 0)) {
      return n;
    }
    if (!waits) {
      return n;
    }
    long got = Math.max(n, 0);
    long timeout = s.timeoutNanos(false);
    long deadline = SocketFiles.deadline(t, timeout);
    s.register(t.waiter(), RECEIVE_EVENTS);
    try {
      while (true) {
        n = s.receive(t, m, dst, flags);
        if (n != FileOps.WOULD_BLOCK) {
          got += n;
          if (n == 0 || got >= target || !s.isStream() || m.isComplete || (flags & MSG_PEEK) != 0) {
            return got;
          }
          continue;
        }
        int woken = t.block(deadline);
        if (woken == Task.TIMED_OUT) {
          return got > 0 ? got : -EAGAIN.number();
        }
        if (woken == Task.INTERRUPTED) {
          return got > 0 ? got : timeout < 0 ? Restart.ERESTARTSYS : -EINTR.number();
        }
      }
    } catch (ErrnoException e) {
      if (got > 0) {
        return got;
      }
      throw e;
    } finally {
      s.unregister(t.waiter());
    }
  }
}
