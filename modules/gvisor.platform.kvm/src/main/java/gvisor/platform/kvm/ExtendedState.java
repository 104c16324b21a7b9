package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.host.kvm.KvmProcessor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The XSAVE area of this machine: what a new program sees, what the processor would refuse (Intel SDM volume 1, 13.4
 * and 13.8), and which exception it tells of. Immutable.
 */
final class ExtendedState {
  static final int HEADER_END = 576;

  private static final int FCW = 0;
  private static final int FSW = 2;
  private static final int MXCSR = 24;
  private static final int MXCSR_MASK = 28;
  private static final int XSTATE_BV = 512;
  private static final int XCOMP_BV = 520;
  private static final int HEADER_RESERVED = 528;
  private static final int LEGACY_FEATURES = 3;
  private static final int DEFAULT_MXCSR_MASK = 0xffbf;
  private static final int MASK_SHIFT = 7;

  private static final int FPE_FLTDIV = 3, FPE_FLTOVF = 4, FPE_FLTUND = 5, FPE_FLTRES = 6, FPE_FLTINV = 7;

  private final int size;
  private final long features;
  private final int mxcsrMask;
  private final MemorySegment initial = allocate();

  /** From the state of a new processor with the parts {@code features}, of {@code size} bytes. */
  ExtendedState(MemorySegment sample, long features, int size) {
    this.size = size;
    this.features = features;
    int mask = sample.get(JAVA_INT_UNALIGNED, MXCSR_MASK);
    mxcsrMask = mask == 0 ? DEFAULT_MXCSR_MASK : mask;
    initial.set(JAVA_SHORT_UNALIGNED, FCW, (short) 0x37f);
    initial.set(JAVA_INT_UNALIGNED, MXCSR, 0x1f80);
    initial.set(JAVA_INT_UNALIGNED, MXCSR_MASK, mxcsrMask);
    initial.set(JAVA_LONG_UNALIGNED, XSTATE_BV, LEGACY_FEATURES);
  }

  /** An area as KVM takes it. */
  static MemorySegment allocate() {
    return Arena.ofAuto().allocate(KvmProcessor.XSAVE_SIZE, 64);
  }

  /** Bytes that mean something. */
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

  /** {@code si_code} of an unmasked SSE exception. */
  static int sseCode(MemorySegment area) {
    int mxcsr = area.get(JAVA_INT_UNALIGNED, MXCSR);
    return floatingPointCode(mxcsr & ~(mxcsr >> MASK_SHIFT));
  }

  /** {@code si_code} of an unmasked x87 exception. */
  static int x87Code(MemorySegment area) {
    return floatingPointCode(area.get(JAVA_SHORT_UNALIGNED, FSW) & ~area.get(JAVA_SHORT_UNALIGNED, FCW));
  }

  private static int floatingPointCode(int raised) {
    if ((raised & 1) != 0) {
      return FPE_FLTINV;
    }
    if ((raised & 4) != 0) {
      return FPE_FLTDIV;
    }
    if ((raised & 8) != 0) {
      return FPE_FLTOVF;
    }
    if ((raised & 0x12) != 0) {
      return FPE_FLTUND;
    }
    return (raised & 0x20) != 0 ? FPE_FLTRES : 0;
  }
}
