package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINPROGRESS;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.aio.AioContext;
import gvisor.sentry.aio.AioContexts;
import gvisor.sentry.fs.anon.EventFd;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.UserBuffer;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;

/** Asynchronous I/O: {@code man 2 io_setup}, {@code man 2 io_submit}, {@code man 2 io_getevents}. */
final class SysAio {
  // struct iocb.
  private static final int IOCB_SIZE = 64;
  private static final int IOCB_DATA = 0;
  private static final int IOCB_KEY = 8;
  private static final int IOCB_RW_FLAGS = 12;
  private static final int IOCB_OPCODE = 16;
  private static final int IOCB_FILDES = 20;
  private static final int IOCB_BUF = 24;
  private static final int IOCB_NBYTES = 32;
  private static final int IOCB_OFFSET = 40;
  private static final int IOCB_RESERVED = 48;
  private static final int IOCB_FLAGS = 56;
  private static final int IOCB_RESFD = 60;

  private static final int FLAG_RESFD = 1;
  private static final int FLAG_IOPRIO = 2;

  private static final int CMD_PREAD = 0;
  private static final int CMD_PWRITE = 1;
  private static final int CMD_FSYNC = 2;
  private static final int CMD_FDSYNC = 3;
  private static final int CMD_POLL = 5;
  private static final int CMD_PREADV = 7;
  private static final int CMD_PWRITEV = 8;

  private static final int IO_EVENT_SIZE = 32;
  private static final int MAX_SUBMITTED = 65536;

  /** More than this is not a number of results at all. */
  private static final int MAX_ROOM = 0x10000000 / IO_EVENT_SIZE;

  private SysAio() {}

  /** io_setup(2): room for how many results, where the id goes. */
  static long ioSetup(Task t, SyscallArgs a) throws ErrnoException {
    if (t.mm().readLong(a.addr(1)) != 0 || a.i32(0) == 0 || Integer.compareUnsigned(a.i32(0), MAX_ROOM) > 0) {
      throw EINVAL.error();
    }
    AioContexts contexts = AioContexts.of(t.mm());
    long id = contexts.create(a.i32(0));
    try {
      t.mm().writeLong(a.addr(1), id);
    } catch (ErrnoException e) {
      contexts.destroy(id);
      throw e;
    }
    return 0;
  }

  /** io_destroy(2). */
  static long ioDestroy(Task t, SyscallArgs a) throws ErrnoException {
    AioContexts.of(t.mm()).destroy(a.addr(0));
    return 0;
  }

  /** io_submit(2): context, how many, pointers to {@code struct iocb}. */
  static long ioSubmit(Task t, SyscallArgs a) throws ErrnoException {
    long count = a.i64(1);
    if (count < 0) {
      throw EINVAL.error();
    }
    AioContext context = AioContexts.of(t.mm()).get(a.addr(0));
    context.settle();
    int n = (int) Math.min(count, MAX_SUBMITTED);
    for (int i = 0; i < n; i++) {
      try {
        submit(t, context, t.mm().readLong(a.addr(2) + 8L * i));
      } catch (ErrnoException e) {
        if (i > 0) {
          return i;
        }
        throw e;
      }
    }
    return n;
  }

