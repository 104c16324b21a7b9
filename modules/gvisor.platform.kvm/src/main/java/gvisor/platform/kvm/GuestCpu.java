package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import gvisor.api.errno.ErrnoException;
import gvisor.host.kvm.Kvm;
import java.lang.foreign.MemorySegment;

/**
 * What processor applications see: the host's, as far as KVM supports it, less what the platform does not do. Leaf and
 * bit numbers: AMD APM volume 3, appendix E; Intel SDM volume 2, CPUID. Immutable.
 */
final class GuestCpu {
  private static final int FUNCTION = 0, INDEX = 4, EAX = 12, EBX = 16, ECX = 20, EDX = 24;
  private static final int LEAF_FEATURES = 1, LEAF_MORE_FEATURES = 7, LEAF_XSAVE = 13, LEAF_HYPERVISOR = 0x40000000,
      LEAF_ADDRESS_SIZES = 0x80000008;

  /** Of leaf 1: MONITOR, VMX, x2APIC, TSC deadline timer. */
  private static final int NOT_IN_ECX = 1 << 3 | 1 << 5 | 1 << 21 | 1 << 24;

  private static final int XSAVE = 1 << 26;

  /** Of leaf 7: protection keys, shadow stacks; AMX, and shadow stacks' companion IBT. */
  private static final int NOT_IN_7_ECX = 1 << 3 | 1 << 4 | 1 << 7;

  private static final int NOT_IN_7_EDX = 1 << 20 | 1 << 22 | 1 << 24 | 1 << 25;
  private static final int FSGSBASE = 1;

  /** x87, SSE, AVX and the three of AVX-512. */
  private static final long XCR0_MAX = 0xe7;

  private static final long AVX512 = 0xe0;

  /** Of a processor that does not say. */
  private static final int LEAST_PHYSICAL_BITS = 36;

  private final MemorySegment cpuid;
  private final boolean hasXsave;
  private final boolean hasFsGsBase;
  private final long xcr0;
  private final int xsaveSize;
  private final int physicalBits;
  private final boolean hasNestedPaging = NestedPaging.isOn();

  GuestCpu(Kvm kvm) throws ErrnoException {
    cpuid = kvm.supportedCpuid();
    int count = cpuid.get(JAVA_INT, 0);
    boolean xsave = false;
    boolean fsGsBase = false;
    long features = 3;
    int addressBits = LEAST_PHYSICAL_BITS;
    int kept = 0;
    for (int i = 0; i < count; i++) {
      MemorySegment e = entry(i);
      int leaf = e.get(JAVA_INT, FUNCTION);
      int index = e.get(JAVA_INT, INDEX);
      if ((leaf & 0xffffff00) == LEAF_HYPERVISOR) {
        continue;
      }
      if (leaf == LEAF_FEATURES) {
        clear(e, ECX, NOT_IN_ECX);
        xsave = (e.get(JAVA_INT, ECX) & XSAVE) != 0;
      } else if (leaf == LEAF_MORE_FEATURES && index == 0) {
        clear(e, ECX, NOT_IN_7_ECX);
        clear(e, EDX, NOT_IN_7_EDX);
        fsGsBase = (e.get(JAVA_INT, EBX) & FSGSBASE) != 0;
      } else if (leaf == LEAF_XSAVE && index == 0) {
        features = e.get(JAVA_INT, EAX) & XCR0_MAX;
        if ((features & AVX512) != AVX512) {
          features &= ~AVX512;
        }
        e.set(JAVA_INT, EAX, (int) features);
        e.set(JAVA_INT, EDX, 0);
      } else if (leaf == LEAF_ADDRESS_SIZES) {
        addressBits = e.get(JAVA_INT, EAX) & 0xff;
      }
      entry(kept++).copyFrom(e);
    }
    cpuid.set(JAVA_INT, 0, kept);
    hasXsave = xsave;
    hasFsGsBase = fsGsBase;
    xcr0 = features;
    xsaveSize = sizeOf(features, kept);
    physicalBits = addressBits;
  }

  /** {@code struct kvm_cpuid2}. */
  MemorySegment cpuid() {
    return cpuid;
  }

  /** Whether it walks the machine's page tables itself. */
  boolean hasNestedPaging() {
    return hasNestedPaging;
  }

  boolean hasXsave() {
    return hasXsave;
  }

  boolean hasFsGsBase() {
    return hasFsGsBase;
  }

  /** Which parts of the extended state there are. */
  long xcr0() {
    return xcr0;
  }

  /** Bytes of the XSAVE area in the standard format. */
  int xsaveSize() {
    return xsaveSize;
  }

  /** The first guest-physical address that there is none of. */
  long physicalEnd() {
    return 1L << physicalBits;
  }

  private int sizeOf(long features, int count) {
    int size = ExtendedState.HEADER_END;
    for (int i = 0; i < count; i++) {
      MemorySegment e = entry(i);
      int part = e.get(JAVA_INT, INDEX);
      if (e.get(JAVA_INT, FUNCTION) == LEAF_XSAVE && part >= 2 && part < 63 && (features >> part & 1) != 0) {
        size = Math.max(size, e.get(JAVA_INT, EAX) + e.get(JAVA_INT, EBX));
      }
    }
    return size;
  }

  private MemorySegment entry(int i) {
    return cpuid.asSlice(Kvm.CPUID_HEADER + (long) i * Kvm.CPUID_ENTRY, Kvm.CPUID_ENTRY);
  }

  private static void clear(MemorySegment entry, int register, int bits) {
    entry.set(JAVA_INT, register, entry.get(JAVA_INT, register) & ~bits);
  }
}
