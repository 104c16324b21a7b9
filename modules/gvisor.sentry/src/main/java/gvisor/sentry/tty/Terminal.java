package gvisor.sentry.tty;

import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EIO;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_DOSTOP;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_FLUSHREAD;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_FLUSHWRITE;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_IOCTL;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_NOSTOP;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_START;
import static gvisor.sentry.tty.TtyIoctls.TIOCPKT_STOP;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.ControllingTerminal;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.time.TimerQueue;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A terminal as programs have it: what they read has gone through the line discipline, what they write goes to the
 * {@link Hardware} at its other end. Like Linux {@code struct tty_struct} with N_TTY. Thread-safe.
 */
public final class Terminal implements ControllingTerminal.Device, LineDiscipline.Listener {
  private static final int RING = 64 * 1024;

  /** Output that waits: above this a program's write does. The ring keeps room for one more piece and for echo. */
  private static final int OUTPUT_HIGH = 16 * 1024;

  private static final int WRITE_PIECE = 4096;
  private static final long DECISECOND_NANOS = 100_000_000L;

  private final HostClock clock;
  private final TimerQueue timers;
  private final TimerQueue.Alarm readTime = new TimerQueue.Alarm() {
    @Override
    protected void ring() {
      readTimePassed();
    }
  };
  private volatile long rdev;
  private final ControllingTerminal controlling;
  private final WaitQueue waiters = new WaitQueue();
  private volatile Hardware hardware;

  /** Guards all below. */
  private final ReentrantLock ttyLock = new ReentrantLock();

  private final ByteRing typed = new ByteRing(RING);
  private final ByteRing output = new ByteRing(RING);
  private final InputBuffer input = new InputBuffer();
  private final OutputProcessor processor = new OutputProcessor(output);
  private final LineDiscipline discipline = new LineDiscipline(input, processor, this);
  private volatile Termios termios = Termios.DEFAULT;
  private int rows;
  private int columns;
  private int xPixels;
  private int yPixels;
  private boolean stopped;
  private boolean exclusive;
  private boolean gone;
  private int opens;
  private volatile int hangups;
  private long lastTypedNanos;
  private long readDeadlineNanos;

  // What is to be told once the lock is free.
  private long signalsRaised;
  private int eventsRaised;
  private int packetsRaised;
  private boolean outputRaised;
  private boolean roomRaised;

  /** @param rdev its device number, as {@code /proc/[pid]/stat} shows it */
  public Terminal(Kernel kernel, long rdev) {
    this.clock = kernel.host().clock();
    this.timers = kernel.timers();
    this.rdev = rdev;
    this.controlling = new ControllingTerminal(kernel, this);
  }

  /** Connects the other end; once, before the terminal is used. */
  public void connect(Hardware hardware) {
    this.hardware = hardware;
  }

  /** Whose terminal it is. */
  public ControllingTerminal controlling() {
    return controlling;
  }

  @Override
  public long rdev() {
    return rdev;
  }

  /** Gives it the number under which a devpts shows it. */
  public void setRdev(long rdev) {
    this.rdev = rdev;
  }

  WaitQueue waiters() {
    return waiters;
  }

  /** The settings now. */
  public Termios termios() {
    return termios;
  }

  // ---- programs ----

  /**
   * One more open file of it. The number returned tells later whether the terminal was hung up since.
   *
   * @throws ErrnoException EIO when the other end is gone, EBUSY after TIOCEXCL
   */
  public int open(Caller caller) throws ErrnoException {
    int generation;
    ttyLock.lock();
    try {
      if (gone) {
        throw EIO.error();
      }
      if (exclusive && opens > 0 && !caller.creds().has(Capability.CAP_SYS_ADMIN)) {
        throw EBUSY.error();
      }
      opens++;
      generation = hangups;
    } finally {
      ttyLock.unlock();
    }
    hardware.opened();
    return generation;
  }

  /** One open file less. */
  public void close() {
    boolean last;
    ttyLock.lock();
    try {
      opens--;
      last = opens == 0;
      if (last) {
        exclusive = false;
      }
    } finally {
      ttyLock.unlock();
    }
    if (last) {
      hardware.lastClose();
    }
  }

  boolean isHungUp(int generation) {
    return generation != hangups;
  }

