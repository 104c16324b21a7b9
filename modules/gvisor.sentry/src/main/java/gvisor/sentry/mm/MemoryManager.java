package gvisor.sentry.mm;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.AddressSpace;
import java.lang.foreign.MemorySegment;

/**
 * The memory of one process, or of several that share it: what was promised (vmas), what backs it now (pmas), and the
 * platform's address space as a cache of both. Like Linux {@code struct mm_struct}. Thread-safe.
 *
 * <p>The kernel reaches application memory only through this class: a bad pointer is EFAULT.
 */
public final class MemoryManager {
  /** The platform's address space; made when first needed. */
  public AddressSpace addressSpace() throws ErrnoException {
    throw Errno.ENOMEM.error();
  }

  /** Copies {@code length} bytes in; EFAULT if any of them is not readable (some may have been copied then). */
  public void copyIn(long addr, MemorySegment dst, long dstOffset, long length) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  /** Copies {@code length} bytes out; EFAULT if any of them is not writable (some may have been copied then). */
  public void copyOut(long addr, MemorySegment src, long srcOffset, long length) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  /** Writes zeros; EFAULT as {@link #copyOut}. */
  public void zeroOut(long addr, long length) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  public byte readByte(long addr) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  public short readShort(long addr) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  public int readInt(long addr) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  public long readLong(long addr) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  public void writeByte(long addr, byte value) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  public void writeShort(long addr, short value) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  public void writeInt(long addr, int value) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  public void writeLong(long addr, long value) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  /** The NUL-terminated string at {@code addr}, one character a byte; ENAMETOOLONG above {@code max} bytes. */
  public String readString(long addr, int max) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  /** Atomic compare and set of an aligned word: the value found before ({@code futex}, robust lists). */
  public int compareAndExchangeInt(long addr, int expected, int value) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  /** A volatile load of an aligned word. */
  public int readIntVolatile(long addr) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  /** Where a shared futex word lives, the same for every process that maps it: its offset in the memory file. */
  public long sharedFutexKey(long addr) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  /** Points {@code buffer} at the {@code count} pieces of the iovec at {@code addr}; EINVAL, EFAULT. */
  public void wrapVector(UserBuffer buffer, long addr, int count) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  /** Whether {@code [addr, addr + length)} is within what an application can map at all. */
  public boolean isUserRange(long addr, long length) {
    return true;
  }

  /** Points {@code buffer} at {@code length} bytes at {@code addr}; nothing is checked until it is used. */
  public void wrap(UserBuffer buffer, long addr, long length) {
    buffer.start(this, addr, length);
  }
}
