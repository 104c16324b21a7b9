package gvisor.sentry.mm;

/** A range of application addresses, page aligned: {@code [start, end)}. */
abstract class Range {
  long start;
  long end;

  Range(long start, long end) {
    this.start = start;
    this.end = end;
  }

  final long length() {
    return end - start;
  }

  final boolean contains(long addr) {
    return addr >= start && addr < end;
  }
}