  /** Reads what has been typed; {@link FileOps#WOULD_BLOCK} when there is not enough of it yet. */
  long read(IoBuffer dst, boolean nonblocking) throws ErrnoException {
    ttyLock.lock();
    try {
      long n = termios.isCanonical() ? readCanonical(dst) : readRaw(dst, nonblocking);
      if (n >= 0) {
        digest();
        roomRaised = true;
      }
      return n;
    } finally {
      unlockAndTell();
    }
  }

  private long readCanonical(IoBuffer dst) throws ErrnoException {
    return input.hasLine() ? input.readLine(dst) : FileOps.WOULD_BLOCK;
  }

  private long readRaw(IoBuffer dst, boolean nonblocking) throws ErrnoException {
    int minimum = termios.control(Termios.VMIN);
    long timeNanos = termios.control(Termios.VTIME) * DECISECOND_NANOS;
    int available = input.size();
    if (minimum > 0) {
      if (available < Math.min(minimum, dst.remaining()) && !(nonblocking && available > 0)
          && !isExpiredBetweenBytes(available, timeNanos)) {
        return FileOps.WOULD_BLOCK;
      }
    } else if (available == 0) {
      if (timeNanos == 0) {
        return 0;
      }
      return nonblocking || !isExpiredSinceRead(timeNanos) ? FileOps.WOULD_BLOCK : 0;
    }
    readDeadlineNanos = 0;
    return input.readRaw(dst);
  }

  /** VMIN and VTIME: the time runs from each byte to the next, and only once there is a first one. */
  private boolean isExpiredBetweenBytes(int available, long timeNanos) {
    if (available == 0 || timeNanos == 0) {
      return false;
    }
    long deadline = lastTypedNanos + timeNanos;
    if (clock.monotonicNanos() >= deadline) {
      return true;
    }
    timers.set(readTime, deadline);
    return false;
  }

  /** VTIME alone: the time runs from the read. */
  private boolean isExpiredSinceRead(long timeNanos) {
    long now = clock.monotonicNanos();
    if (readDeadlineNanos == 0) {
      readDeadlineNanos = now + timeNanos;
      timers.set(readTime, readDeadlineNanos);
      return false;
    }
    if (now < readDeadlineNanos) {
      return false;
    }
    readDeadlineNanos = 0;
    return true;
  }

  private void readTimePassed() {
    ttyLock.lock();
    try {
      if (waiters.isEmpty()) {
        // The reader was interrupted: the next read has its own time.
        readDeadlineNanos = 0;
      }
    } finally {
      ttyLock.unlock();
    }
    waiters.notify(EventMask.READABLE);
  }

  /** Writes; {@link FileOps#WOULD_BLOCK} while output is stopped or nobody takes it. */
  long write(IoBuffer src) throws ErrnoException {
    ttyLock.lock();
    try {
      long done = 0;
      while (src.remaining() > 0 && !stopped && output.size() < OUTPUT_HIGH) {
        long n;
        try {
          n = src.prepare(WRITE_PIECE, false);
        } catch (ErrnoException e) {
          if (done > 0) {
            break;
          }
          throw e;
        }
        process(src.segment(), src.offset(), n);
        src.advance(n);
        done += n;
      }
      if (done > 0) {
        outputRaised = true;
        return done;
      }
      return src.remaining() == 0 ? 0 : FileOps.WOULD_BLOCK;
    } finally {
      unlockAndTell();
    }
  }

  private void process(MemorySegment bytes, long offset, long length) {
    if (!termios.isOutput(Termios.OPOST)) {
      output.putFrom(bytes, offset, length);
      return;
    }
    for (long i = 0; i < length; i++) {
      processor.put(bytes.get(JAVA_BYTE, offset + i) & 0xff);
    }
  }

  int readiness(int mask) {
    int ready = 0;
    ttyLock.lock();
    try {
      if (isReadable()) {
        ready |= EventMask.READABLE;
      }
      if (!stopped && output.size() < OUTPUT_HIGH) {
        ready |= EventMask.WRITABLE;
      }
    } finally {
      ttyLock.unlock();
    }
    return ready & mask;
  }

  private boolean isReadable() {
    Termios t = termios;
    if (t.isCanonical()) {
      return input.hasLine();
    }
    int minimum = t.control(Termios.VTIME) == 0 ? t.control(Termios.VMIN) : 1;
    return input.size() >= Math.max(1, minimum);
  }