  private static void submit(Task t, AioContext context, long addr) throws ErrnoException {
    MemorySegment iocb = MemorySegment.ofArray(new long[IOCB_SIZE / 8]);
    t.mm().copyIn(addr, iocb, 0, IOCB_SIZE);
    int flags = iocb.get(JAVA_INT_UNALIGNED, IOCB_FLAGS);
    if (iocb.get(JAVA_LONG_UNALIGNED, IOCB_RESERVED) != 0 || iocb.get(JAVA_LONG_UNALIGNED, IOCB_NBYTES) < 0
        || (flags & ~(FLAG_RESFD | FLAG_IOPRIO)) != 0) {
      throw EINVAL.error();
    }
    context.reserve();
    boolean begun = false;
    FileDescription resultFile = null;
    FileDescription file = null;
    try {
      file = t.fds().get(iocb.get(JAVA_INT_UNALIGNED, IOCB_FILDES));
      if ((flags & FLAG_RESFD) != 0) {
        resultFile = t.fds().get(iocb.get(JAVA_INT_UNALIGNED, IOCB_RESFD));
        if (!(resultFile.ops() instanceof EventFd)) {
          throw EINVAL.error();
        }
      }
      t.mm().writeInt(addr + IOCB_KEY, 0);
      long data = iocb.get(JAVA_LONG_UNALIGNED, IOCB_DATA);
      if (iocb.get(JAVA_SHORT_UNALIGNED, IOCB_OPCODE) == CMD_POLL) {
        poll(context, file, iocb, data, addr, resultFile);
        file = null;
        resultFile = null;
      } else {
        long result = run(t, file, iocb);
        EventFd notified = resultFile == null ? null : (EventFd) resultFile.ops();
        context.complete(new AioContext.Event(data, addr, result), notified);
      }
      begun = true;
    } finally {
      if (!begun) {
        context.unreserve();
      }
      if (file != null) {
        file.close();
      }
      if (resultFile != null) {
        resultFile.close();
      }
    }
  }

  private static void poll(AioContext context, FileDescription file, MemorySegment iocb, long data, long addr,
      FileDescription resultFile) throws ErrnoException {
    long events = iocb.get(JAVA_LONG_UNALIGNED, IOCB_BUF);
    if ((events & ~0xffffL) != 0 || iocb.get(JAVA_LONG_UNALIGNED, IOCB_OFFSET) != 0
        || iocb.get(JAVA_LONG_UNALIGNED, IOCB_NBYTES) != 0 || iocb.get(JAVA_INT_UNALIGNED, IOCB_RW_FLAGS) != 0) {
      throw EINVAL.error();
    }
    context.poll(file, (int) events | EventMask.ALWAYS, data, addr, resultFile);
  }

  /**
   * Carries an operation out; what it returned, an error as a negative number.
   *
   * @throws ErrnoException when it may not even begin
   */
  private static long run(Task t, FileDescription file, MemorySegment iocb) throws ErrnoException {
    int operation = iocb.get(JAVA_SHORT_UNALIGNED, IOCB_OPCODE);
    boolean isRead = operation == CMD_PREAD || operation == CMD_PREADV;
    boolean isWrite = operation == CMD_PWRITE || operation == CMD_PWRITEV;
    if (!isRead && !isWrite) {
      return sync(file, operation, iocb);
    }
    if (!(isRead ? file.isReadable() : file.isWritable())) {
      throw EBADF.error();
    }
    if (iocb.get(JAVA_INT_UNALIGNED, IOCB_RW_FLAGS) != 0) {
      throw EOPNOTSUPP.error();
    }
    long offset = iocb.get(JAVA_LONG_UNALIGNED, IOCB_OFFSET);
    long addr = iocb.get(JAVA_LONG_UNALIGNED, IOCB_BUF);
    long length = iocb.get(JAVA_LONG_UNALIGNED, IOCB_NBYTES);
    UserBuffer buffer = t.buffer(0, 0);
    if (operation == CMD_PREADV || operation == CMD_PWRITEV) {
      if (length > UserBuffer.IOV_MAX) {
        throw EINVAL.error();
      }
      t.mm().wrapVector(buffer, addr, (int) length);
    } else if (!t.mm().isUserRange(addr, length)) {
      throw EFAULT.error();
    } else {
      t.mm().wrap(buffer, addr, length);
    }
    if (offset < 0 && file.ops().isSeekable()) {
      return -EINVAL.number();
    }
    long result;
    try {
      result = isRead ? FileIo.read(t, file, buffer, offset) : FileIo.write(t, file, buffer, offset);
    } catch (ErrnoException e) {
      return -e.errno().number();
    }
    return result <= Restart.ERESTARTSYS && result >= Restart.ERESTART_RESTARTBLOCK ? -EINTR.number() : result;
  }

