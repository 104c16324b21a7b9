package gvisor.sentry.tty;

import static gvisor.sentry.tty.Termios.ECHO;
import static gvisor.sentry.tty.Termios.ECHOCTL;
import static gvisor.sentry.tty.Termios.ECHOE;
import static gvisor.sentry.tty.Termios.ECHOK;
import static gvisor.sentry.tty.Termios.ECHOKE;
import static gvisor.sentry.tty.Termios.ECHONL;
import static gvisor.sentry.tty.Termios.ECHOPRT;
import static gvisor.sentry.tty.Termios.EXTPROC;
import static gvisor.sentry.tty.Termios.ICANON;
import static gvisor.sentry.tty.Termios.ICRNL;
import static gvisor.sentry.tty.Termios.IEXTEN;
import static gvisor.sentry.tty.Termios.IGNCR;
import static gvisor.sentry.tty.Termios.IMAXBEL;
import static gvisor.sentry.tty.Termios.INLCR;
import static gvisor.sentry.tty.Termios.ISIG;
import static gvisor.sentry.tty.Termios.ISTRIP;
import static gvisor.sentry.tty.Termios.IUCLC;
import static gvisor.sentry.tty.Termios.IXANY;
import static gvisor.sentry.tty.Termios.IXON;
import static gvisor.sentry.tty.Termios.NOFLSH;
import static gvisor.sentry.tty.Termios.PARMRK;

/**
 * What becomes of typed bytes: line editing, echo, signal characters, flow control ({@code man 3 termios}). It stores
 * what is to be read in an {@link InputBuffer}, echoes through an {@link OutputProcessor} and notes signals for the
 * terminal to send. Guarded by the terminal's lock.
 */
final class LineDiscipline {
  static final int SIGINT = 2;
  static final int SIGQUIT = 3;
  static final int SIGTSTP = 20;

  /** What the terminal does that a typed byte can ask for. */
  interface Listener {
    /** Sends {@code signal} to the foreground group, once the lock is free. */
    void signalForeground(int signal);

    /** Output written and not yet taken is to be forgotten. */
    void flushOutput();

    /** Input was thrown away. */
    void inputFlushed();

    /** Output stops or goes on. */
    void setStopped(boolean stopped);

    boolean isStopped();
  }

  private final InputBuffer input;
  private final OutputProcessor output;
  private final Listener listener;
  private Termios termios = Termios.DEFAULT;
  private boolean literalNext;
  /** Inside ECHOPRT's backslash-slash pair. */
  private boolean erasing;

  LineDiscipline(InputBuffer input, OutputProcessor output, Listener listener) {
    this.input = input;
    this.output = output;
    this.listener = listener;
  }

  void setTermios(Termios changed) {
    Termios old = termios;
    termios = changed;
    output.setTermios(changed);
    if (((old.lflag() ^ changed.lflag()) & (ICANON | EXTPROC)) != 0) {
      input.modeChanged(changed.isCanonical());
      erasing = false;
      literalNext = false;
    }
    if (old.isInput(IXON) && !changed.isInput(IXON) && listener.isStopped()) {
      listener.setStopped(false);
    }
  }

  /**
   * Whether {@link #receive} can take a byte. In canonical mode without a complete line it always can: what does not
   * fit is dropped, for only more typing can end the line.
   */
  boolean canReceive() {
    // One byte may need three places (PARMRK).
    return input.room() > 3 || termios.isCanonical() && !input.hasLine();
  }

  /** Forgets what has been typed and not been read. */
  void flush() {
    input.clear();
    erasing = false;
    literalNext = false;
  }

