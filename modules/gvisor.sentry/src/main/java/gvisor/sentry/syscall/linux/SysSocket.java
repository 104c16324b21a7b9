package gvisor.sentry.syscall.linux;

import static gvisor.api.abi.SocketAbi.SHUT_RDWR;
import static gvisor.api.abi.SocketAbi.SOCK_CLOEXEC;
import static gvisor.api.abi.SocketAbi.SOCK_MAX;
import static gvisor.api.abi.SocketAbi.SOCK_NONBLOCK;
import static gvisor.api.abi.SocketAbi.SOCK_TYPE_MASK;
import static gvisor.api.abi.SocketAbi.AF_MAX;
import static gvisor.api.errno.Errno.EAFNOSUPPORT;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINPROGRESS;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketFamily;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;

/** Making, naming and connecting sockets ({@code man 2 socket} and its neighbours). */
final class SysSocket {
  private SysSocket() {}

  static long socket(Task t, SyscallArgs a) throws ErrnoException {
    int type = a.i32(1);
    SocketFamily family = family(t, a.i32(0), type);
    Socket socket = family.create(t, SocketFiles.network(t), type & SOCK_TYPE_MASK, a.i32(2));
    return SocketFiles.install(t, socket, (type & SOCK_NONBLOCK) != 0, (type & SOCK_CLOEXEC) != 0);
  }

  static long socketpair(Task t, SyscallArgs a) throws ErrnoException {
    int type = a.i32(1);
    SocketFamily family = family(t, a.i32(0), type);
    boolean nonblocking = (type & SOCK_NONBLOCK) != 0;
    boolean cloexec = (type & SOCK_CLOEXEC) != 0;
    Socket[] pair = new Socket[2];
    Network network = SocketFiles.network(t);
    family.createPair(t, network, type & SOCK_TYPE_MASK, a.i32(2), pair);
    FileDescription second;
    try {
      second = SocketFiles.open(t, pair[1], nonblocking);
    } catch (ErrnoException e) {
      pair[0].close();
      throw e;
    }
    int one;
    try {
      one = SocketFiles.install(t, pair[0], nonblocking, cloexec);
    } catch (ErrnoException e) {
      second.close();
      throw e;
    }
    int two;
    try {
      two = t.fds().install(second, cloexec, t.fdLimit());
    } catch (ErrnoException e) {
      t.fds().close(one);
      throw e;
    }
    try {
      t.mm().writeInt(a.addr(3), one);
      t.mm().writeInt(a.addr(3) + 4, two);
    } catch (ErrnoException e) {
      t.fds().close(one);
      t.fds().close(two);
      throw e;
    }
    return 0;
  }

  private static SocketFamily family(Task t, int number, int type) throws ErrnoException {
    if ((type & ~SOCK_TYPE_MASK & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) {
      throw EINVAL.error();
    }
    if (number < 0 || number >= AF_MAX) {
      throw EAFNOSUPPORT.error();
    }
    if ((type & SOCK_TYPE_MASK) >= SOCK_MAX) {
      throw EINVAL.error();
    }
    return SocketFiles.layer(t.kernel()).family(t, number);
  }

  static long bind(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      AddrBuffer address = t.message().name;
      SocketFiles.readAddress(t, address, a.addr(1), a.i32(2));
      s.bind(t, address);
      return 0;
    } finally {
      f.close();
    }
  }

