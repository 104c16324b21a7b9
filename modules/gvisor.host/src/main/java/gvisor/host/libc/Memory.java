package gvisor.host.libc;


import gvisor.api.errno.ErrnoException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Native memory: mappings, C strings, and a way to give heap memory to the kernel. */
public final class Memory {
  /** Largest piece that a call on heap memory moves at once, in bytes. */
  public static final int BOUNCE_SIZE = 64 * 1024;

  private static final ThreadLocal<MemorySegment> BOUNCE =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(BOUNCE_SIZE, 16));

  private static final ThreadLocal<MemorySegment> SCRATCH =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(64, 16));

  private Memory() {}

  /** Maps anew; the segment lives until {@link #unmap}. */
  public static MemorySegment map(long length, int prot, int flags, int fd, long offset) throws ErrnoException {
    long addr = Libc.check(Libc.mmap(0, length, prot, flags, fd, offset));
    // SAFETY: the kernel has just mapped exactly [addr, addr + length) for us, and only unmap() ends it.
    return MemorySegment.ofAddress(addr).reinterpret(length);
  }

  /** Ends a mapping made by {@link #map}; the segment must not be used any more. */
  public static void unmap(MemorySegment mapping) {
    Libc.munmap(mapping.address(), mapping.byteSize());
  }

  /** Puts {@code code} into executable memory of its own; for good. */
  public static MemorySegment executable(byte[] code) {
    try {
      int prot = Sys.PROT_READ | Sys.PROT_WRITE;
      MemorySegment memory = map(code.length, prot, Sys.MAP_PRIVATE | Sys.MAP_ANONYMOUS, -1, 0);
      memory.copyFrom(MemorySegment.ofArray(code));
      Libc.check(Libc.mprotect(memory.address(), code.length, Sys.PROT_READ | Sys.PROT_EXEC));
      return memory;
    } catch (ErrnoException e) {
      throw new IllegalStateException("executable memory: " + e.getMessage());
    }
  }

  /** {@code text} as UTF-8 with a terminating zero. */
  public static long cString(Arena arena, String text) {
    return cString(arena, text.getBytes(StandardCharsets.UTF_8));
  }

  /** {@code text} with a terminating zero; must not contain one. */
  public static long cString(Arena arena, byte[] text) {
    MemorySegment s = arena.allocate(text.length + 1L, 1);
    // From a segment and not the array itself, for which the VM would generate a class at the first call.
    s.copyFrom(MemorySegment.ofArray(text));
    return s.address();
  }

  /** This thread's buffer of {@link #BOUNCE_SIZE} bytes for a call on memory that is not native. */
  public static MemorySegment bounce() {
    return BOUNCE.get();
  }

  /** This thread's 64 bytes for one small structure: a pollfd, an iovec, a timespec. */
  public static MemorySegment scratch() {
    return SCRATCH.get();
  }
}
