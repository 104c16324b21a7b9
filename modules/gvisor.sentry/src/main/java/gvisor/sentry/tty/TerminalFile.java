package gvisor.sentry.tty;

import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ENOTTY;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OpenFlags;

/** An open terminal. */
public final class TerminalFile implements FileOps {
  private final Terminal terminal;
  private final int generation;

  /**
   * Opens {@code terminal}; unless {@code flags} has O_NOCTTY it becomes the controlling terminal of a session leader
   * that has none.
   *
   * @throws ErrnoException EIO, EBUSY
   */
  public TerminalFile(Terminal terminal, Caller caller, int flags) throws ErrnoException {
    this.terminal = terminal;
    this.generation = terminal.open(caller);
    if ((flags & OpenFlags.O_NOCTTY) == 0 && caller instanceof Task task) {
      terminal.controlling().acquireOnOpen(task);
    }
  }

  public Terminal terminal() {
    return terminal;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    if (terminal.isHungUp(generation)) {
      return 0;
    }
    if (caller instanceof Task task) {
      long stop = terminal.controlling().checkBackground(task, Signal.SIGTTIN);
      if (stop != 0) {
        return stop;
      }
    }
    return terminal.read(dst, file.isNonblocking());
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    if (terminal.isHungUp(generation)) {
      throw EIO.error();
    }
    if (terminal.termios().isLocal(Termios.TOSTOP) && caller instanceof Task task) {
      long stop = terminal.controlling().checkBackground(task, Signal.SIGTTOU);
      if (stop != 0) {
        return stop;
      }
    }
    return terminal.write(src);
  }

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    if (terminal.isHungUp(generation)) {
      if (request == TtyIoctls.TIOCSPGRP) {
        throw ENOTTY.error();
      }
      throw EIO.error();
    }
    return TerminalIoctl.slave(terminal, caller, file, request, argument);
  }

  @Override
  public int readiness(int mask) {
    if (terminal.isHungUp(generation)) {
      return mask & (EventMask.READABLE | EventMask.WRITABLE) | EventMask.EPOLLERR | EventMask.EPOLLHUP;
    }
    return terminal.readiness(mask);
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
  public boolean signalsOwner() {
    return true;
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    terminal.waiters().register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    terminal.waiters().unregister(entry);
  }

  @Override
  public void release(FileDescription file) {
    terminal.close();
  }
}
