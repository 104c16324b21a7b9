package gvisor.sentry.fs.kernfs;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;

/** What writing a file does. */
@FunctionalInterface
public interface Store {
  /**
   * Takes what one {@code write(2)} wrote.
   *
   * @param text at most {@link KernFile#MAX_WRITE} bytes, one a character, with whatever line end it has
   */
  void store(Caller caller, String text) throws ErrnoException;
}
