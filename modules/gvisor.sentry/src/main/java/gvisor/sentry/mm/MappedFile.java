package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;

/**
 * The open file behind a mapping: keeps it open as long as it is mapped, and names it in {@code /proc/[pid]/maps}. Each
 * vma holds one reference. Thread-safe.
 */
public interface MappedFile {
  /** One more vma has it. */
  void acquire();

  /** One vma less has it. Called without any lock of the memory manager. */
  void release();

  /** Whether {@code other} stands for the same open file. */
  boolean isSame(MappedFile other);

  /** The path, with {@code " (deleted)"} where Linux shows it. */
  String displayName();

  /** Takes the range's pages out of the file, which then reads as zeros there: {@code madvise(MADV_REMOVE)}. */
  default void punchHole(HostClock clock, long offset, long length) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /** Device number of the file system. */
  long dev();

  long ino();
}
