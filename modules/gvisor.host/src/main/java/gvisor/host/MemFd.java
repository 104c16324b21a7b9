package gvisor.host;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.MemoryFile;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The sandbox's memory as a memfd, mapped once and whole. Sparse: its size costs address space, not memory. */
public final class MemFd implements MemoryFile {
  /** Size for a sandbox: more than any machine this runs on has, little of what the Sentry can address. */
  public static final long DEFAULT_SIZE = 256L << 30;

  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_EXEC = 0x10;
  private static final int STAT_BLOCKS = 64;
  private static final int BLOCK = 512;

  private final Fd fd;
  private final MemorySegment memory;

  private MemFd(Fd fd, MemorySegment memory) {
    this.fd = fd;
    this.memory = memory;
  }

  /**
   * A file of {@code size} bytes of zeros.
   *
   * @throws ErrnoException ENOMEM when there is no room for the mapping, EFBIG when a resource limit forbids the size
   */
  public static MemFd create(String name, long size) throws ErrnoException {
    Fd fd = memfd(name);
    try {
      fd.truncate(size);
      int prot = Sys.PROT_READ | Sys.PROT_WRITE;
      MemorySegment memory = Memory.map(size, prot, Sys.MAP_SHARED | Sys.MAP_NORESERVE, fd.number(), 0);
      // A child that is not one of ours to be has no business with application memory, nor has a core dump.
      Libc.madvise(memory.address(), size, Sys.MADV_DONTFORK);
      Libc.madvise(memory.address(), size, Sys.MADV_DONTDUMP);
      return new MemFd(fd, memory);
    } catch (ErrnoException e) {
      fd.close();
      throw e;
    }
  }

  /** The file, for a platform to map from; stays owned by this. */
  public Fd fd() {
    return fd;
  }

  @Override
  public long size() {
    return memory.byteSize();
  }

  @Override
  public MemorySegment memory() {
    return memory;
  }

  @Override
  public void decommit(long offset, long length) {
    if ((offset | length) % PAGE_SIZE != 0 || offset < 0 || length < 0 || offset > size() - length) {
      throw new IllegalArgumentException("decommit of " + length + " bytes at " + offset);
    }
    if (length == 0) {
      return;
    }
    try {
      fd.fallocate(Sys.FALLOC_FL_PUNCH_HOLE | Sys.FALLOC_FL_KEEP_SIZE, offset, length);
    } catch (ErrnoException e) {
      // Whoever decommits relies on zeros: a page of another process must never show.
      memory.asSlice(offset, length).fill((byte) 0);
    }
  }

  @Override
  public long committedBytes() {
    MemorySegment stat = Memory.bounce().asSlice(0, 144);
    try {
      fd.fstat(stat);
    } catch (ErrnoException e) {
      throw new IllegalStateException("fstat of the memory file: " + e.getMessage());
    }
    return stat.get(JAVA_LONG, STAT_BLOCKS) * BLOCK;
  }

  @Override
  public long nextData(long offset, long limit) {
    if (offset >= limit) {
      return limit;
    }
    try {
      return Math.min(fd.seekHole(offset, true), limit);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENXIO) {
        return limit;
      }
      throw new IllegalStateException("lseek of the memory file: " + e.getMessage());
    }
  }

  @Override
  public long nextHole(long offset, long limit) {
    if (offset >= limit) {
      return limit;
    }
    try {
      return Math.min(fd.seekHole(offset, false), limit);
    } catch (ErrnoException e) {
      throw new IllegalStateException("lseek of the memory file: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    Memory.unmap(memory);
    fd.close();
  }

  private static Fd memfd(String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long cName = Memory.cString(arena, name);
      // Applications run from it, so it says so where the host wants to be told (vm.memfd_noexec).
      int n = Libc.memfd_create(cName, MFD_CLOEXEC | MFD_EXEC);
      if (n < 0 && Libc.errno() == Errno.EINVAL) {
        n = Libc.memfd_create(cName, MFD_CLOEXEC);
      }
      return Fd.adopt(check(n));
    }
  }
}
