package gvisor.sentry.fs.devpts;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ENOTTY;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_START;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_STOP;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.tty.Hardware;
import gvisor.sentry.tty.Terminal;
import gvisor.sentry.tty.TerminalIoctl;
import gvisor.sentry.tty.TtyIoctls;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/** The end of a pseudo-terminal that a terminal emulator, {@code sshd} or {@code script} has open. Thread-safe. */
final class PtyMaster implements FileOps, Hardware {
  private static final MemorySegment DATA = MemorySegment.ofArray(new byte[1]);

  private final DevptsSuperblock devpts;
  private final PtsInode slave;
  private final Terminal terminal;
  private final WaitQueue waiters = new WaitQueue();
  private final AtomicInteger packetStatus = new AtomicInteger();
  private volatile boolean packetMode;
  private volatile boolean locked = true;
  /** The other end was open and is not any more. */
  private volatile boolean otherClosed;

  PtyMaster(DevptsSuperblock devpts, PtsInode slave) {
    this.devpts = devpts;
    this.slave = slave;
    this.terminal = slave.terminal();
  }

  /** Whether {@code unlockpt(3)} has not been called: the other end cannot be opened. */
  boolean isLocked() {
    return locked;
  }

  @Override
  public boolean splicesOut() {
    return true;
  }

  @Override
  public boolean splicesIn() {
    return true;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    if (dst.remaining() == 0) {
      return 0;
    }
    if (packetMode) {
      return readPacket(dst);
    }
    long n = terminal.takeOutput(dst);
    return n > 0 ? n : nothing();
  }

  private long readPacket(IoBuffer dst) throws ErrnoException {
    int status = packetStatus.getAndSet(0);
    if (status != 0) {
      return dst.put(MemorySegment.ofArray(new byte[] {(byte) status}), 0, 1);
    }
    if (terminal.outputSize() == 0) {
      return nothing();
    }
    long n = dst.put(DATA, 0, 1);
    return n + (dst.remaining() > 0 ? terminal.takeOutput(dst) : 0);
  }

  private long nothing() throws ErrnoException {
    if (otherClosed) {
      throw EIO.error();
    }
    return WOULD_BLOCK;
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    if (src.remaining() == 0) {
      return 0;
    }
    long n = terminal.type(src);
    return n > 0 ? n : WOULD_BLOCK;
  }

  @Override
  public int readiness(int mask) {
    int ready = 0;
    if (terminal.outputSize() > 0) {
      ready |= EventMask.READABLE;
    }
    if (packetMode && packetStatus.get() != 0) {
      ready |= EventMask.READABLE | EventMask.EPOLLPRI;
    }
    if (terminal.typingRoom() > 0) {
      ready |= EventMask.WRITABLE;
    }
    return ready & mask | (otherClosed ? EventMask.EPOLLHUP : 0);
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    waiters.register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    waiters.unregister(entry);
  }

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    switch (request) {
      case TtyIoctls.TIOCGPTN -> caller.mm().writeInt(argument, slave.index());
      case TtyIoctls.TIOCSPTLCK -> locked = caller.mm().readInt(argument) != 0;
      case TtyIoctls.TIOCGPTLCK -> caller.mm().writeInt(argument, locked ? 1 : 0);
      case TtyIoctls.TIOCPKT -> {
        boolean on = caller.mm().readInt(argument) != 0;
        if (on && !packetMode) {
          packetStatus.set(0);
        }
        packetMode = on;
      }
      case TtyIoctls.TIOCGPKT -> caller.mm().writeInt(argument, packetMode ? 1 : 0);
      case TtyIoctls.TIOCSIG -> sendSignal(argument);
      case TtyIoctls.FIONREAD -> caller.mm().writeInt(argument, terminal.outputSize());
      // What this end reads is the output, what it writes the input.
      case TtyIoctls.TCFLSH -> {
        if (argument < TtyIoctls.TCIFLUSH || argument > TtyIoctls.TCIOFLUSH) {
          throw EINVAL.error();
        }
        terminal.flush(argument != TtyIoctls.TCIFLUSH, argument != TtyIoctls.TCOFLUSH);
      }
      case TtyIoctls.TIOCGPGRP ->
          caller.mm().writeInt(argument, terminal.controlling().foregroundIn(task(caller).pidNamespace()));
      case TtyIoctls.TIOCGSID -> {
        int sid = terminal.controlling().sessionIn(task(caller).pidNamespace());
        if (sid == 0) {
          throw ENOTTY.error();
        }
        caller.mm().writeInt(argument, sid);
      }
      case TtyIoctls.TIOCSPGRP -> {
        int pgid = caller.mm().readInt(argument);
        return terminal.controlling().setForegroundGroup(task(caller), pgid);
      }
      case TtyIoctls.TIOCGPTPEER -> {
        return slave.openPeer(task(caller), (int) argument);
      }
      default -> {
        return TerminalIoctl.both(terminal, caller, request, argument);
      }
    }
    return 0;
  }

  private void sendSignal(long signal) throws ErrnoException {
    if (signal != Signal.SIGINT && signal != Signal.SIGQUIT && signal != Signal.SIGTSTP) {
      throw EINVAL.error();
    }
    terminal.controlling().signalForeground((int) signal);
  }

  private static Task task(Caller caller) throws ErrnoException {
    if (caller instanceof Task task) {
      return task;
    }
    throw ENOTTY.error();
  }

  @Override
  public String fdInfo(FileDescription file) {
    return "tty-index:\t" + slave.index() + "\n";
  }

  @Override
  public void release(FileDescription file) {
    devpts.remove(slave);
    terminal.hangup(true);
  }

  // ---- as the hardware of the other end ----

  @Override
  public void outputReady() {
    waiters.notify(EventMask.READABLE);
  }

  @Override
  public void inputRoom() {
    waiters.notify(EventMask.WRITABLE);
  }

  @Override
  public boolean dropsFlushedOutput() {
    return false;
  }

  @Override
  public void lastClose() {
    otherClosed = true;
    waiters.notify(EventMask.READABLE | EventMask.EPOLLHUP);
  }

  @Override
  public void opened() {
    otherClosed = false;
  }

  @Override
  public void packetEvent(int bits) {
    if (!packetMode) {
      return;
    }
    int opposite = ((bits & TIOCPKT_STOP) != 0 ? TIOCPKT_START : 0) | ((bits & TIOCPKT_START) != 0 ? TIOCPKT_STOP : 0);
    packetStatus.getAndUpdate(old -> old & ~opposite | bits);
    waiters.notify(EventMask.READABLE | EventMask.EPOLLPRI);
  }
}
