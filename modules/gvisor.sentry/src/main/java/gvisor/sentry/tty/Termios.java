package gvisor.sentry.tty;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Terminal settings: the kernel's {@code struct ktermios} ({@code man 2 TCSETS}, {@code man 3 termios}). Immutable, so
 * that reading them needs no lock.
 *
 * @param cc control characters, {@link #NCCS} of them; never changed after construction
 * @param inputSpeed bits a second
 */
public record Termios(
    int iflag, int oflag, int cflag, int lflag, int line, byte[] cc, int inputSpeed, int outputSpeed) {
  public static final int NCCS = 19;
  /** Bytes of {@code struct termios} (the kernel's). */
  public static final int SIZE = 36;
  /** Bytes of {@code struct termios2}. */
  public static final int SIZE2 = 44;
  /** Bytes of the old {@code struct termio}. */
  public static final int SIZE_TERMIO = 18;

  public static final int IGNBRK = 01;
  public static final int BRKINT = 02;
  public static final int PARMRK = 010;
  public static final int ISTRIP = 040;
  public static final int INLCR = 0100;
  public static final int IGNCR = 0200;
  public static final int ICRNL = 0400;
  public static final int IUCLC = 01000;
  public static final int IXON = 02000;
  public static final int IXANY = 04000;
  public static final int IXOFF = 010000;
  public static final int IMAXBEL = 020000;
  public static final int IUTF8 = 040000;

  public static final int OPOST = 01;
  public static final int OLCUC = 02;
  public static final int ONLCR = 04;
  public static final int OCRNL = 010;
  public static final int ONOCR = 020;
  public static final int ONLRET = 040;
  public static final int TABDLY = 014000;

  public static final int ISIG = 01;
  public static final int ICANON = 02;
  public static final int ECHO = 010;
  public static final int ECHOE = 020;
  public static final int ECHOK = 040;
  public static final int ECHONL = 0100;
  public static final int NOFLSH = 0200;
  public static final int TOSTOP = 0400;
  public static final int ECHOCTL = 01000;
  public static final int ECHOPRT = 02000;
  public static final int ECHOKE = 04000;
  public static final int IEXTEN = 0100000;
  public static final int EXTPROC = 0200000;

  public static final int CS8 = 060;
  public static final int CREAD = 0200;
  public static final int CSIZE = 060;
  public static final int PARENB = 0400;
  public static final int B38400 = 017;
  private static final int CBAUD = 010017;
  private static final int BOTHER = 010000;

  public static final int VINTR = 0;
  public static final int VQUIT = 1;
  public static final int VERASE = 2;
  public static final int VKILL = 3;
  public static final int VEOF = 4;
  public static final int VTIME = 5;
  public static final int VMIN = 6;
  public static final int VSTART = 8;
  public static final int VSTOP = 9;
  public static final int VSUSP = 10;
  public static final int VEOL = 11;
  public static final int VREPRINT = 12;
  public static final int VWERASE = 14;
  public static final int VLNEXT = 15;
  public static final int VEOL2 = 16;

  private static final int OFFSET_CC = 17;
  private static final int OFFSET_SPEEDS = 36;
  private static final int TERMIO_CCS = 8;

  private static final int[] SPEEDS = {0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200,
      38400};
  private static final int[] HIGH_SPEEDS = {0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000,
      1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

  /** What a terminal starts with. */
  public static final Termios DEFAULT = new Termios(
      ICRNL | IXON,
      OPOST | ONLCR,
      B38400 | CS8 | CREAD,
      ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
      0,
      new byte[] {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0},
      38400,
      38400);

  public boolean isInput(int flag) {
    return (iflag & flag) != 0;
  }

  public boolean isOutput(int flag) {
    return (oflag & flag) != 0;
  }

  public boolean isLocal(int flag) {
    return (lflag & flag) != 0;
  }

  public boolean isCanonical() {
    return (lflag & ICANON) != 0;
  }

  /** Control character {@code index} as an unsigned number. */
  public int control(int index) {
    return cc[index] & 0xff;
  }

  /** Whether {@code c} is control character {@code index}; 0 disables a control character. */
  boolean is(int c, int index) {
    return c != 0 && c == (cc[index] & 0xff);
  }

  /** Writes {@code struct termios}. */
  void writeTo(MemorySegment out) {
    out.set(JAVA_INT_UNALIGNED, 0, iflag);
    out.set(JAVA_INT_UNALIGNED, 4, oflag);
    out.set(JAVA_INT_UNALIGNED, 8, cflag);
    out.set(JAVA_INT_UNALIGNED, 12, lflag);
    out.set(JAVA_BYTE, 16, (byte) line);
    MemorySegment.copy(cc, 0, out, JAVA_BYTE, OFFSET_CC, NCCS);
  }

  /** Writes {@code struct termios2}. */
  void write2To(MemorySegment out) {
    writeTo(out);
    out.set(JAVA_INT_UNALIGNED, OFFSET_SPEEDS, inputSpeed);
    out.set(JAVA_INT_UNALIGNED, OFFSET_SPEEDS + 4, outputSpeed);
  }

  /** Writes {@code struct termio}: 16-bit flags and eight control characters. */
  void writeTermioTo(MemorySegment out) {
    out.set(JAVA_SHORT_UNALIGNED, 0, (short) iflag);
    out.set(JAVA_SHORT_UNALIGNED, 2, (short) oflag);
    out.set(JAVA_SHORT_UNALIGNED, 4, (short) cflag);
    out.set(JAVA_SHORT_UNALIGNED, 6, (short) lflag);
    out.set(JAVA_BYTE, 8, (byte) line);
    MemorySegment.copy(cc, 0, out, JAVA_BYTE, 9, TERMIO_CCS);
    out.set(JAVA_BYTE, 17, (byte) 0);
  }

  /** Reads {@code struct termios}, or {@code struct termios2} when {@code two}. */
  static Termios read(MemorySegment in, boolean two) {
    byte[] cc = new byte[NCCS];
    MemorySegment.copy(in, JAVA_BYTE, OFFSET_CC, cc, 0, NCCS);
    int cflag = in.get(JAVA_INT_UNALIGNED, 8);
    int speed = speed(cflag);
    int input = speed;
    int output = speed;
    if (two && (cflag & CBAUD) == BOTHER) {
      input = in.get(JAVA_INT_UNALIGNED, OFFSET_SPEEDS);
      output = in.get(JAVA_INT_UNALIGNED, OFFSET_SPEEDS + 4);
    }
    return new Termios(in.get(JAVA_INT_UNALIGNED, 0), in.get(JAVA_INT_UNALIGNED, 4), ptyControl(cflag),
        in.get(JAVA_INT_UNALIGNED, 12), in.get(JAVA_BYTE, 16) & 0xff, cc, input, output);
  }

  /** This, with what {@code struct termio} can say changed. */
  Termios withTermio(MemorySegment in) {
    byte[] changed = cc.clone();
    MemorySegment.copy(in, JAVA_BYTE, 9, changed, 0, TERMIO_CCS);
    int c = low(cflag, in, 4);
    return new Termios(low(iflag, in, 0), low(oflag, in, 2), ptyControl(c), low(lflag, in, 6),
        in.get(JAVA_BYTE, 8) & 0xff, changed, speed(c), speed(c));
  }

  private static int low(int old, MemorySegment in, int offset) {
    return old & 0xffff0000 | in.get(JAVA_SHORT_UNALIGNED, offset) & 0xffff;
  }

  /** A pseudo-terminal always has eight bits, no parity, and a receiver. */
  private static int ptyControl(int cflag) {
    return cflag & ~(CSIZE | PARENB) | CS8 | CREAD;
  }

  private static int speed(int cflag) {
    int code = cflag & CBAUD;
    return (code & BOTHER) != 0 ? HIGH_SPEEDS[code & 017] : SPEEDS[code & 017];
  }
}
