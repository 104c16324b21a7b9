package gvisor.sentry.loader;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOEXEC;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * The headers of a 64-bit x86 ELF file ({@code man 5 elf}), read and checked: what is in them is what somebody hostile
 * wrote. Addresses and sizes are bounded so that sums of two do not overflow.
 */
final class ElfFile {
  static final int PT_LOAD = 1;
  static final int PT_INTERP = 3;
  static final int PT_PHDR = 6;
  static final int PT_GNU_STACK = 0x6474e551;
  static final int PF_X = 1;
  static final int PF_W = 2;
  static final int PF_R = 4;
  static final int PHDR_SIZE = 56;

  private static final int EHDR_SIZE = 64;
  private static final int ET_EXEC = 2;
  private static final int ET_DYN = 3;
  private static final int EM_X86_64 = 62;
  private static final int MAX_PHDRS_SIZE = 65536;
  private static final int PATH_MAX = 4096;
  /** No address or size in a header may be above this: half of the lower half. */
  private static final long MAX_VALUE = 1L << 47;

  private final Caller caller;
  private final FileDescription file;
  private final MemorySegment header;
  private MemorySegment programHeaders;

  /**
   * Reads the headers.
   *
   * @throws ErrnoException ENOEXEC when it is no ELF file this machine runs; EIO and others from reading it
   */
  ElfFile(Caller caller, FileDescription file) throws ErrnoException {
    this.caller = caller;
    this.file = file;
    this.header = read(0, EHDR_SIZE);
    boolean fits = header.byteSize() == EHDR_SIZE
        && header.get(JAVA_INT_UNALIGNED, 0) == 0x464c457f
        && header.get(JAVA_BYTE, 4) == 2
        && header.get(JAVA_BYTE, 5) == 1
        && (type() == ET_EXEC || type() == ET_DYN)
        && header.get(JAVA_SHORT_UNALIGNED, 18) == EM_X86_64
        && header.get(JAVA_SHORT_UNALIGNED, 54) == PHDR_SIZE;
    if (!fits) {
      throw ENOEXEC.error();
    }
    int size = count() * PHDR_SIZE;
    if (size == 0 || size > MAX_PHDRS_SIZE || headersOffset() < 0) {
      throw ENOEXEC.error();
    }
    programHeaders = read(headersOffset(), size);
    if (programHeaders.byteSize() != size) {
      throw ENOEXEC.error();
    }
  }

  FileDescription file() {
    return file;
  }

  private int type() {
    return header.get(JAVA_SHORT_UNALIGNED, 16);
  }

  /** Whether it runs at any address. */
  boolean isDynamic() {
    return type() == ET_DYN;
  }

  long entry() {
    return header.get(JAVA_LONG_UNALIGNED, 24);
  }

  long headersOffset() {
    return header.get(JAVA_LONG_UNALIGNED, 32);
  }

  /** Program headers. */
  int count() {
    return header.get(JAVA_SHORT_UNALIGNED, 56) & 0xffff;
  }

  int type(int i) {
    return programHeaders.get(JAVA_INT_UNALIGNED, (long) i * PHDR_SIZE);
  }

  int flags(int i) {
    return programHeaders.get(JAVA_INT_UNALIGNED, (long) i * PHDR_SIZE + 4);
  }

  long offset(int i) {
    return field(i, 8);
  }

  long vaddr(int i) {
    return field(i, 16);
  }

  long fileSize(int i) {
    return field(i, 32);
  }

  long memorySize(int i) {
    return field(i, 40);
  }

  long align(int i) {
    return field(i, 48);
  }

  private long field(int i, int at) {
    return programHeaders.get(JAVA_LONG_UNALIGNED, (long) i * PHDR_SIZE + at);
  }

  /** Checks every PT_LOAD: EINVAL for what cannot be mapped anywhere. */
  void checkSegments() throws ErrnoException {
    for (int i = 0; i < count(); i++) {
      if (type(i) != PT_LOAD) {
        continue;
      }
      boolean ok = isSmall(vaddr(i)) && isSmall(memorySize(i)) && isSmall(offset(i)) && isSmall(fileSize(i))
          && fileSize(i) <= memorySize(i) && (vaddr(i) - offset(i) & 4095) == 0;
      if (!ok) {
        throw EINVAL.error();
      }
    }
  }

  private static boolean isSmall(long value) {
    return value >= 0 && value <= MAX_VALUE;
  }

  /** The path of the program interpreter, or null. */
  String interpreter() throws ErrnoException {
    for (int i = 0; i < count(); i++) {
      if (type(i) != PT_INTERP) {
        continue;
      }
      long size = fileSize(i);
      if (size < 2 || size > PATH_MAX || offset(i) < 0) {
        throw ENOEXEC.error();
      }
      MemorySegment path = read(offset(i), (int) size);
      if (path.byteSize() != size || path.get(JAVA_BYTE, size - 1) != 0) {
        throw ENOEXEC.error();
      }
      String s = new String(path.toArray(JAVA_BYTE), StandardCharsets.ISO_8859_1);
      return s.substring(0, s.indexOf('\0'));
    }
    return null;
  }

  /** Whether the stack is to be executable. */
  boolean wantsExecutableStack() {
    for (int i = 0; i < count(); i++) {
      if (type(i) == PT_GNU_STACK) {
        return (flags(i) & PF_X) != 0;
      }
    }
    return false;
  }

  /** Up to {@code length} bytes of the file: fewer where it ends. */
  private MemorySegment read(long offset, int length) throws ErrnoException {
    return read(caller, file, offset, length);
  }

  static MemorySegment read(Caller caller, FileDescription file, long offset, int length) throws ErrnoException {
    MemorySegment bytes = MemorySegment.ofArray(new byte[length]);
    KernelBuffer buffer = new KernelBuffer(bytes);
    long done = 0;
    while (done < length) {
      long n = file.ops().read(caller, file, buffer, offset + done);
      if (n <= 0) {
        break;
      }
      done += n;
    }
    return bytes.asSlice(0, done);
  }
}
