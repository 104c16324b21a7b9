package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.ENAMETOOLONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;

/**
 * How the kernel reads and writes application memory. Every access is made under the memory manager's read lock, so
 * that nobody unmaps or shares the page in between; a missing page is faulted in and the access tried again. Any
 * thread.
 *
 * <p>All methods throw EFAULT for an address the application itself could not access, and for memory that cannot be had
 * (beyond the end of a mapped file, or the sandbox's memory used up).
 */
public abstract sealed class UserMemory permits MemoryManager {
  private static final VarHandle INT = JAVA_INT.varHandle();

  /** All of the sandbox's memory. */
  final MemorySegment memory;

  UserMemory(MemorySegment memory) {
    this.memory = memory;
  }

  /**
   * What backs {@code addr}, with the read lock held: {@link #letGo} must follow. The pma may be read and, if
   * {@code write}, stored to at {@code addr}.
   */
  abstract Pma hold(long addr, boolean write) throws ErrnoException;

  abstract void letGo();

  /** Copies {@code length} bytes in; EFAULT if any of them is not readable (some may have been copied then). */
  public final void copyIn(long addr, MemorySegment dst, long dstOffset, long length) throws ErrnoException {
    long done = 0;
    while (done < length) {
      long at = addr + done;
      Pma p = hold(at, false);
      try {
        long n = Math.min(length - done, p.end - at);
        MemorySegment.copy(memory, p.at(at), dst, dstOffset + done, n);
        done += n;
      } finally {
        letGo();
      }
    }
  }

  /** Copies {@code length} bytes out; EFAULT if any of them is not writable (some may have been copied then). */
  public final void copyOut(long addr, MemorySegment src, long srcOffset, long length) throws ErrnoException {
    long done = 0;
    while (done < length) {
      long at = addr + done;
      Pma p = hold(at, true);
      try {
        long n = Math.min(length - done, p.end - at);
        MemorySegment.copy(src, srcOffset + done, memory, p.at(at), n);
        done += n;
      } finally {
        letGo();
      }
    }
  }

  /** Writes zeros; EFAULT as {@link #copyOut}. */
  public final void zeroOut(long addr, long length) throws ErrnoException {
    long done = 0;
    while (done < length) {
      long at = addr + done;
      Pma p = hold(at, true);
      try {
        long n = Math.min(length - done, p.end - at);
        memory.asSlice(p.at(at), n).fill((byte) 0);
        done += n;
      } finally {
        letGo();
      }
    }
  }

  public final byte readByte(long addr) throws ErrnoException {
    Pma p = hold(addr, false);
    try {
      return memory.get(JAVA_BYTE, p.at(addr));
    } finally {
      letGo();
    }
  }

  public final short readShort(long addr) throws ErrnoException {
    Pma p = hold(addr, false);
    try {
      if (p.end - addr >= Short.BYTES) {
        return memory.get(JAVA_SHORT_UNALIGNED, p.at(addr));
      }
    } finally {
      letGo();
    }
    return (short) readSplit(addr, Short.BYTES);
  }

  public final int readInt(long addr) throws ErrnoException {
    Pma p = hold(addr, false);
    try {
      if (p.end - addr >= Integer.BYTES) {
        return memory.get(JAVA_INT_UNALIGNED, p.at(addr));
      }
    } finally {
      letGo();
    }
    return (int) readSplit(addr, Integer.BYTES);
  }

  public final long readLong(long addr) throws ErrnoException {
    Pma p = hold(addr, false);
    try {
      if (p.end - addr >= Long.BYTES) {
        return memory.get(JAVA_LONG_UNALIGNED, p.at(addr));
      }
    } finally {
      letGo();
    }
    return readSplit(addr, Long.BYTES);
  }

  public final void writeByte(long addr, byte value) throws ErrnoException {
    Pma p = hold(addr, true);
    try {
      memory.set(JAVA_BYTE, p.at(addr), value);
    } finally {
      letGo();
    }
  }

