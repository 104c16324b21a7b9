package gvisor.sentry.mm;

import gvisor.api.host.Entropy;
import gvisor.api.host.Host;
import gvisor.api.host.HostClock;
import gvisor.api.mem.MemoryFile;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Platform;
import gvisor.sentry.fs.FileTree;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;

/** A platform, a host and a memory file of plain memory that note what is done to them. */
public final class FakeMachine implements Platform, Host {
  static final int PAGE = 4096;

  /** What one page of an application leads to. */
  record Mapped(long offset, int access) {}

  /** An address space as a table of pages. */
  static final class Space implements AddressSpace {
    final Map<Long, Mapped> pages = new TreeMap<>();
    int calls;

    @Override
    public void map(long addr, long length, long fileOffset, int access, boolean populate) {
      calls++;
      for (long n = 0; n < length; n += PAGE) {
        pages.put(addr + n, new Mapped(fileOffset + n, access));
      }
    }

    @Override
    public void protect(long addr, long length, int access) {
      calls++;
      for (long n = 0; n < length; n += PAGE) {
        pages.computeIfPresent(addr + n, (a, m) -> new Mapped(m.offset, access));
      }
    }

    @Override
    public void unmap(long addr, long length) {
      calls++;
      pages.keySet().removeIf(a -> a >= addr && a < addr + length);
    }

    @Override
    public void reserveThread() {}

    @Override
    public void close() {
      pages.clear();
    }
  }

  /** Memory that knows which pages were written, by their content. */
  static final class File implements MemoryFile {
    private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[PAGE]);

    final MemorySegment memory;
    final BitSet decommitted = new BitSet();

    File(long size) {
      memory = Arena.ofAuto().allocate(size, PAGE);
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
      memory.asSlice(offset, length).fill((byte) 0);
      decommitted.set((int) (offset / PAGE), (int) ((offset + length) / PAGE));
    }

    @Override
    public long committedBytes() {
      long sum = 0;
      for (long at = nextData(0, size()); at < size(); at = nextData(at + PAGE, size())) {
        sum += PAGE;
      }
      return sum;
    }

    @Override
    public long nextData(long offset, long limit) {
      for (long at = offset & -PAGE; at < limit; at += PAGE) {
        if (memory.asSlice(at, PAGE).mismatch(ZEROS) >= 0) {
          return Math.max(at, offset);
        }
      }
      return limit;
    }

    @Override
    public void close() {}
  }

  final File file;
  public final ExtentAllocator pages;

  public FakeMachine(long bytes) {
    file = new File(bytes);
    pages = new ExtentAllocator(file, 0);
  }

  MemoryManager newMemory() {
    MemoryManager mm = new MemoryManager(this, pages, this, MmLimits.DEFAULT);
    mm.layout.mmapBase = 0x7f00_0000_0000L;
    return mm;
  }

  /** What a load of the application gives: it faults until the page is mapped, as a platform would. */
  static int load(MemoryManager mm, long addr) throws Exception {
    return access(mm, addr, 1).get(ValueLayout.JAVA_INT_UNALIGNED, 0);
  }

  /** A store of the application. */
  static void store(MemoryManager mm, long addr, int value) throws Exception {
    access(mm, addr, 2).set(ValueLayout.JAVA_INT_UNALIGNED, 0, value);
  }

  /** Every fault is reported as a load, as ptrace reports it. */
  private static MemorySegment access(MemoryManager mm, long addr, int wanted) throws Exception {
    Space space = (Space) mm.addressSpace();
    for (int i = 0; i < 5; i++) {
      Mapped m = space.pages.get(addr & -PAGE);
      if (m != null && (m.access & wanted) == wanted) {
        return mm.memory.asSlice(m.offset + (addr & PAGE - 1), 4);
      }
      FaultResult r = mm.handleFault(addr, 1);
      if (r != FaultResult.OK) {
        throw new Fault(r);
      }
    }
    throw new AssertionError("still faulting at 0x" + Long.toHexString(addr));
  }

  /** The application got a signal. */
  static final class Fault extends Exception {
    private static final long serialVersionUID = 1L;
    final FaultResult result;

    Fault(FaultResult result) {
      super(result.name());
      this.result = result;
    }
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public long minUserAddress() {
    return 0x1000;
  }

  @Override
  public long maxUserAddress() {
    return 0x7fff_ffff_0000L;
  }

  @Override
  public AddressSpace newAddressSpace() {
    return new Space();
  }

  @Override
  public Context newContext() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}

  @Override
  public HostClock clock() {
    return FileTree.CLOCK;
  }

  @Override
  public Entropy entropy() {
    return new Entropy() {
      @Override
      public void fill(MemorySegment dst) {
        dst.fill((byte) 7);
      }

      @Override
      public long nextLong() {
        return 42;
      }
    };
  }

  @Override
  public int processorCount() {
    return 1;
  }

  @Override
  public long memoryBytes() {
    return 1L << 40;
  }
}
