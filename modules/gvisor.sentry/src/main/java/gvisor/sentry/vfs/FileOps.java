package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOTDIR;
import static gvisor.api.errno.Errno.ENOTTY;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.ESPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.Waitable;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.mm.Mappable;

/**
 * What an open file does. The defaults are what Linux answers when a file lacks the operation, so an eventfd is one
 * small class. Access mode, RLIMIT_FSIZE and locks have been checked by the caller. Never blocks.
 */
public interface FileOps extends Waitable {
  /** A read or write would have to wait; the number of EAGAIN, negated. */
  long WOULD_BLOCK = -11;

  /** As the {@code offset} of {@link #write}: at the end of the file, whatever that is by then. */
  long APPEND = -1;

  /** Whether it has a file offset; pipes, sockets and the like do not. */
  default boolean isSeekable() {
    return false;
  }

  /**
   * Reads into {@code dst}.
   *
   * @param offset where, for a seekable file; ignored by others
   * @return bytes read, 0 at the end, or {@link #WOULD_BLOCK}
   */
  default long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    throw EINVAL.error();
  }

  /**
   * Writes from {@code src}.
   *
   * @param offset where, for a seekable file, or {@link #APPEND}; the file then leaves the end of what it wrote in
   *     {@link FileDescription#appendEnd}
   * @return bytes written, or {@link #WOULD_BLOCK}
   */
  default long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    throw EINVAL.error();
  }

  /**
   * The absolute offset for {@code lseek(2)}; {@code whence} may be SEEK_END, SEEK_DATA or SEEK_HOLE, and SEEK_SET or
   * SEEK_CUR already resolved to an absolute {@code offset} as SEEK_SET for files that check it.
   */
  default long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
    throw ESPIPE.error();
  }

  /** Emits directory entries from {@code cookie} (0: the start), "." and ".." included; returns the next cookie. */
  default long readdir(Caller caller, FileDescription file, long cookie, DirSink sink) throws ErrnoException {
    throw ENOTDIR.error();
  }

  /** Whether {@code lseek} takes negative offsets, too: of a device without a position. */
  default boolean takesAnyOffset() {
    return false;
  }

  /** {@code ioctl(2)}; {@code argument} is a number or an address in the caller's memory. */
  default long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    throw ENOTTY.error();
  }

  /** What {@code mmap} maps; null for zeros without a file ({@code /dev/zero}). */
  default Mappable mappable(FileDescription file) throws ErrnoException {
    throw ENODEV.error();
  }

  /** Whether a shared mapping may be written to: a memory file sealed against writing refuses. */
  default boolean allowsSharedWrites() {
    return true;
  }

  /** {@code fsync(2)}, or {@code fdatasync(2)}. */
  default void sync(FileDescription file, boolean dataOnly) throws ErrnoException {
    throw EINVAL.error();
  }

  /** {@code fallocate(2)}; modes have been checked for being known. */
  default void fallocate(Caller caller, FileDescription file, int mode, long offset, long length)
      throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /** O_APPEND, O_NONBLOCK, O_ASYNC or O_DIRECT changed through {@code fcntl(F_SETFL)}. */
  default void flagsChanged(FileDescription file, int flags) throws ErrnoException {}

  /** Whether O_ASYNC works: sockets, pipes and terminals. */
  default boolean signalsOwner() {
    return false;
  }

  /** Whether its end is an event of its own for O_ASYNC (POLL_HUP) rather than one more thing to read. */
  default boolean hangsUp() {
    return false;
  }

  /** One descriptor of the file was closed; others may be left. Its errno is what {@code close(2)} returns. */
  default void flush(FileDescription file) throws ErrnoException {}

  /** Whether {@code open(2)} still has to wait, for READABLE or WRITABLE: a fifo whose other end nobody has opened. */
  default boolean isOpening() throws ErrnoException {
    return false;
  }

  /**
   * After how long {@link #isOpening} has to be asked again although nobody was notified, in nanoseconds: the host does
   * not tell when a fifo of its own gets its other end. -1 where everything is told.
   */
  default long openingRetryNanos() {
    return -1;
  }

  /** Whether {@code sendfile(2)} and {@code splice(2)} take bytes out of it; an eventfd and its kin only {@code read(2)}. */
  default boolean splicesOut() {
    return isSeekable();
  }

  /** Whether {@code sendfile(2)} and {@code splice(2)} put bytes into it. */
  default boolean splicesIn() {
    return isSeekable();
  }

  /** Whether a blocking write goes on until everything is written: pipes and stream sockets. */
  default boolean isStream() {
    return false;
  }

  /** Whether a write that fails with EPIPE sends SIGPIPE: not on sockets for messages. */
  default boolean raisesSigpipe() {
    return true;
  }

  /** How long a blocking read or write may wait (SO_RCVTIMEO, SO_SNDTIMEO), in nanoseconds; -1 for ever. */
  default long timeoutNanos(boolean write) {
    return -1;
  }

  /** The last reference is gone. */
  default void release(FileDescription file) {}

  /** Lines for {@code /proc/[pid]/fdinfo/[fd]} after the common ones; may be empty. */
  default String fdInfo(FileDescription file) {
    return "";
  }

  @Override
  default int readiness(int mask) {
    return mask & (EventMask.READABLE | EventMask.WRITABLE);
  }

  @Override
  default void register(WaitEntry entry, int mask) {}

  @Override
  default void unregister(WaitEntry entry) {}

  /** Whether {@code epoll_ctl} accepts the file: regular files and directories are EPERM. */
  default boolean isPollable() {
    return !isSeekable();
  }
}