  /** Bytes that could be read now. */
  int readableBytes() {
    ttyLock.lock();
    try {
      return input.available(termios.isCanonical());
    } finally {
      ttyLock.unlock();
    }
  }

  // ---- the other end ----

  /**
   * Takes what is typed.
   *
   * @return bytes taken: less than all when programs do not read; {@link Hardware#inputRoom} tells when there is room
   */
  public long type(IoBuffer src) throws ErrnoException {
    ttyLock.lock();
    try {
      long done = 0;
      while (src.remaining() > 0 && typed.room() > 0) {
        long n;
        try {
          n = src.prepare(typed.room(), false);
        } catch (ErrnoException e) {
          if (done > 0) {
            break;
          }
          throw e;
        }
        n = typed.putFrom(src.segment(), src.offset(), n);
        src.advance(n);
        done += n;
      }
      digest();
      return done;
    } finally {
      unlockAndTell();
    }
  }

  /** How much can be typed now, in bytes. */
  public int typingRoom() {
    ttyLock.lock();
    try {
      return typed.room();
    } finally {
      ttyLock.unlock();
    }
  }

  /** Feeds typed bytes to the line discipline as far as it takes them. The lock is held. */
  private void digest() {
    if (typed.isEmpty() || !discipline.canReceive()) {
      return;
    }
    int outputBefore = output.size();
    while (!typed.isEmpty() && discipline.canReceive()) {
      discipline.receive(typed.take() & 0xff);
    }
    if (termios.control(Termios.VTIME) != 0) {
      lastTypedNanos = clock.monotonicNanos();
    }
    if (isReadable() || input.size() > 0 && !termios.isCanonical()) {
      eventsRaised |= EventMask.READABLE;
    }
    outputRaised |= output.size() != outputBefore;
  }

  /** Moves output to {@code dst}; 0 when there is none. */
  public long takeOutput(IoBuffer dst) throws ErrnoException {
    ttyLock.lock();
    try {
      boolean wasFull = output.size() >= OUTPUT_HIGH;
      long n = output.drainTo(dst);
      if (wasFull && output.size() < OUTPUT_HIGH) {
        eventsRaised |= EventMask.WRITABLE;
      }
      return n;
    } finally {
      unlockAndTell();
    }
  }

  /** Bytes of output that wait. */
  public int outputSize() {
    ttyLock.lock();
    try {
      return output.size();
    } finally {
      ttyLock.unlock();
    }
  }

  @Override
  public void hangup() {
    hangup(false);
  }

  /**
   * Hangs up: who has it open reads end of file and can write no more, and its session gets SIGHUP.
   *
   * @param forever whether the other end is gone, so that nobody can open it again
   */
  public void hangup(boolean forever) {
    ttyLock.lock();
    try {
      hangups++;
      gone |= forever;
      typed.clear();
      discipline.flush();
      output.clear();
      stopped = false;
    } finally {
      ttyLock.unlock();
    }
    controlling.hangup();
    waiters.notify(EventMask.ALL);
  }

  /** Waits until the user has seen what was written, at most {@code timeoutMillis}. Not on a task's thread. */
  public void drain(long timeoutMillis) throws InterruptedException {
    hardware.drain(timeoutMillis);
  }

  // ---- settings ----

  /** Replaces the settings; with {@code flush}, input that was not read is forgotten first. */
  public void setTermios(Termios changed, boolean flush) {
    ttyLock.lock();
    try {
      if (flush) {
        forgetInput();
      }
      Termios old = termios;
      termios = changed;
      discipline.setTermios(changed);
      digest();
      if (isReadable()) {
        eventsRaised |= EventMask.READABLE;
      }
      raisePacketChanges(old, changed);
    } finally {
      unlockAndTell();
    }
  }

  private void raisePacketChanges(Termios old, Termios changed) {
    boolean stops = stopsByControlSq(changed);
    if (stopsByControlSq(old) != stops) {
      packetsRaised |= stops ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
    }
    if (((old.lflag() ^ changed.lflag()) & Termios.EXTPROC) != 0 || changed.isLocal(Termios.EXTPROC)) {
      packetsRaised |= TIOCPKT_IOCTL;
    }
  }

  /** Whether Ctrl-S and Ctrl-Q are what stops and starts output. */
  private static boolean stopsByControlSq(Termios t) {
    return t.isInput(Termios.IXON) && t.control(Termios.VSTOP) == 19 && t.control(Termios.VSTART) == 17;
  }

