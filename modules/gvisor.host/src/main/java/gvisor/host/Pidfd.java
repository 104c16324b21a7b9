package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A process that need not be a child of this one: {@code man 2 pidfd_open}. Thread-safe. */
public final class Pidfd implements AutoCloseable {
  private static final int POLLFD_SIZE = 8, EVENTS = 4;
  private static final long NANOS_PER_MILLI = 1_000_000;

  private final Fd fd;

  private Pidfd(Fd fd) {
    this.fd = fd;
  }

  /**
   * The process that has number {@code pid} now.
   *
   * @throws ErrnoException ESRCH when there is none
   */
  public static Pidfd open(int pid) throws ErrnoException {
    return new Pidfd(Fd.adopt((int) Libc.check(Libc.syscall(Sys.NR_PIDFD_OPEN, pid, 0, 0, 0, 0, 0))));
  }

  /** Sends {@code signal}; one that has ended gives ESRCH. */
  public void kill(int signal) throws ErrnoException {
    Libc.check(Libc.syscall(Sys.NR_PIDFD_SEND_SIGNAL, fd.number(), signal, 0, 0, 0, 0));
  }

  /** Waits until it has ended, at most {@code timeoutMillis}; returns whether it has. Its parent may not know yet. */
  public boolean awaitEnd(int timeoutMillis) throws ErrnoException {
    long deadline = System.nanoTime() + timeoutMillis * NANOS_PER_MILLI;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment poll = arena.allocate(POLLFD_SIZE, 4);
      poll.set(JAVA_INT, 0, fd.number());
      poll.set(JAVA_SHORT, EVENTS, (short) Sys.POLLIN);
      while (true) {
        long left = Math.max(0, (deadline - System.nanoTime()) / NANOS_PER_MILLI);
        try {
          return Libc.check(Libc.poll(poll.address(), 1, (int) left)) > 0;
        } catch (ErrnoException e) {
          if (e.errno() != Errno.EINTR) {
            throw e;
          }
        }
      }
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
