package gvisor.host;

import static gvisor.host.libc.FileSys.NR_GETDENTS64;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Reads the entries of a directory. For the thread that opened it. */
public final class HostDirectory implements AutoCloseable {
  private static final int BUFFER = 32 * 1024;
  private static final int D_OFF = 8;
  private static final int D_RECLEN = 16;
  private static final int D_TYPE = 18;
  private static final int D_NAME = 19;
  private static final int SEEK_SET = 0;

  private final Fd fd;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment buffer = arena.allocate(BUFFER, 8);
  private int at;
  private int end;
  private int entry;
  private long next;
  private long before;

  /** Opens {@code directory}; ENOTDIR when it is none. */
  public HostDirectory(HostFile directory) throws ErrnoException {
    fd = directory.openDirectory();
  }

  /** Goes to {@code offset}: 0 or a {@link #next} of this directory. Nothing happens when it stands there. */
  public void seek(long offset) throws ErrnoException {
    if (offset != next) {
      Libc.check(Libc.lseek(fd.number(), offset, SEEK_SET));
      at = 0;
      end = 0;
      next = offset;
    }
  }

  /** Moves to the next entry; false at the end. */
  public boolean advance() throws ErrnoException {
    if (at == end) {
      at = 0;
      end = 0;
      end = (int) Libc.check(Libc.syscall(NR_GETDENTS64, fd.number(), buffer.address(), BUFFER, 0, 0, 0));
      if (end == 0) {
        return false;
      }
    }
    entry = at;
    before = next;
    at += buffer.get(JAVA_SHORT_UNALIGNED, entry + D_RECLEN) & 0xffff;
    next = buffer.get(JAVA_LONG_UNALIGNED, entry + D_OFF);
    return true;
  }

  /** Steps back before the entry {@link #advance} has just moved to. */
  public void putBack() {
    at = entry;
    next = before;
  }

  /** Offset of the entry behind this one. */
  public long next() {
    return next;
  }

  /** DT_*. */
  public int type() {
    return buffer.get(JAVA_BYTE, entry + D_TYPE) & 0xff;
  }

  /** The entry's name, up to its final zero byte, in native memory; until the next {@link #advance}. */
  public MemorySegment name() {
    // A record is a multiple of 8 bytes and no longer than the name needs: the zero is among the last eight.
    int end = Math.max(entry + D_NAME, at - 8);
    while (buffer.get(JAVA_BYTE, end) != 0) {
      end++;
    }
    return buffer.asSlice(entry + D_NAME, end - entry - D_NAME);
  }

  /** Whether the entry is "." or "..". */
  public boolean isDots() {
    int name = entry + D_NAME;
    return buffer.get(JAVA_BYTE, name) == '.' && (buffer.get(JAVA_BYTE, name + 1) == 0
        || buffer.get(JAVA_BYTE, name + 1) == '.' && buffer.get(JAVA_BYTE, name + 2) == 0);
  }

  @Override
  public void close() {
    fd.close();
    arena.close();
  }
}