  /** Takes one typed byte. */
  void receive(int typed) {
    int c = typed;
    if (termios.isInput(ISTRIP)) {
      c &= 0x7f;
    }
    if (termios.isInput(IUCLC) && termios.isLocal(IEXTEN) && c >= 'A' && c <= 'Z') {
      c += 32;
    }
    if (termios.isLocal(EXTPROC)) {
      store(c);
      return;
    }
    if (literalNext) {
      literalNext = false;
      receivePlain(c);
      return;
    }
    if (receiveFlowControl(c) || receiveSignal(c)) {
      return;
    }
    if (listener.isStopped() && termios.isInput(IXON) && termios.isInput(IXANY)) {
      listener.setStopped(false);
    }
    if (c == '\r') {
      if (termios.isInput(IGNCR)) {
        return;
      }
      if (termios.isInput(ICRNL)) {
        c = '\n';
      }
    } else if (c == '\n' && termios.isInput(INLCR)) {
      c = '\r';
    }
    if (!termios.isCanonical() || !receiveEditing(c)) {
      receivePlain(c);
    }
  }

  private boolean receiveFlowControl(int c) {
    if (!termios.isInput(IXON)) {
      return false;
    }
    if (termios.is(c, Termios.VSTART)) {
      listener.setStopped(false);
      return true;
    }
    if (termios.is(c, Termios.VSTOP)) {
      listener.setStopped(true);
      return true;
    }
    return false;
  }

  private boolean receiveSignal(int c) {
    if (!termios.isLocal(ISIG)) {
      return false;
    }
    int signal;
    if (termios.is(c, Termios.VINTR)) {
      signal = SIGINT;
    } else if (termios.is(c, Termios.VQUIT)) {
      signal = SIGQUIT;
    } else if (termios.is(c, Termios.VSUSP)) {
      signal = SIGTSTP;
    } else {
      return false;
    }
    if (!termios.isLocal(NOFLSH)) {
      flush();
      listener.flushOutput();
      listener.inputFlushed();
    }
    if (termios.isInput(IXON) && listener.isStopped()) {
      listener.setStopped(false);
    }
    if (termios.isLocal(ECHO)) {
      echo(c);
    }
    listener.signalForeground(signal);
    return true;
  }

  /** Canonical mode's special characters; false for all others. */
  private boolean receiveEditing(int c) {
    boolean extended = termios.isLocal(IEXTEN);
    if (termios.is(c, Termios.VERASE)) {
      erase(true, false);
    } else if (termios.is(c, Termios.VKILL)) {
      kill();
    } else if (extended && termios.is(c, Termios.VWERASE)) {
      erase(false, true);
    } else if (extended && termios.is(c, Termios.VLNEXT)) {
      literalNext = true;
      if (termios.isLocal(ECHO)) {
        finishErasing();
        if (termios.isLocal(ECHOCTL)) {
          output.putRaw('^');
          output.putRaw('\b');
        }
      }
    } else if (extended && termios.isLocal(ECHO) && termios.is(c, Termios.VREPRINT)) {
      reprint(c);
    } else if (c == '\n') {
      if (termios.isLocal(ECHO | ECHONL)) {
        finishErasing();
        output.put('\n');
      }
      endLine('\n');
    } else if (termios.is(c, Termios.VEOF)) {
      endLine(0);
    } else if (termios.is(c, Termios.VEOL) || extended && termios.is(c, Termios.VEOL2)) {
      if (termios.isLocal(ECHO)) {
        startEcho();
        echo(c);
      }
      if (c == 0xff && termios.isInput(PARMRK)) {
        store(c);
      }
      endLine(c);
    } else {
      return false;
    }
    return true;
  }

  private void receivePlain(int c) {
    if (termios.isCanonical() && input.room() <= 3) {
      // Linux: an overlong line keeps its end, loses what does not fit, and may ring the bell.
      if (termios.isInput(IMAXBEL)) {
        output.putRaw(7);
      }
      return;
    }
    if (termios.isLocal(ECHO)) {
      startEcho();
      if (c == '\n') {
        output.put('\n');
      } else {
        echo(c);
      }
    }
    if (c == 0xff && termios.isInput(PARMRK)) {
      store(c);
    }
    store(c);
  }

