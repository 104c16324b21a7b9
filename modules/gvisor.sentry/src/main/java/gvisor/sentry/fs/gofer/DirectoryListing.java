package gvisor.sentry.fs.gofer;

import gvisor.api.p9.FileAttr;
import java.util.LinkedHashMap;

/** The entries of a directory with their attributes as they were when it was read. Guarded by the directory. */
final class DirectoryListing {
  final LinkedHashMap<String, FileAttr> entries = new LinkedHashMap<>();

  /** {@link GoferSuperblock#listingEpoch} when it was read. */
  final int epoch;

  /** When it was read, by the monotonic clock. */
  final long readNanos;

  DirectoryListing(int epoch, long readNanos) {
    this.epoch = epoch;
    this.readNanos = readNanos;
  }
}
