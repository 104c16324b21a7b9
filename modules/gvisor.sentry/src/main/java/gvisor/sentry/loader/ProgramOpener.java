package gvisor.sentry.loader;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.FileDescription;

/** Opens the interpreters that scripts and programs name. */
@FunctionalInterface
public interface ProgramOpener {
  /**
   * Opens {@code path} to be executed; the loader closes it.
   *
   * @throws ErrnoException EACCES for what is not a regular file, has no execute permission or is on a noexec mount;
   *     ENOENT and what else a path walk gives
   */
  FileDescription open(String path) throws ErrnoException;
}
