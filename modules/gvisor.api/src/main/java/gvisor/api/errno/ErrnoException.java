package gvisor.api.errno;

/**
 * A call failed with a Linux error number. Checked, so that the compiler shows who can fail; without stack trace or
 * suppression, so that one instance an {@link Errno} can be shared. Outcomes that are expected to be frequent (would
 * block, absent directory entry, futex word changed) are return values instead.
 */
public final class ErrnoException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient Errno errno;

  ErrnoException(Errno errno) {
    super(null, null, false, false);
    this.errno = errno;
  }

  /** The error number. */
  public Errno errno() {
    return errno;
  }

  @Override
  public String getMessage() {
    return errno + ": " + errno.message();
  }
}
