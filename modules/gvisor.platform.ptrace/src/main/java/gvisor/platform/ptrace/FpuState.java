package gvisor.platform.ptrace;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The XSAVE area of this machine: its size, what a new program sees, and what the processor would refuse (Intel SDM
 * volume 1, 13.4 and 13.8). Found out from a stub once. Immutable.
 */
final class FpuState {
  /** More than any processor has; what the kernel fills of it is the size. */
  static final int MAX_SIZE = 16 * 1024;

  private static final int FCW = 0;
  private static final int MXCSR = 24;
  private static final int MXCSR_MASK = 28;
  private static final int SOFTWARE_FEATURES = 464;
  private static final int XSTATE_BV = 512;
  private static final int XCOMP_BV = 520;
  private static final int HEADER_RESERVED = 528;
  private static final int HEADER_END = 576;
  private static final int LEGACY_FEATURES = 3;
  private static final int DEFAULT_MXCSR_MASK = 0xffbf;

  private final int size;
  private final long features;
  private final int mxcsrMask;
  private final MemorySegment initial;

  /** From the first {@code size} bytes of {@code sample}, which the kernel has filled. */
  FpuState(MemorySegment sample, int size) {
    this.size = size;
    this.features = sample.get(JAVA_LONG_UNALIGNED, SOFTWARE_FEATURES);
    int mask = sample.get(JAVA_INT_UNALIGNED, MXCSR_MASK);
    this.mxcsrMask = mask == 0 ? DEFAULT_MXCSR_MASK : mask;
    initial = Arena.ofAuto().allocate(size, 64);
    initial.set(JAVA_SHORT_UNALIGNED, FCW, (short) 0x37f);
    initial.set(JAVA_INT_UNALIGNED, MXCSR, 0x1f80);
    initial.set(JAVA_INT_UNALIGNED, MXCSR_MASK, mxcsrMask);
    initial.set(JAVA_LONG_UNALIGNED, SOFTWARE_FEATURES, features);
    initial.set(JAVA_LONG_UNALIGNED, XSTATE_BV, LEGACY_FEATURES);
  }

  /** Bytes of the area. */
  int size() {
    return size;
  }

  /** The area of a program that has not used it yet. */
  MemorySegment initial() {
    return initial;
  }

  /** Whether the processor takes {@code area}. */
  boolean isValid(MemorySegment area) {
    if ((area.get(JAVA_INT_UNALIGNED, MXCSR) & ~mxcsrMask) != 0
        || (area.get(JAVA_LONG_UNALIGNED, XSTATE_BV) & ~features) != 0
        || area.get(JAVA_LONG_UNALIGNED, XCOMP_BV) != 0) {
      return false;
    }
    for (int at = HEADER_RESERVED; at < HEADER_END; at += 8) {
      if (area.get(JAVA_LONG_UNALIGNED, at) != 0) {
        return false;
      }
    }
    return true;
  }
}
