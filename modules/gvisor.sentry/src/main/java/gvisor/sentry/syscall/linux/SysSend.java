package gvisor.sentry.syscall.linux;

import static gvisor.api.abi.SocketAbi.MSG_DONTWAIT;
import static gvisor.api.abi.SocketAbi.MSG_NOSIGNAL;
import static gvisor.api.abi.SocketAbi.SOCKADDR_STORAGE;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ENOBUFS;
import static gvisor.api.errno.Errno.EPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
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

/** Sending on sockets ({@code man 2 send}, {@code man 2 sendmmsg}). */
final class SysSend {
  /** {@code struct msghdr}. */
  static final int MSG_NAME = 0;
  static final int MSG_NAMELEN = 8;
  static final int MSG_IOV = 16;
  static final int MSG_IOVLEN = 24;
  static final int MSG_CONTROL = 32;
  static final int MSG_CONTROLLEN = 40;
  static final int MSG_FLAGS = 48;
  /** {@code struct mmsghdr}: a msghdr, then the length. */
  static final int MMSG_LEN = 56;
  static final int MMSG_SIZE = 64;
  static final int MAX_MESSAGES = 1024;

  private SysSend() {}

  static long sendto(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      Message m = t.message();
      if (a.addr(4) != 0) {
        SocketFiles.readAddress(t, m.name, a.addr(4), a.i32(5));
      }
      return send(t, f, s, m, t.buffer(a.addr(1), a.size(2)), a.i32(3));
    } finally {
      f.close();
    }
  }

  static long sendmsg(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      return sendMessage(t, f, SocketFiles.socket(f), a.addr(1), a.i32(2));
    } finally {
      f.close();
    }
  }

  static long sendmmsg(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      int count = a.i32(2) < 0 ? MAX_MESSAGES : Math.min(a.i32(2), MAX_MESSAGES);
      for (int i = 0; i < count; i++) {
        long header = a.addr(1) + (long) i * MMSG_SIZE;
        try {
          long n = sendMessage(t, f, s, header, a.i32(3));
          if (n < 0) {
            return i > 0 ? i : n;
          }
          t.mm().writeInt(header + MMSG_LEN, (int) n);
        } catch (ErrnoException e) {
          if (i > 0) {
            return i;
          }
          throw e;
        }
      }
      return count;
    } finally {
      f.close();
    }
  }

  private static long sendMessage(Task t, FileDescription f, Socket s, long header, int flags) throws ErrnoException {
    MemoryManager mm = t.mm();
    Message m = t.message();
    UserBuffer data = readHeader(t, header, true);
    long name = mm.readLong(header + MSG_NAME);
    if (name != 0) {
      SocketFiles.readAddress(t, m.name, name, Math.min(mm.readInt(header + MSG_NAMELEN), SOCKADDR_STORAGE));
    }
    long control = mm.readLong(header + MSG_CONTROL);
    long controlLength = mm.readLong(header + MSG_CONTROLLEN);
    if (Long.compareUnsigned(controlLength, Integer.MAX_VALUE) > 0) {
      throw ENOBUFS.error();
    }
    try {
      if (control != 0 && controlLength != 0) {
        SocketControl.read(t, s, m, control, controlLength);
      }
      return send(t, f, s, m, data, flags);
    } finally {
      SocketControl.closeFiles(m);
    }
  }

  /** Checks a {@code struct msghdr} and wraps its iovec. */
  static UserBuffer readHeader(Task t, long header, boolean isSend) throws ErrnoException {
    MemoryManager mm = t.mm();
    if (mm.readLong(header + MSG_NAME) != 0 && mm.readInt(header + MSG_NAMELEN) < 0) {
      throw EINVAL.error();
    }
    mm.readInt(header + MSG_FLAGS);
    long entries = mm.readLong(header + MSG_IOVLEN);
    if (Long.compareUnsigned(entries, UserBuffer.IOV_MAX) > 0) {
      throw EMSGSIZE.error();
    }
    UserBuffer data = t.buffer(0, 0);
    mm.wrapVector(data, mm.readLong(header + MSG_IOV), (int) entries);
    return data;
  }

  /** Sends, waiting as the flags and the socket's timeout say; SIGPIPE comes with EPIPE on connected sockets. */
  static long send(Task t, FileDescription f, Socket s, Message m, IoBuffer src, int flags) throws ErrnoException {
    long sent = 0;
    try {
      long n = s.send(t, m, src, flags);
      boolean isDone = n >= 0 && (src.remaining() == 0 || !s.isStream());
      if (n < 0 && n != FileOps.WOULD_BLOCK || isDone) {
        return n;
      }
      sent = Math.max(n, 0);
      if (f.isNonblocking() || (flags & MSG_DONTWAIT) != 0) {
        return sent > 0 ? sent : -EAGAIN.number();
      }
      long timeout = s.timeoutNanos(true);
      long deadline = SocketFiles.deadline(t, timeout);
      while (true) {
        WaitQueue queue = s.sendQueue();
        queue.register(t.waiter(), EventMask.WRITABLE);
        try {
          n = s.send(t, m, src, flags);
          if (n >= 0) {
            sent += n;
            if (src.remaining() == 0 || !s.isStream()) {
              return sent;
            }
            continue;
          }
          if (n != FileOps.WOULD_BLOCK) {
            return sent > 0 ? sent : n;
          }
          int woken = t.block(deadline);
          if (woken == Task.TIMED_OUT) {
            return sent > 0 ? sent : -EAGAIN.number();
          }
          if (woken == Task.INTERRUPTED) {
            return sent > 0 ? sent : timeout < 0 ? Restart.ERESTARTSYS : -EINTR.number();
          }
        } finally {
          queue.unregister(t.waiter());
        }
      }
    } catch (ErrnoException e) {
      if (sent > 0) {
        return sent;
      }
      if (e.errno() == EPIPE && s.raisesSigpipe() && (flags & MSG_NOSIGNAL) == 0) {
        t.sendSigpipe();
      }
      throw e;
    }
  }
}
