package gvisor.sentry.loader;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODEV;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.MapFlags;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.UserBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.MappedDescription;

/** Maps the PT_LOAD segments of one ELF file. */
final class ElfImage {
  private static final int PAGE = MemoryManager.PAGE_SIZE;
  private static final int FIXED = MapFlags.MAP_PRIVATE | MapFlags.MAP_FIXED;
  private static final int ALL = MapFlags.PROT_READ | MapFlags.PROT_WRITE | MapFlags.PROT_EXEC;

  private final Caller caller;
  private final MemoryManager mm;
  private final ElfFile elf;
  private final Mappable mappable;
  private final MappedDescription mapped;

  /** First page and end of all segments, before the bias. */
  private long low = Long.MAX_VALUE;
  private long high;
  private long maxAlign = PAGE;

  /** What is added to the addresses in the file. */
  long bias;
  long startCode = Long.MAX_VALUE;
  long endCode;
  long startData;
  long endData;
  /** End of the highest segment with its bss. */
  long end;

  ElfImage(Caller caller, MemoryManager mm, ElfFile elf) throws ErrnoException {
    this.caller = caller;
    this.mm = mm;
    this.elf = elf;
    elf.checkSegments();
    for (int i = 0; i < elf.count(); i++) {
      if (elf.type(i) == ElfFile.PT_LOAD) {
        low = Math.min(low, elf.vaddr(i) & -PAGE);
        high = Math.max(high, elf.vaddr(i) + elf.memorySize(i));
        long align = elf.align(i);
        if (align > maxAlign && Long.bitCount(align) == 1 && align <= 1L << 30) {
          maxAlign = align;
        }
      }
    }
    if (high <= low) {
      throw EINVAL.error();
    }
    mappable = mappable();
    mapped = mappable == null ? null : new MappedDescription(elf.file());
  }

  private Mappable mappable() throws ErrnoException {
    try {
      return elf.file().ops().mappable(elf.file());
    } catch (ErrnoException e) {
      if (e.errno() == ENODEV) {
        return null;
      }
      throw e;
    }
  }

  /** Bytes from the first page to the last. */
  long size() {
    return (high - low + PAGE - 1 & -PAGE);
  }

  /** Maps it with its first page at or near {@code base}, or where the file says if that is fixed. */
  void mapAt(long base) throws ErrnoException {
    bias = elf.isDynamic() ? (base & -maxAlign) - (low & -maxAlign) : 0;
    map();
  }

  /** Maps it where {@code mmap} would put it. */
  void mapAnywhere() throws ErrnoException {
    if (!elf.isDynamic()) {
      bias = 0;
    } else {
      long base = mm.mappings().findPlace(size() + maxAlign - PAGE);
      bias = (base + maxAlign - 1 & -maxAlign) - (low & -maxAlign);
    }
    map();
  }

  private void map() throws ErrnoException {
    if (!mm.isUserRange(bias + low, size()) || bias + low < 0) {
      throw EINVAL.error();
    }
    for (int i = 0; i < elf.count(); i++) {
      if (elf.type(i) == ElfFile.PT_LOAD && elf.memorySize(i) > 0) {
        mapSegment(i);
      }
    }
  }

  private void mapSegment(int i) throws ErrnoException {
    long start = bias + elf.vaddr(i);
    long fileEnd = start + elf.fileSize(i);
    long memoryEnd = start + elf.memorySize(i);
    long page = start & -PAGE;
    int prot = prot(elf.flags(i));
    long filePages = elf.fileSize(i) == 0 ? page : fileEnd + PAGE - 1 & -PAGE;
    if (filePages > page) {
      long offset = elf.offset(i) - (start - page);
      if (mappable != null) {
        mm.mappings().map(page, filePages - page, prot, FIXED, mappable, mapped, offset, ALL, true);
      } else {
        copy(page, filePages - page, fileEnd - page, offset, prot);
      }
    }
    long memoryPages = memoryEnd + PAGE - 1 & -PAGE;
    if (memoryEnd > fileEnd) {
      long zeroTo = Math.min(filePages, memoryPages);
      if (mappable != null && fileEnd < zeroTo && filePages > page) {
        zeroTail(fileEnd, zeroTo - fileEnd, prot);
      }
      if (memoryPages > filePages) {
        mm.mappings().map(filePages, memoryPages - filePages, prot, FIXED | MapFlags.MAP_ANONYMOUS, null, null, 0, ALL,
            true);
      }
    }
    if ((prot & MapFlags.PROT_EXEC) != 0) {
      startCode = Math.min(startCode, start);
      endCode = Math.max(endCode, fileEnd);
    } else {
      startCode = Math.min(startCode, start);
    }
    startData = Math.max(startData, start);
    endData = Math.max(endData, fileEnd);
    end = Math.max(end, memoryEnd);
  }

  /** The rest of the last page of the file's part belongs to the bss. */
  private void zeroTail(long addr, long length, int prot) throws ErrnoException {
    if ((prot & MapFlags.PROT_WRITE) == 0) {
      // Linux: a segment that is not writable keeps what the file has there.
      return;
    }
    mm.zeroOut(addr, length);
  }

  /** For a file whose pages cannot be mapped: private memory with a copy. */
  private void copy(long page, long length, long bytes, long offset, int prot) throws ErrnoException {
    int writable = MapFlags.PROT_READ | MapFlags.PROT_WRITE;
    mm.mappings().map(page, length, writable, FIXED | MapFlags.MAP_ANONYMOUS, null, null, 0, ALL, true);
    UserBuffer buffer = new UserBuffer();
    mm.wrap(buffer, page, bytes);
    long done = 0;
    while (done < bytes) {
      long n = elf.file().ops().read(caller, elf.file(), buffer, offset + done);
      if (n <= 0) {
        break;
      }
      done += n;
    }
    if (prot != writable) {
      mm.mappings().protect(page, length, prot);
    }
  }

  private static int prot(int flags) {
    return ((flags & ElfFile.PF_R) != 0 ? MapFlags.PROT_READ : 0)
        | ((flags & ElfFile.PF_W) != 0 ? MapFlags.PROT_WRITE : 0)
        | ((flags & ElfFile.PF_X) != 0 ? MapFlags.PROT_EXEC : 0);
  }

  /** Where the program headers are in memory, or 0. */
  long headersAddress() {
    for (int i = 0; i < elf.count(); i++) {
      if (elf.type(i) == ElfFile.PT_PHDR) {
        return bias + elf.vaddr(i);
      }
    }
    long offset = elf.headersOffset();
    for (int i = 0; i < elf.count(); i++) {
      if (elf.type(i) == ElfFile.PT_LOAD && offset >= elf.offset(i) && offset < elf.offset(i) + elf.fileSize(i)) {
        return bias + elf.vaddr(i) + offset - elf.offset(i);
      }
    }
    return 0;
  }

  long entry() throws ErrnoException {
    long entry = bias + elf.entry();
    if (!mm.isUserRange(entry, 1)) {
      throw EINVAL.error();
    }
    return entry;
  }
}