  private static long sync(FileDescription file, int operation, MemorySegment iocb) throws ErrnoException {
    if (operation != CMD_FSYNC && operation != CMD_FDSYNC || iocb.get(JAVA_LONG_UNALIGNED, IOCB_BUF) != 0
        || iocb.get(JAVA_LONG_UNALIGNED, IOCB_OFFSET) != 0 || iocb.get(JAVA_LONG_UNALIGNED, IOCB_NBYTES) != 0
        || iocb.get(JAVA_INT_UNALIGNED, IOCB_RW_FLAGS) != 0) {
      throw EINVAL.error();
    }
    try {
      file.ops().sync(file, operation == CMD_FDSYNC);
      return 0;
    } catch (ErrnoException e) {
      return -e.errno().number();
    }
  }

  /** io_cancel(2): only polls can be. */
  static long ioCancel(Task t, SyscallArgs a) throws ErrnoException {
    if (t.mm().readInt(a.addr(1) + IOCB_KEY) != 0) {
      throw EINVAL.error();
    }
    AioContext context = AioContexts.of(t.mm()).get(a.addr(0));
    if (!context.cancel(a.addr(1))) {
      throw EINVAL.error();
    }
    throw EINPROGRESS.error();
  }

  /** io_getevents(2): context, at least, at most, where, timeout. */
  static long ioGetevents(Task t, SyscallArgs a) throws ErrnoException {
    long deadline = Timeouts.fromTimespec(t, a.addr(4));
    return collect(t, a, deadline, -EINTR.number());
  }

  /** io_pgetevents(2): with a pointer to a signal mask and its size. */
  static long ioPgetevents(Task t, SyscallArgs a) throws ErrnoException {
    long deadline = Timeouts.fromTimespec(t, a.addr(4));
    if (a.addr(5) != 0) {
      SysPoll.setMask(t, t.mm().readLong(a.addr(5)), t.mm().readLong(a.addr(5) + 8));
    }
    return collect(t, a, deadline, Restart.ERESTARTNOHAND);
  }

  private static long collect(Task t, SyscallArgs a, long deadline, long interrupted) throws ErrnoException {
    long least = a.i64(1);
    long most = a.i64(2);
    AioContext context = AioContexts.of(t.mm()).get(a.addr(0));
    if (least < 0 || least > most) {
      throw EINVAL.error();
    }
    long done = take(t, context, a.addr(3), 0, most);
    if (done < least) {
      context.queue().register(t.waiter(), EventMask.READABLE);
      try {
        done = take(t, context, a.addr(3), done, most);
        while (done < least) {
          if (context.isClosed()) {
            throw EINVAL.error();
          }
          int woken = t.block(deadline);
          done = take(t, context, a.addr(3), done, most);
          if (woken == Task.TIMED_OUT) {
            break;
          }
          if (woken == Task.INTERRUPTED) {
            done = done > 0 ? done : interrupted;
            break;
          }
        }
      } finally {
        context.queue().unregister(t.waiter());
      }
    }
    context.settle();
    return done;
  }

  /** Writes results from the {@code done}-th on; how many there are then. */
  private static long take(Task t, AioContext context, long addr, long done, long most) throws ErrnoException {
    long n = done;
    while (n < most) {
      // Where it goes is tried first: a result that was taken cannot be put back.
      long at = addr + n * IO_EVENT_SIZE;
      AioContext.Event event = null;
      try {
        t.mm().writeLong(at + 24, 0);
        event = context.take();
        if (event == null) {
          return n;
        }
        t.mm().writeLong(at, event.data());
        t.mm().writeLong(at + 8, event.control());
        t.mm().writeLong(at + 16, event.result());
      } catch (ErrnoException e) {
        if (n > 0) {
          return n;
        }
        throw e;
      }
      n++;
    }
    return n;
  }
}
