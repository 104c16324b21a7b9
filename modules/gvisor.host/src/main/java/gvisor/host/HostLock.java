package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Record locks owned by an open file description ({@code man 2 fcntl}, F_OFD_SETLK). */
public final class HostLock {
  public static final int F_RDLCK = 0;
  public static final int F_WRLCK = 1;
  public static final int F_UNLCK = 2;

  private static final int F_OFD_GETLK = 36;
  private static final int F_OFD_SETLK = 37;
  private static final int L_TYPE = 0, L_START = 8, L_LEN = 16, L_PID = 24, SIZE = 32;

  /** @param length 0: to the end of the file, however far */
  public record Range(int type, long start, long length, int pid) {}

  private HostLock() {}

  /** Takes or gives up a lock without waiting; false when somebody else's is in the way. */
  public static boolean trySet(Fd fd, Range range) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock = fill(arena, range);
      if (Libc.fcntl(fd.number(), F_OFD_SETLK, flock.address()) == 0) {
        return true;
      }
      Errno errno = Libc.errno();
      if (errno == Errno.EAGAIN || errno == Errno.EACCES) {
        return false;
      }
      throw errno.error();
    }
  }

  /** The first lock in the way of {@code range}, or {@code range} with F_UNLCK. */
  public static Range test(Fd fd, Range range) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock = fill(arena, range);
      Libc.check(Libc.fcntl(fd.number(), F_OFD_GETLK, flock.address()));
      int type = flock.get(JAVA_SHORT, L_TYPE);
      if (type == F_UNLCK) {
        return new Range(F_UNLCK, range.start(), range.length(), range.pid());
      }
      return new Range(type, flock.get(JAVA_LONG, L_START), flock.get(JAVA_LONG, L_LEN), flock.get(JAVA_INT, L_PID));
    }
  }

  private static MemorySegment fill(Arena arena, Range range) {
    MemorySegment flock = arena.allocate(SIZE, 8);
    flock.set(JAVA_SHORT, L_TYPE, (short) range.type());
    flock.set(JAVA_LONG, L_START, range.start());
    flock.set(JAVA_LONG, L_LEN, range.length());
    return flock;
  }
}
