package gvisor.sentry.kernel;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;

/**
 * An open file of {@code /proc/[pid]/ns}: keeps its namespace, and {@code setns(2)} takes it. Immutable.
 *
 * @param kind CLONE_NEW*
 * @param namespace an {@link IpcNamespace}, {@link NetNamespace}, {@link PidNamespace}, {@link UtsNamespace} or
 *     {@link gvisor.sentry.vfs.MountNamespace}, as {@code kind} says; null for a kind of which there is one
 */
public record NamespaceFile(long kind, Object namespace) implements FileOps {
  /** {@code man 2 ioctl_ns}. */
  private static final int NS_GET_NSTYPE = 0xb703;

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    return request == NS_GET_NSTYPE ? kind : FileOps.super.ioctl(caller, file, request, argument);
  }
}