  private void store(int c) {
    if (input.room() > 1) {
      input.put(c);
    }
  }

  private void endLine(int c) {
    if (input.room() > 0) {
      input.putLineEnd(c);
    }
  }

  private void startEcho() {
    finishErasing();
    if (input.lineStart() == input.head()) {
      output.markLineStart();
    }
  }

  private void echo(int c) {
    if (termios.isLocal(ECHOCTL) && OutputProcessor.isControl(c) && c != '\t') {
      output.putRaw('^');
      output.putRaw(c ^ 0x40);
    } else {
      output.put(c);
    }
  }

  private void reprint(int c) {
    finishErasing();
    echo(c);
    output.put('\n');
    for (int i = input.lineStart(); i != input.head(); i++) {
      echo(input.at(i));
    }
  }

  private void finishErasing() {
    if (erasing) {
      output.putRaw('/');
      erasing = false;
    }
  }

  private void kill() {
    if (input.head() == input.lineStart()) {
      return;
    }
    if (!termios.isLocal(ECHO)) {
      input.eraseTo(input.lineStart());
      return;
    }
    if (termios.isLocal(ECHOK) && termios.isLocal(ECHOKE) && termios.isLocal(ECHOE)) {
      erase(false, false);
      return;
    }
    input.eraseTo(input.lineStart());
    finishErasing();
    echo(termios.control(Termios.VKILL));
    if (termios.isLocal(ECHOK)) {
      output.put('\n');
    }
  }

  /** Erases a character, a word, or (neither) the line, and its echo. */
  private void erase(boolean character, boolean word) {
    boolean inWord = false;
    while (input.head() != input.lineStart()) {
      int start = input.head();
      int c;
      do {
        start--;
        c = input.at(start);
      } while (output.isContinuation(c) && start != input.lineStart());
      if (output.isContinuation(c)) {
        break;
      }
      if (word) {
        if (isWordCharacter(c)) {
          inWord = true;
        } else if (inWord) {
          break;
        }
      }
      int end = input.head();
      input.eraseTo(start);
      if (termios.isLocal(ECHO)) {
        eraseEcho(c, start, end, character);
      }
      if (character) {
        break;
      }
    }
    if (input.head() == input.lineStart() && termios.isLocal(ECHO)) {
      finishErasing();
    }
  }

  private void eraseEcho(int c, int start, int end, boolean character) {
    if (termios.isLocal(ECHOPRT)) {
      if (!erasing) {
        output.putRaw('\\');
        erasing = true;
      }
      echo(c);
      for (int i = start + 1; i < end; i++) {
        output.putRaw(input.at(i));
      }
    } else if (character && !termios.isLocal(ECHOE)) {
      echo(termios.control(Termios.VERASE));
    } else if (c == '\t') {
      eraseTab(start);
    } else {
      boolean control = OutputProcessor.isControl(c);
      if (control && termios.isLocal(ECHOCTL)) {
        rubOut();
      }
      if (!control || termios.isLocal(ECHOCTL)) {
        rubOut();
      }
    }
  }

  private void rubOut() {
    output.putRaw('\b');
    output.putRaw(' ');
    output.putRaw('\b');
  }

  /** Moves back over a tab at {@code position}: to where what stands before it ends. */
  private void eraseTab(int position) {
    int width = 0;
    int i = position;
    boolean afterTab = false;
    while (i != input.lineStart()) {
      i--;
      int c = input.at(i);
      if (c == '\t') {
        afterTab = true;
        break;
      }
      if (OutputProcessor.isControl(c)) {
        width += termios.isLocal(ECHOCTL) ? 2 : 0;
      } else if (!output.isContinuation(c)) {
        width++;
      }
    }
    if (!afterTab) {
      width += output.lineStartColumn();
    }
    for (int back = 8 - (width & 7); back > 0; back--) {
      output.putRaw('\b');
    }
  }

  private static boolean isWordCharacter(int c) {
    return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_';
  }
}
