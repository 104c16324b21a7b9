package gvisor.sentry.kernel;

/**
 * What a task has read and written ({@code /proc/[pid]/io}). Written by the task's own thread without further ado: who
 * reads it meanwhile may see old numbers.
 */
public final class IoCounts {
  private long readBytes;
  private long writtenBytes;
  private long reads;
  private long writes;

  /** A call like {@code read} came to an end: with bytes, or with an error or restart code below 0. */
  public void read(long result) {
    reads++;
    if (result > 0) {
      readBytes += result;
    }
  }

  /** The same of {@code write}. */
  public void wrote(long result) {
    writes++;
    if (result > 0) {
      writtenBytes += result;
    }
  }

  /** Adds all of {@code other}. */
  void add(IoCounts other) {
    readBytes += other.readBytes;
    writtenBytes += other.writtenBytes;
    reads += other.reads;
    writes += other.writes;
  }

  /** Bytes that calls like {@code read} returned. */
  public long readBytes() {
    return readBytes;
  }

  public long writtenBytes() {
    return writtenBytes;
  }

  /** How many calls like {@code read} were made. */
  public long reads() {
    return reads;
  }

  public long writes() {
    return writes;
  }
}
