package gvisor.sentry.mm;

/** What an application was promised for a range of addresses. Like Linux {@code struct vm_area_struct}. */
final class Vma extends Range {
  /** Stores are seen by everybody who maps the same pages. */
  static final int SHARED = 1;
  /** Grows towards lower addresses when touched below its start. */
  static final int GROWSDOWN = 1 << 1;
  /** Not counted as promised memory. */
  static final int NORESERVE = 1 << 2;
  /** Counted against RLIMIT_MEMLOCK. */
  static final int LOCKED = 1 << 3;
  /** A forked child does not get it. */
  static final int DONTFORK = 1 << 4;
  /** A forked child finds zeros. */
  static final int WIPEONFORK = 1 << 5;
  /** Made by the kernel (vDSO); may not be expanded or moved in pieces. */
  static final int SPECIAL = 1 << 6;
  /** Left out of core dumps. */
  static final int DONTDUMP = 1 << 7;
  /** The rights {@code mprotect} may give are the bits from here on: PROT_* shifted. */
  static final int MAX_PROT_SHIFT = 8;
  static final int ACCESS = 7;
  /** The NUMA policy that {@code mbind} gave it, a small number, is the bits from here on; 0 for none. */
  static final int POLICY_SHIFT = 16;
  static final int POLICY = 0xff;

  int prot;
  int flags;
  /** What is mapped, or null for private zeros. */
  final Mappable mappable;
  /** Keeps the file open; null exactly when {@link #mappable} is. */
  final MappedFile file;
  /** Offset in the file of {@link #start}; meaningless without a file. */
  long offset;
  /** As in {@code /proc/[pid]/maps} for mappings without a file, or null. */
  String name;

  Vma(long start, long end, int prot, int flags, Mappable mappable, MappedFile file, long offset, String name) {
    super(start, end);
    this.prot = prot;
    this.flags = flags;
    this.mappable = mappable;
    this.file = file;
    this.offset = offset;
    this.name = name;
  }

  /** The same promise for another range; the caller acquires the file. */
  Vma slice(long from, long to) {
    return new Vma(from, to, prot, flags, mappable, file, offset + from - start, name);
  }

  boolean isShared() {
    return (flags & SHARED) != 0;
  }

  boolean isPrivateAnonymous() {
    return mappable == null;
  }

  boolean is(int flag) {
    return (flags & flag) != 0;
  }

  boolean isWritable() {
    return (prot & 2) != 0;
  }

  /** Whether {@code mprotect} may give {@code prot}. */
  boolean mayHave(int wanted) {
    return (wanted & ACCESS & ~(flags >>> MAX_PROT_SHIFT)) == 0;
  }

  /** What the processor lets through: on x86, what can be written or executed can be read. */
  int access() {
    return effective(prot);
  }

  static int effective(int prot) {
    return (prot & ACCESS) == 0 ? 0 : prot & ACCESS | 1;
  }

  /** Counts for RLIMIT_DATA: private, writable, no stack. */
  boolean isData() {
    return (flags & (SHARED | GROWSDOWN)) == 0 && isWritable();
  }

  /** Whether {@code next}, which starts where this ends, can be one with it. */
  boolean joins(Vma next) {
    return end == next.start && prot == next.prot && flags == next.flags && mappable == next.mappable
        && (mappable == null || offset + length() == next.offset && file.isSame(next.file))
        && (name == null ? next.name == null : name.equals(next.name));
  }
}
