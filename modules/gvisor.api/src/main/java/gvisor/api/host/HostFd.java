package gvisor.api.host;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;

/**
 * A host file descriptor that was handed to the Sentry: a regular file opened by the gofer, standard input, a terminal.
 * The Sentry can use it and can never make one. Thread-safe but for {@link #close}, which the one owner calls last.
 */
public interface HostFd extends AutoCloseable {
  /** Result of a call that would have to wait. */
  long WOULD_BLOCK = -11;

  /** {@code pread(2)}: bytes read, 0 at the end of the file. */
  long pread(MemorySegment dst, long offset) throws ErrnoException;

  /** {@code pwrite(2)}: bytes written. */
  long pwrite(MemorySegment src, long offset) throws ErrnoException;

  /** {@code read(2)} without waiting: bytes read, 0 at the end, or {@link #WOULD_BLOCK}. */
  long read(MemorySegment dst) throws ErrnoException;

  /** {@code write(2)} without waiting: bytes written, or {@link #WOULD_BLOCK}. */
  long write(MemorySegment src) throws ErrnoException;

  /** {@code fstat(2)}: fills {@code out}, of {@link gvisor.api.abi.Stat#SIZE} bytes. */
  void fstat(MemorySegment out) throws ErrnoException;

  /** {@code ftruncate(2)}. */
  void truncate(long length) throws ErrnoException;

  /** {@code fallocate(2)}. */
  void fallocate(int mode, long offset, long length) throws ErrnoException;

  /** {@code fsync(2)}, or {@code fdatasync(2)}. */
  void sync(boolean dataOnly) throws ErrnoException;

  /** {@code lseek(2)} with SEEK_DATA or SEEK_HOLE: the offset found. */
  long seekHole(long offset, boolean data) throws ErrnoException;

  /**
   * {@code lseek(2)} with SEEK_SET, SEEK_CUR or SEEK_END: the host's file offset, which {@link #read} and {@link #write}
   * use and move, and which other processes of the host may share. ESPIPE for what has none, which is the default.
   */
  default long seek(long offset, int whence) throws ErrnoException {
    throw Errno.ESPIPE.error();
  }

  /** {@code ioctl(2)} on a terminal: only requests of {@code man 2 ioctl_tty} that take a pointer to plain data. */
  long terminalIoctl(long request, MemorySegment argument) throws ErrnoException;

  /** {@code poll(2)} without waiting: the {@code EPOLL*} bits of {@code mask} that hold. */
  int readiness(int mask);

  /** Calls {@code listener} from the poller's thread, edge-triggered, whenever readiness in {@code mask} changes. */
  void watch(int mask, java.util.function.IntConsumer listener) throws ErrnoException;

  /** O_RDONLY, O_WRONLY or O_RDWR: what it was opened for. */
  default int accessMode() {
    return 2; // O_RDWR
  }

  /** It as a socket; ENOTSOCK for what is none, which is the default. */
  default HostUnixSocket socket() throws ErrnoException {
    throw Errno.ENOTSOCK.error();
  }

  /**
   * Whether the fifo that this is the reading end of, opened with O_NONBLOCK, has data or somebody who could write some;
   * or has had, since it was opened.
   */
  default boolean hasWriter() throws ErrnoException {
    return true;
  }

  /** Whether it is a terminal. */
  boolean isTerminal();

  @Override
  void close();
}
