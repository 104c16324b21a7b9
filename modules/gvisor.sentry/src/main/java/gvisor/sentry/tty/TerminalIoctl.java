package gvisor.sentry.tty;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ENOTTY;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.sentry.tty.TtyIoctls.*;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;

/** Terminal requests of {@code ioctl(2)} ({@code man 2 ioctl_tty}). */
public final class TerminalIoctl {
  private static final int TCOOFF = 0;
  private static final int TCOON = 1;
  private static final int TCIOFF = 2;
  private static final int TCION = 3;

  private TerminalIoctl() {}

  /** Requests on an open terminal. */
  static long slave(Terminal terminal, Caller caller, FileDescription file, int request, long argument)
      throws ErrnoException {
    Task task = caller instanceof Task t ? t : null;
    if (changesTerminal(request) && task != null) {
      long stop = terminal.controlling().checkBackground(task, Signal.SIGTTOU);
      if (stop != 0) {
        return stop;
      }
    }
    switch (request) {
      case TIOCSCTTY -> {
        if (!file.isReadable() && !caller.creds().has(Capability.CAP_SYS_ADMIN)) {
          throw EPERM.error();
        }
        terminal.controlling().acquire(requireTask(task), argument == 1);
        return 0;
      }
      case TIOCNOTTY -> {
        terminal.controlling().release(requireTask(task));
        return 0;
      }
      case TIOCGPGRP -> {
        caller.mm().writeInt(argument, terminal.controlling().foregroundGroup(requireTask(task)));
        return 0;
      }
      case TIOCSPGRP -> {
        return setForeground(terminal, requireTask(task), argument);
      }
      case TIOCGSID -> {
        caller.mm().writeInt(argument, terminal.controlling().sessionId(requireTask(task)));
        return 0;
      }
      case FIONREAD -> {
        caller.mm().writeInt(argument, terminal.readableBytes());
        return 0;
      }
      case TCFLSH -> {
        flush(terminal, argument);
        return 0;
      }
      case TCXONC -> {
        flowControl(terminal, argument);
        return 0;
      }
      case TIOCSTI -> throw EPERM.error();
      case TIOCVHANGUP -> {
        if (!caller.creds().has(Capability.CAP_SYS_ADMIN)) {
          throw EPERM.error();
        }
        terminal.hangup(false);
        return 0;
      }
      default -> {
        return both(terminal, caller, request, argument);
      }
    }
  }

  /** Requests that mean the same on either end of a pseudo-terminal. */
  public static long both(Terminal terminal, Caller caller, int request, long argument) throws ErrnoException {
    switch (request) {
      case TCGETS, TCGETS2, TCGETA -> readSettings(terminal, caller, request, argument);
      case TCSETS, TCSETSW, TCSETSF, TCSETS2, TCSETSW2, TCSETSF2, TCSETA, TCSETAW, TCSETAF ->
          writeSettings(terminal, caller, request, argument);
      case TIOCGWINSZ -> caller.mm().writeLong(argument, terminal.windowSize());
      case TIOCSWINSZ -> terminal.setWindowSize(readLong(caller, argument));
      case TIOCEXCL -> terminal.setExclusive(true);
      case TIOCNXCL -> terminal.setExclusive(false);
      case TIOCGEXCL -> caller.mm().writeInt(argument, terminal.isExclusive() ? 1 : 0);
      case TIOCGDEV -> caller.mm().writeInt(argument, (int) terminal.rdev());
      case TIOCGETD -> caller.mm().writeInt(argument, 0);
      case TIOCOUTQ -> caller.mm().writeInt(argument, 0);
      case TIOCSETD -> {
        // Only the line discipline there is: N_TTY.
        if (caller.mm().readInt(argument) != 0) {
          throw EINVAL.error();
        }
      }
      // Output is taken at once, and there is no line to break.
      case TCSBRK, TCSBRKP, TIOCSBRK, TIOCCBRK -> {}
      default -> throw ENOTTY.error();
    }
    return 0;
  }

  /** Requests for which a process in the background is stopped. */
  private static boolean changesTerminal(int request) {
    return switch (request) {
      case TCSETS, TCSETSW, TCSETSF, TCSETS2, TCSETSW2, TCSETSF2, TCSETA, TCSETAW, TCSETAF, TCSBRK, TCSBRKP, TIOCSBRK,
          TIOCCBRK, TCXONC, TCFLSH, TIOCSETD -> true;
      default -> false;
    };
  }

  private static long setForeground(Terminal terminal, Task task, long argument) throws ErrnoException {
    int pgid = task.mm().readInt(argument);
    try {
      return terminal.controlling().setForegroundGroup(task, pgid);
    } catch (ErrnoException e) {
      // Linux: an orphaned background group learns that it has no terminal.
      if (e.errno() == EIO) {
        throw ENOTTY.error();
      }
      throw e;
    }
  }

  private static void readSettings(Terminal terminal, Caller caller, int request, long argument)
      throws ErrnoException {
    MemorySegment s = MemorySegment.ofArray(new byte[Termios.SIZE2]);
    Termios t = terminal.termios();
    if (request == TCGETA) {
      t.writeTermioTo(s);
    } else {
      t.write2To(s);
    }
    caller.mm().copyOut(argument, s, 0, size(request));
  }

  private static void writeSettings(Terminal terminal, Caller caller, int request, long argument)
      throws ErrnoException {
    MemorySegment s = MemorySegment.ofArray(new byte[Termios.SIZE2]);
    int size = size(request);
    caller.mm().copyIn(argument, s, 0, size);
    Termios t = size == Termios.SIZE_TERMIO
        ? terminal.termios().withTermio(s)
        : Termios.read(s, size == Termios.SIZE2);
    terminal.setTermios(t, request == TCSETSF || request == TCSETSF2 || request == TCSETAF);
  }

  private static int size(int request) {
    return switch (request) {
      case TCGETS, TCSETS, TCSETSW, TCSETSF -> Termios.SIZE;
      case TCGETA, TCSETA, TCSETAW, TCSETAF -> Termios.SIZE_TERMIO;
      default -> Termios.SIZE2;
    };
  }

  private static long readLong(Caller caller, long argument) throws ErrnoException {
    MemorySegment s = MemorySegment.ofArray(new byte[8]);
    caller.mm().copyIn(argument, s, 0, 8);
    return s.get(JAVA_LONG_UNALIGNED, 0);
  }

  /** {@code TCFLSH}, on either end. */
  public static void flush(Terminal terminal, long queue) throws ErrnoException {
    if (queue < TCIFLUSH || queue > TCIOFLUSH) {
      throw EINVAL.error();
    }
    terminal.flush(queue != TCOFLUSH, queue != TCIFLUSH);
  }

  private static void flowControl(Terminal terminal, long action) throws ErrnoException {
    if (action == TCOOFF || action == TCOON) {
      terminal.suspendOutput(action == TCOOFF);
    } else if (action == TCIOFF || action == TCION) {
      terminal.sendFlowControl(action == TCIOFF);
    } else {
      throw EINVAL.error();
    }
  }

  private static Task requireTask(Task task) throws ErrnoException {
    if (task == null) {
      throw ENOTTY.error();
    }
    return task;
  }
}
