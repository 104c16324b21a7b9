package gvisor.sentry.tty;

import static gvisor.sentry.tty.Termios.OCRNL;
import static gvisor.sentry.tty.Termios.OLCUC;
import static gvisor.sentry.tty.Termios.ONLCR;
import static gvisor.sentry.tty.Termios.ONLRET;
import static gvisor.sentry.tty.Termios.ONOCR;
import static gvisor.sentry.tty.Termios.OPOST;
import static gvisor.sentry.tty.Termios.TABDLY;

/**
 * What becomes of written bytes on their way out (OPOST and its flags), with the column that tabs and erasing need.
 * Guarded by the terminal's lock.
 */
final class OutputProcessor {
  /** Most bytes that one written byte becomes: a tab as spaces. */
  static final int MOST_FOR_ONE = 8;

  private final ByteRing out;
  private Termios termios = Termios.DEFAULT;
  private int column;
  private int lineStartColumn;

  OutputProcessor(ByteRing out) {
    this.out = out;
  }

  void setTermios(Termios termios) {
    this.termios = termios;
  }

  /** The column at which the line that is being typed started. */
  int lineStartColumn() {
    return lineStartColumn;
  }

  /** The line that is being typed starts here. */
  void markLineStart() {
    lineStartColumn = column;
  }

  /** A byte as the settings have it; dropped when there is no room (callers that care look at the room first). */
  void put(int c) {
    if (!termios.isOutput(OPOST)) {
      out.put((byte) c);
      return;
    }
    switch (c) {
      case '\n' -> putNewline();
      case '\r' -> putReturn();
      case '\t' -> putTab();
      case '\b' -> {
        if (column > 0) {
          column--;
        }
        out.put((byte) c);
      }
      default -> {
        int shown = termios.isOutput(OLCUC) && c >= 'a' && c <= 'z' ? c - 32 : c;
        if (!isControl(c) && !isContinuation(c)) {
          column++;
        }
        out.put((byte) shown);
      }
    }
  }

  /** A byte as it is, for sequences like {@code ^C} that settings do not change. */
  void putRaw(int c) {
    if (c == '\b') {
      column = Math.max(0, column - 1);
    } else if (!isControl(c) && !isContinuation(c)) {
      column++;
    }
    out.put((byte) c);
  }

  private void putNewline() {
    if (termios.isOutput(ONLRET)) {
      column = 0;
    }
    if (termios.isOutput(ONLCR)) {
      column = 0;
      out.put((byte) '\r');
    }
    lineStartColumn = column;
    out.put((byte) '\n');
  }

  private void putReturn() {
    if (termios.isOutput(ONOCR) && column == 0) {
      return;
    }
    if (termios.isOutput(OCRNL)) {
      if (termios.isOutput(ONLRET)) {
        column = 0;
        lineStartColumn = 0;
      }
      out.put((byte) '\n');
      return;
    }
    column = 0;
    lineStartColumn = 0;
    out.put((byte) '\r');
  }

  private void putTab() {
    int spaces = 8 - (column & 7);
    column += spaces;
    if ((termios.oflag() & TABDLY) != TABDLY) {
      out.put((byte) '\t');
      return;
    }
    for (int i = 0; i < spaces; i++) {
      out.put((byte) ' ');
    }
  }

  static boolean isControl(int c) {
    return c < 32 || c == 127;
  }

  /** Whether {@code c} goes on with a UTF-8 character that has started, when the terminal speaks UTF-8. */
  boolean isContinuation(int c) {
    return termios.isInput(Termios.IUTF8) && (c & 0xc0) == 0x80;
  }
}