  static long listen(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      SocketFiles.socket(f).listen(t, a.i32(1));
      return 0;
    } finally {
      f.close();
    }
  }

  static long accept(Task t, SyscallArgs a) throws ErrnoException {
    return accept(t, a, 0);
  }

  static long accept4(Task t, SyscallArgs a) throws ErrnoException {
    return accept(t, a, a.i32(3));
  }

  private static long accept(Task t, SyscallArgs a, int flags) throws ErrnoException {
    if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) {
      throw EINVAL.error();
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      Socket child = s.accept(t);
      if (child == null) {
        if (f.isNonblocking()) {
          return -EAGAIN.number();
        }
        long timeout = s.timeoutNanos(false);
        long deadline = SocketFiles.deadline(t, timeout);
        s.register(t.waiter(), EventMask.READABLE);
        try {
          child = s.accept(t);
          while (child == null) {
            int woken = t.block(deadline);
            if (woken == Task.TIMED_OUT) {
              return -EAGAIN.number();
            }
            if (woken == Task.INTERRUPTED) {
              return timeout < 0 ? Restart.ERESTARTSYS : -EINTR.number();
            }
            child = s.accept(t);
          }
        } finally {
          s.unregister(t.waiter());
        }
      }
      return deliver(t, a, child, flags);
    } finally {
      f.close();
    }
  }

  private static long deliver(Task t, SyscallArgs a, Socket child, int flags) throws ErrnoException {
    FileDescription file = SocketFiles.open(t, child, (flags & SOCK_NONBLOCK) != 0);
    if (a.addr(1) != 0) {
      try {
        AddrBuffer peer = t.message().name;
        child.acceptedPeer(peer);
        SocketFiles.writeAddress(t, peer, a.addr(1), a.addr(2));
      } catch (ErrnoException e) {
        file.close();
        throw e;
      }
    }
    return t.fds().install(file, (flags & SOCK_CLOEXEC) != 0, t.fdLimit());
  }

  static long connect(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      AddrBuffer address = t.message().name;
      SocketFiles.readAddress(t, address, a.addr(1), a.i32(2));
      boolean nonblocking = f.isNonblocking();
      long result = s.connect(t, address, nonblocking);
      if (result == 0) {
        return 0;
      }
      if (nonblocking) {
        return result;
      }
      return result == Socket.IN_PROGRESS ? awaitOutcome(t, s) : retryConnect(t, s, address);
    } finally {
      f.close();
    }
  }

  /** The attempt has begun and its end has to be awaited. */
  private static long awaitOutcome(Task t, Socket s) throws ErrnoException {
    long timeout = s.timeoutNanos(true);
    long deadline = SocketFiles.deadline(t, timeout);
    s.register(t.waiter(), EventMask.WRITABLE);
    try {
      while (true) {
        if (s.connectResult() == 0) {
          return 0;
        }
        switch (t.block(deadline)) {
          case Task.TIMED_OUT -> {
            return -EINPROGRESS.number();
          }
          case Task.INTERRUPTED -> {
            return timeout < 0 ? Restart.ERESTARTSYS : -EINTR.number();
          }
          default -> { }
        }
      }
    } finally {
      s.unregister(t.waiter());
    }
  }

  /** There was no room for the attempt: it is made again when there is. */
  private static long retryConnect(Task t, Socket s, AddrBuffer address) throws ErrnoException {
    long timeout = s.timeoutNanos(true);
    long deadline = SocketFiles.deadline(t, timeout);
    while (true) {
      WaitQueue queue = s.connectQueue();
      queue.register(t.waiter(), EventMask.WRITABLE);
      try {
        if (s.connect(t, address, false) != FileOps.WOULD_BLOCK) {
          return 0;
        }
        long now = t.kernel().host().clock().monotonicNanos();
        long retryNanos = s.connectRetryNanos();
        boolean isLast = retryNanos < 0 || deadline - now <= retryNanos;
        switch (t.block(isLast ? deadline : now + retryNanos)) {
          case Task.TIMED_OUT -> {
            if (isLast) {
              return -EAGAIN.number();
            }
          }
          case Task.INTERRUPTED -> {
            return timeout < 0 ? Restart.ERESTARTSYS : -EINTR.number();
          }
          default -> { }
        }
      } finally {
        queue.unregister(t.waiter());
      }
    }
  }

  static long getsockname(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      AddrBuffer address = t.message().name;
      s.localAddress(address);
      SocketFiles.writeAddress(t, address, a.addr(1), a.addr(2));
      return 0;
    } finally {
      f.close();
    }
  }

  static long getpeername(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      AddrBuffer address = t.message().name;
      s.peerAddress(address);
      SocketFiles.writeAddress(t, address, a.addr(1), a.addr(2));
      return 0;
    } finally {
      f.close();
    }
  }

  static long shutdown(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      int how = a.i32(1);
      if (how < 0 || how > SHUT_RDWR) {
        throw EINVAL.error();
      }
      s.shutdown(how);
      return 0;
    } finally {
      f.close();
    }
  }

  static long setsockopt(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      int length = a.i32(4);
      if (length < 0) {
        throw EINVAL.error();
      }
      OptionValue value = t.message().option;
      value.length = Math.min(length, OptionValue.CAPACITY);
      if (length > 0) {
        t.mm().copyIn(a.addr(3), value.segment(), 0, value.length);
      }
      s.setOption(t, a.i32(1), a.i32(2), value);
      return 0;
    } finally {
      f.close();
    }
  }

  static long getsockopt(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Socket s = SocketFiles.socket(f);
      int room = t.mm().readInt(a.addr(4));
      if (room < 0) {
        throw EINVAL.error();
      }
      Message m = t.message();
      OptionValue value = m.option;
      value.length = Math.min(room, OptionValue.CAPACITY);
      s.getOption(t, a.i32(1), a.i32(2), value);
      int n = Math.min(room, value.length);
      t.mm().copyOut(a.addr(3), value.segment(), 0, n);
      t.mm().writeInt(a.addr(4), n);
      return 0;
    } finally {
      f.close();
    }
  }
}