  /** Rows, columns and pixels, packed as four 16-bit numbers in the order of {@code struct winsize}. */
  public long windowSize() {
    ttyLock.lock();
    try {
      return rows & 0xffffL | (columns & 0xffffL) << 16 | (xPixels & 0xffffL) << 32 | (yPixels & 0xffffL) << 48;
    } finally {
      ttyLock.unlock();
    }
  }

  /** Sets the size, as {@link #windowSize} packs it; a change is SIGWINCH for the foreground. */
  public void setWindowSize(long size) {
    if (windowSize() == size) {
      return;
    }
    ttyLock.lock();
    try {
      rows = (int) (size & 0xffff);
      columns = (int) (size >>> 16 & 0xffff);
      xPixels = (int) (size >>> 32 & 0xffff);
      yPixels = (int) (size >>> 48 & 0xffff);
      signalForeground(Signal.SIGWINCH);
    } finally {
      unlockAndTell();
    }
  }

  /** Sets rows and columns. */
  public void resize(int newRows, int newColumns) {
    setWindowSize(newRows & 0xffffL | (newColumns & 0xffffL) << 16);
  }

  void setExclusive(boolean on) {
    ttyLock.lock();
    try {
      exclusive = on;
    } finally {
      ttyLock.unlock();
    }
  }

  boolean isExclusive() {
    ttyLock.lock();
    try {
      return exclusive;
    } finally {
      ttyLock.unlock();
    }
  }

  /** {@code TCFLSH}. */
  public void flush(boolean in, boolean out) {
    ttyLock.lock();
    try {
      if (in) {
        forgetInput();
      }
      if (out) {
        flushOutput();
      }
    } finally {
      unlockAndTell();
    }
  }

  /** {@code TCXONC} with TCOOFF or TCOON. */
  void suspendOutput(boolean stop) {
    ttyLock.lock();
    try {
      setStopped(stop);
    } finally {
      unlockAndTell();
    }
  }

  /** {@code TCXONC} with TCIOFF or TCION: sends the stop or start character to the other end. */
  void sendFlowControl(boolean stop) {
    ttyLock.lock();
    try {
      int c = termios.control(stop ? Termios.VSTOP : Termios.VSTART);
      if (c != 0) {
        output.put((byte) c);
        outputRaised = true;
      }
    } finally {
      unlockAndTell();
    }
  }

  private void forgetInput() {
    typed.clear();
    discipline.flush();
    packetsRaised |= TIOCPKT_FLUSHREAD;
    roomRaised = true;
  }

  // ---- what the line discipline asks for; the lock is held ----

  @Override
  public void signalForeground(int signal) {
    signalsRaised |= 1L << signal;
  }

  @Override
  public void flushOutput() {
    if (hardware.dropsFlushedOutput()) {
      output.clear();
    }
    packetsRaised |= TIOCPKT_FLUSHWRITE;
    eventsRaised |= EventMask.WRITABLE;
  }

  @Override
  public void inputFlushed() {
    packetsRaised |= TIOCPKT_FLUSHREAD;
  }

  @Override
  public void setStopped(boolean stop) {
    if (stopped == stop) {
      return;
    }
    stopped = stop;
    packetsRaised |= stop ? TIOCPKT_STOP : TIOCPKT_START;
    if (!stop) {
      eventsRaised |= EventMask.WRITABLE;
    }
  }

  @Override
  public boolean isStopped() {
    return stopped;
  }

  /** Gives the lock back, then tells whom it concerns what happened while it was held. */
  private void unlockAndTell() {
    long signals = signalsRaised;
    int events = eventsRaised;
    int packets = packetsRaised;
    boolean out = outputRaised;
    boolean room = roomRaised;
    signalsRaised = 0;
    eventsRaised = 0;
    packetsRaised = 0;
    outputRaised = false;
    roomRaised = false;
    ttyLock.unlock();
    while (signals != 0) {
      int signal = Long.numberOfTrailingZeros(signals);
      signals &= signals - 1;
      controlling.signalForeground(signal);
    }
    if (events != 0) {
      waiters.notify(events);
    }
    if (packets != 0) {
      hardware.packetEvent(packets);
    }
    if (out) {
      hardware.outputReady();
    }
    if (room) {
      hardware.inputRoom();
    }
  }
}
