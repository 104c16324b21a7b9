package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A child process. Somebody must wait for it, once, or it stays a zombie until this process ends. Thread-safe. */
public final class Child {
  /** What {@link #poll} returns while it runs. */
  public static final int RUNNING = -1;

  private static final int WNOHANG = 1;
  private static final int WALL = 0x40000000;

  private final int pid;
  private int status = RUNNING;

  Child(int pid) {
    this.pid = pid;
  }

  /** Its process id, in this process's namespace. */
  public int pid() {
    return pid;
  }

  /** Its exit code, or 128 plus the signal that killed it, or {@link #RUNNING}. */
  public synchronized int poll() {
    if (status == RUNNING) {
      reap(WNOHANG);
    }
    return status;
  }

  /** Waits for its end: the exit code, or 128 plus the signal that killed it. */
  public int waitFor() {
    while (true) {
      // Not under the monitor, so that kill() and poll() of others go on; only the reaping itself is.
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment info = arena.allocate(128, 8);
        Libc.syscall(Sys.NR_WAITID, 1, pid, info.address(), 4 | 0x01000000 | WALL, 0, 0); // P_PID, WEXITED | WNOWAIT
      }
      int s = poll();
      if (s != RUNNING) {
        return s;
      }
    }
  }

  /** Sends {@code signal}; nothing happens when it has been waited for. */
  public synchronized void kill(int signal) {
    if (status == RUNNING) {
      Libc.kill(pid, signal);
    }
  }

  /** A pidfd: readable when the child has ended. */
  public synchronized Fd pidfd() throws ErrnoException {
    if (status != RUNNING) {
      throw Errno.ESRCH.error();
    }
    return Fd.adopt((int) Libc.check(Libc.syscall(Sys.NR_PIDFD_OPEN, pid, 0, 0, 0, 0, 0)));
  }

  private void reap(int options) {
    MemorySegment out = Memory.scratch();
    int n = Libc.waitpid(pid, out.address(), options | WALL);
    if (n == pid) {
      int raw = out.get(JAVA_INT, 0);
      int signal = raw & 0x7f;
      status = signal == 0 ? raw >> 8 & 0xff : 128 + signal;
    } else if (n < 0 && Libc.errno() == Errno.ECHILD) {
      // Somebody else has reaped it, against the rules; there is no better answer than that it is gone.
      status = 255;
    }
  }
}
