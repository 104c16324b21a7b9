package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Host terminals: new pairs, raw mode, window size ({@code man 4 pts}, {@code man 2 ioctl_tty}). */
public final class Terminal {
  private static final int TERMIOS_SIZE = 36;
  private static final int TCGETS = 0x5401;
  private static final int TCSETS = 0x5402;
  private static final int TIOCSCTTY = 0x540e;
  private static final int TIOCGWINSZ = 0x5413;
  private static final int TIOCSWINSZ = 0x5414;
  private static final int TIOCSPTLCK = 0x40045431;
  private static final int TIOCGPTPEER = 0x5441;

  // Offsets in struct termios and the flags that cfmakeraw(3) names.
  private static final int IFLAG = 0;
  private static final int OFLAG = 4;
  private static final int CFLAG = 8;
  private static final int LFLAG = 12;
  private static final int CC_VTIME = 17 + 5;
  private static final int CC_VMIN = 17 + 6;
  private static final int RAW_IFLAG_OFF = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;
  private static final int OPOST = 0x1;
  private static final int CSIZE_PARENB = 0x30 | 0x100;
  private static final int CS8 = 0x30;
  private static final int RAW_LFLAG_OFF = 0x1 | 0x2 | 0x8 | 0x40 | 0x8000;

  private Terminal() {}

  /** A new pseudo-terminal: the side of the terminal emulator, and the side of the programs. Both close-on-exec. */
  public record Pair(Fd primary, Fd secondary) {}

  /** Opens a pair on {@code /dev/ptmx}; its secondary side controls no session yet. */
  public static Pair openPair() throws ErrnoException {
    Fd primary = Fd.open("/dev/ptmx", Sys.O_RDWR | Sys.O_NOCTTY, 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment unlock = arena.allocate(4, 4);
      Libc.check(Libc.ioctl(primary.number(), TIOCSPTLCK, unlock.address()));
      int secondary = Libc.check(
          Libc.ioctl(primary.number(), TIOCGPTPEER, Sys.O_RDWR | Sys.O_NOCTTY | Sys.O_CLOEXEC));
      return new Pair(primary, Fd.adopt(secondary));
    } catch (ErrnoException e) {
      primary.close();
      throw e;
    }
  }

  /** Puts the terminal into raw mode and returns what {@link #restore} takes to undo it. */
  public static byte[] makeRaw(Fd terminal) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment t = arena.allocate(TERMIOS_SIZE, 4);
      Libc.check(Libc.ioctl(terminal.number(), TCGETS, t.address()));
      byte[] before = t.toArray(JAVA_BYTE);
      t.set(JAVA_INT, IFLAG, t.get(JAVA_INT, IFLAG) & ~RAW_IFLAG_OFF);
      t.set(JAVA_INT, OFLAG, t.get(JAVA_INT, OFLAG) & ~OPOST);
      t.set(JAVA_INT, CFLAG, t.get(JAVA_INT, CFLAG) & ~CSIZE_PARENB | CS8);
      t.set(JAVA_INT, LFLAG, t.get(JAVA_INT, LFLAG) & ~RAW_LFLAG_OFF);
      t.set(JAVA_BYTE, CC_VMIN, (byte) 1);
      t.set(JAVA_BYTE, CC_VTIME, (byte) 0);
      Libc.check(Libc.ioctl(terminal.number(), TCSETS, t.address()));
      return before;
    }
  }

  /** Puts the terminal back to what {@link #makeRaw} found. */
  public static void restore(Fd terminal, byte[] before) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment t = arena.allocate(TERMIOS_SIZE, 4);
      t.copyFrom(MemorySegment.ofArray(before));
      Libc.check(Libc.ioctl(terminal.number(), TCSETS, t.address()));
    }
  }

  /**
   * Makes the terminal the controlling one of this process, a session leader without one: changes of the window size
   * come as SIGWINCH from then on.
   */
  public static void makeControlling(Fd terminal) throws ErrnoException {
    Libc.check(Libc.ioctl(terminal.number(), TIOCSCTTY, 0));
  }

  /** Sets the window size that programs on the terminal see; they get SIGWINCH if it changed. */
  public static void setWindowSize(Fd terminal, int rows, int columns) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment size = arena.allocate(8, 4);
      size.set(JAVA_SHORT, 0, (short) rows);
      size.set(JAVA_SHORT, 2, (short) columns);
      Libc.check(Libc.ioctl(terminal.number(), TIOCSWINSZ, size.address()));
    }
  }

  /** Rows in the upper, columns in the lower 16 bits. */
  public static int windowSize(Fd terminal) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment size = arena.allocate(8, 4);
      Libc.check(Libc.ioctl(terminal.number(), TIOCGWINSZ, size.address()));
      return (size.get(JAVA_SHORT, 0) & 0xffff) << 16 | size.get(JAVA_SHORT, 2) & 0xffff;
    }
  }
}
