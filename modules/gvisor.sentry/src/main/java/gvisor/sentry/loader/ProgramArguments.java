package gvisor.sentry.loader;

import static gvisor.api.errno.Errno.E2BIG;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.MmLimits;
import java.util.Arrays;

/**
 * Copies {@code argv} and {@code envp} in, within the bounds of {@code man 2 execve}, "Limits on size of arguments and
 * environment": 128 KiB a string, and together with their pointers a quarter of the stack limit, at most 6 MiB, at
 * least 128 KiB.
 */
public final class ProgramArguments {
  /** Longest string, with its NUL. */
  public static final int MAX_STRING = 32 * 4096;

  private static final long MIN_TOTAL = 128 << 10;
  private static final long MAX_TOTAL = 6 << 20;

  private long left;

  public ProgramArguments(MmLimits limits) {
    long stack = limits.limit(MmLimits.RLIMIT_STACK);
    long quarter = stack < 0 ? MAX_TOTAL : stack / 4;
    left = Math.max(MIN_TOTAL, Math.min(MAX_TOTAL, quarter));
  }

  /**
   * The strings of the null-terminated array at {@code addr}; none when it is null.
   *
   * @throws ErrnoException E2BIG; EFAULT
   */
  public String[] copyIn(MemoryManager mm, long addr) throws ErrnoException {
    String[] strings = new String[8];
    int count = 0;
    if (addr != 0) {
      while (true) {
        long pointer = mm.readLong(addr + (long) count * Long.BYTES);
        if (pointer == 0) {
          break;
        }
        long length = mm.stringLength(pointer, MAX_STRING);
        if (length >= MAX_STRING) {
          throw E2BIG.error();
        }
        count(length);
        if (count == strings.length) {
          strings = Arrays.copyOf(strings, count * 2);
        }
        strings[count++] = mm.readString(pointer, (int) length);
      }
    }
    return Arrays.copyOf(strings, count);
  }

  /** Counts strings that did not come from an application. */
  public void count(String[] strings) throws ErrnoException {
    for (String s : strings) {
      if (s.length() >= MAX_STRING) {
        throw E2BIG.error();
      }
      count(s.length());
    }
  }

  private void count(long length) throws ErrnoException {
    left -= length + 1 + Long.BYTES;
    if (left < 0) {
      throw E2BIG.error();
    }
  }
}