  public final void writeShort(long addr, short value) throws ErrnoException {
    Pma p = hold(addr, true);
    try {
      if (p.end - addr >= Short.BYTES) {
        memory.set(JAVA_SHORT_UNALIGNED, p.at(addr), value);
        return;
      }
    } finally {
      letGo();
    }
    writeSplit(addr, value, Short.BYTES);
  }

  public final void writeInt(long addr, int value) throws ErrnoException {
    Pma p = hold(addr, true);
    try {
      if (p.end - addr >= Integer.BYTES) {
        memory.set(JAVA_INT_UNALIGNED, p.at(addr), value);
        return;
      }
    } finally {
      letGo();
    }
    writeSplit(addr, value, Integer.BYTES);
  }

  public final void writeLong(long addr, long value) throws ErrnoException {
    Pma p = hold(addr, true);
    try {
      if (p.end - addr >= Long.BYTES) {
        memory.set(JAVA_LONG_UNALIGNED, p.at(addr), value);
        return;
      }
    } finally {
      letGo();
    }
    writeSplit(addr, value, Long.BYTES);
  }

  private long readSplit(long addr, int bytes) throws ErrnoException {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (readByte(addr + i) & 0xffL) << 8 * i;
    }
    return value;
  }

  private void writeSplit(long addr, long value, int bytes) throws ErrnoException {
    for (int i = 0; i < bytes; i++) {
      writeByte(addr + i, (byte) (value >>> 8 * i));
    }
  }

  /** The NUL-terminated string at {@code addr}, one character a byte; ENAMETOOLONG above {@code max} bytes. */
  public final String readString(long addr, int max) throws ErrnoException {
    byte[] bytes = new byte[Math.min(max, 256)];
    int length = 0;
    while (true) {
      long at = addr + length;
      Pma p = hold(at, false);
      try {
        long from = p.at(at);
        // One byte more than the longest string, to tell a string of that length from one that goes on.
        long n = Math.min(p.end - at, max + 1L - length);
        for (long i = 0; i < n; i++) {
          byte b = memory.get(JAVA_BYTE, from + i);
          if (b == 0) {
            return new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
          }
          if (length == max) {
            throw ENAMETOOLONG.error();
          }
          if (length == bytes.length) {
            bytes = java.util.Arrays.copyOf(bytes, Math.min(max, bytes.length * 2));
          }
          bytes[length++] = b;
        }
      } finally {
        letGo();
      }
    }
  }

  /**
   * Bytes of the string at {@code addr} without its NUL, or {@code max} when the first {@code max} bytes have none: for
   * arguments of {@code execve}, whose length is bounded before they are copied.
   */
  public final long stringLength(long addr, long max) throws ErrnoException {
    long length = 0;
    while (length < max) {
      long at = addr + length;
      Pma p = hold(at, false);
      try {
        long from = p.at(at);
        long n = Math.min(p.end - at, max - length);
        for (long i = 0; i < n; i++) {
          if (memory.get(JAVA_BYTE, from + i) == 0) {
            return length + i;
          }
        }
        length += n;
      } finally {
        letGo();
      }
    }
    return max;
  }

  /**
   * Atomic compare and set of an aligned word: the value found before ({@code futex}, robust lists). EFAULT when it is
   * not aligned: no such word is in one page.
   */
  public final int compareAndExchangeInt(long addr, int expected, int value) throws ErrnoException {
    checkAligned(addr);
    Pma p = hold(addr, true);
    try {
      return (int) INT.compareAndExchange(memory, p.at(addr), expected, value);
    } finally {
      letGo();
    }
  }

  /** A volatile load of an aligned word. */
  public final int readIntVolatile(long addr) throws ErrnoException {
    checkAligned(addr);
    Pma p = hold(addr, false);
    try {
      return (int) INT.getVolatile(memory, p.at(addr));
    } finally {
      letGo();
    }
  }

  private static void checkAligned(long addr) throws ErrnoException {
    if ((addr & 3) != 0) {
      throw EFAULT.error();
    }
  }
}
