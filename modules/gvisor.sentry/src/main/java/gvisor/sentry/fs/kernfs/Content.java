package gvisor.sentry.fs.kernfs;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;

/** What a generated file says. */
@FunctionalInterface
public interface Content {
  /**
   * Appends the content as it is now, one byte a character.
   *
   * @param caller who reads
   */
  void write(Caller caller, StringBuilder out) throws ErrnoException;
}
