package gvisor.sentry.fs.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.tty.Hardware;
import gvisor.sentry.tty.Terminal;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The terminal of the host as the hardware of one of ours. The host's line discipline is switched off, so that every
 * byte, Ctrl-C too, arrives here and means what the container's settings say. Thread-safe.
 *
 * <p>Two locks, one a direction, held while bytes move, the one for input outside; both above the terminal's lock.
 */
public final class HostTerminal implements Hardware {
  private static final int BUFFER = 4096;
  private static final int EVENTS = EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLRDHUP;

  // struct termios of the host and what raw means in it.
  private static final int TERMIOS_SIZE = 36;
  private static final int CFLAG = 8;
  private static final int CC = 17;
  private static final int VTIME = 5;
  private static final int VMIN = 6;
  private static final int CSIZE_AND_PARENB = 060 | 0400;
  private static final int CS8 = 060;
  private static final int TCGETS = 0x5401;
  private static final int TCSETS = 0x5402;

  private final HostFd fd;
  private final Terminal terminal;
  private final boolean closing;
  private final Runnable gone;

  private final ReentrantLock inLock = new ReentrantLock();
  private final byte[] in = new byte[BUFFER];
  private final KernelBuffer inBuffer = new KernelBuffer();
  private boolean ended;

  private final ReentrantLock outLock = new ReentrantLock();
  private final Condition drained = outLock.newCondition();
  private final byte[] out = new byte[BUFFER];
  private final KernelBuffer outBuffer = new KernelBuffer();
  private int outStart;
  private int outEnd;

  /** Nobody has the terminal open, so {@link #fd} is closed once everything is written; guarded by {@link #outLock}. */
  private boolean finished;

  private HostTerminal(HostFd fd, Terminal terminal, boolean closing, Runnable gone) {
    this.fd = fd;
    this.terminal = terminal;
    this.closing = closing;
    this.gone = gone;
  }

  /**
   * Puts {@code terminal} in front of the host terminal {@code fd}; bytes flow from now on.
   *
   * @param closing close {@code fd} when no program has the terminal open any more: who is at its other end waits for
   *     that. Otherwise the caller keeps {@code fd} until all tasks are dead
   * @param gone run once the host's terminal is gone, without locks
   */
  public static HostTerminal connect(HostFd fd, Terminal terminal, boolean closing, Runnable gone)
      throws ErrnoException {
    HostTerminal hardware = new HostTerminal(fd, terminal, closing, gone);
    makeRaw(fd);
    terminal.connect(hardware);
    fd.watch(EVENTS, hardware::event);
    hardware.inputRoom();
    return hardware;
  }

  private static void makeRaw(HostFd fd) throws ErrnoException {
    MemorySegment termios = MemorySegment.ofArray(new byte[TERMIOS_SIZE]);
    fd.terminalIoctl(TCGETS, termios);
    int cflag = termios.get(JAVA_INT_UNALIGNED, CFLAG);
    termios.set(JAVA_INT_UNALIGNED, 0, 0);
    termios.set(JAVA_INT_UNALIGNED, 4, 0);
    termios.set(JAVA_INT_UNALIGNED, CFLAG, cflag & ~CSIZE_AND_PARENB | CS8);
    termios.set(JAVA_INT_UNALIGNED, 12, 0);
    termios.set(JAVA_BYTE, CC + VTIME, (byte) 0);
    termios.set(JAVA_BYTE, CC + VMIN, (byte) 1);
    fd.terminalIoctl(TCSETS, termios);
  }

  /** On the poller's thread. */
  private void event(int mask) {
    if ((mask & (EventMask.WRITABLE | EventMask.ALWAYS)) != 0) {
      outputReady();
    }
    if ((mask & (EventMask.READABLE | EventMask.EPOLLRDHUP | EventMask.ALWAYS)) != 0) {
      inputRoom();
    }
  }

  /** Moves what the user typed to the terminal, until there is no more or no room. */
  @Override
  public void inputRoom() {
    boolean hungUp = false;
    inLock.lock();
    try {
      while (!ended) {
        int room = Math.min(BUFFER, terminal.typingRoom());
        if (room == 0) {
          break;
        }
        MemorySegment piece = MemorySegment.ofArray(in).asSlice(0, room);
        long n = readOrEnd(piece);
        if (n == HostFd.WOULD_BLOCK) {
          break;
        }
        if (n <= 0) {
          ended = true;
          hungUp = true;
          break;
        }
        terminal.type(inBuffer.wrap(piece, 0, n));
      }
    } catch (ErrnoException e) {
      throw new IllegalStateException("the kernel's own memory cannot fault", e);
    } finally {
      inLock.unlock();
    }
    if (hungUp) {
      gone.run();
      terminal.hangup(true);
    }
  }

  private long readOrEnd(MemorySegment piece) {
    try {
      return fd.read(piece);
    } catch (ErrnoException e) {
      // EIO: the host's end of the terminal is gone.
      return 0;
    }
  }

  /** Moves output to the user, as much as the host takes now. */
  @Override
  public void outputReady() {
    outLock.lock();
    try {
      MemorySegment all = MemorySegment.ofArray(out);
      while (true) {
        if (outStart == outEnd) {
          outStart = 0;
          outEnd = (int) terminal.takeOutput(outBuffer.wrap(all, 0, BUFFER));
          if (outEnd == 0) {
            drained.signalAll();
            break;
          }
        }
        long n = fd.write(all.asSlice(outStart, outEnd - outStart));
        if (n <= 0) {
          return;
        }
        outStart += (int) n;
      }
    } catch (ErrnoException e) {
      // Nobody sees it any more: what is left is dropped, and the end of the input hangs up.
      outStart = outEnd;
      drained.signalAll();
    } finally {
      outLock.unlock();
    }
    closeIfDone();
  }

  @Override
  public void lastClose() {
    if (closing) {
      outLock.lock();
      finished = true;
      outLock.unlock();
      outputReady();
    }
  }

  @Override
  public void opened() {
    outLock.lock();
    finished = false;
    outLock.unlock();
  }

  private void closeIfDone() {
    boolean over;
    inLock.lock();
    outLock.lock();
    try {
      over = finished && outStart == outEnd && !ended;
      if (over) {
        ended = true;
        fd.close();
      }
    } finally {
      outLock.unlock();
      inLock.unlock();
    }
    if (over) {
      gone.run();
      terminal.hangup(true);
    }
  }

  @Override
  public void drain(long timeoutMillis) throws InterruptedException {
    long left = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    outLock.lock();
    try {
      while ((outStart != outEnd || terminal.outputSize() > 0) && left > 0) {
        left = drained.awaitNanos(left);
      }
    } finally {
      outLock.unlock();
    }
  }
}
