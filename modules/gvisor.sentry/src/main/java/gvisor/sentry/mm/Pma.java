package gvisor.sentry.mm;

/**
 * What backs a range of addresses now: consecutive pages of the memory file, on each of which it holds one reference.
 * Never crosses a border between vmas of different rights.
 */
final class Pma extends Range {
  /** Memory file offset of {@link #start}. */
  long offset;
  /** Rights of the vma, as the processor sees them ({@link Vma#access}). */
  int access;
  /**
   * Stores may go to these pages: nobody else has them (private), or that is the point and the file knows (shared).
   * Where it is not set, a store copies the page or asks the file first.
   */
  boolean owned;
  /** The pages are a file's, not a private copy. */
  boolean ofFile;
  /** Rights with which the platform maps the whole range; 0: not mapped. */
  int mapped;

  Pma(long start, long end, long offset, int access, boolean owned, boolean ofFile) {
    super(start, end);
    this.offset = offset;
    this.access = access;
    this.owned = owned;
    this.ofFile = ofFile;
  }

  boolean readable() {
    return access != 0;
  }

  boolean writable() {
    return owned && (access & 2) != 0;
  }

  /** What the platform may be told. */
  int platformAccess() {
    return owned ? access : access & ~2;
  }

  /** Memory file offset of {@code addr}. */
  long at(long addr) {
    return offset + (addr - start);
  }

  boolean joins(Pma next) {
    return end == next.start && offset + length() == next.offset && access == next.access && owned == next.owned
        && ofFile == next.ofFile && mapped == next.mapped;
  }

  /** The part from {@code from} to {@code to}; references are not touched. */
  Pma slice(long from, long to) {
    Pma p = new Pma(from, to, at(from), access, owned, ofFile);
    p.mapped = mapped;
    return p;
  }
}
