package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Four levels of page tables of one address space (AMD APM volume 2, 5.3). The processor, or KVM in its place, reads and
 * marks them meanwhile. It marks an entry as accessed before it remembers it, atomically; so an entry that is taken out by
 * an atomic exchange and is not marked is remembered nowhere, and costs nothing more.
 *
 * <p>Where the processor reads them itself ({@link NestedPaging}), pages are of 2 MiB wherever a mapping covers one and the
 * memory file is as well aligned; such an entry is split when a part of it changes. KVM's shadows would not survive that:
 * for them pages are of 4 KiB, and a table stays where it is for the life of the address space.
 *
 * <p>Not thread-safe but for that.
 */
final class PageTables {
  private static final long PRESENT = 1, WRITE = 2, USER = 4, ACCESSED = 0x20, LARGE = 0x80, NO_EXECUTE = 1L << 63;
  private static final long FRAME = 0x000f_ffff_ffff_f000L;
  private static final long TABLE = PRESENT | WRITE | USER;
  private static final int PAGE = TableMemory.PAGE;
  private static final int ENTRIES = 512;
  private static final long LARGE_PAGE = (long) PAGE * ENTRIES;
  private static final int TOP = 3;

  private static final VarHandle ENTRY = JAVA_LONG.varHandle();

  private final TableMemory tables;
  private final MemorySegment memory;
  private final boolean largePages;
  private final long root;
  private long[] pages = new long[16];
  private int pageCount;

  /** Tables that large pages took the place of; processors may know them still. */
  private long[] dropped = new long[4];

  private int droppedCount;

  /**
   * Empty tables for the lower half. The upper half is that of {@code kernel}, unless it is null.
   *
   * @param largePages whether pages may be of 2 MiB
   */
  PageTables(TableMemory tables, PageTables kernel, boolean largePages) throws ErrnoException {
    this.tables = tables;
    this.largePages = largePages;
    this.memory = tables.memory();
    root = newTable();
    if (kernel != null) {
      long last = (ENTRIES - 1) * 8L;
      memory.set(JAVA_LONG, root + last, memory.get(JAVA_LONG, kernel.root + last));
    }
  }

  /** Guest-physical address of the top table: CR3. */
  long rootAddress() {
    return tables.physical(root);
  }

  /** Gives the tables up. No processor runs on them, or ever will. */
  void close() {
    tables.retire(pages, pageCount);
    pageCount = 0;
    droppedCount = 0;
  }

  /** Gives up the tables that were replaced: every processor has forgotten them, or will before it comes here again. */
  void releaseDropped() {
    if (droppedCount == 0) {
      return;
    }
    for (int i = 0; i < droppedCount; i++) {
      int at = 0;
      while (pages[at] != dropped[i]) {
        at++;
      }
      pages[at] = pages[--pageCount];
    }
    tables.retire(dropped, droppedCount);
    droppedCount = 0;
  }

  /** Maps one page for the supervisor. The address is new. */
  void mapForSupervisor(long addr, long physical, boolean write, boolean execute) throws ErrnoException {
    long entry = physical | PRESENT | (write ? WRITE : 0) | (execute ? 0 : NO_EXECUTE);
    ENTRY.setVolatile(memory, leaf(addr) + index(addr, 0), entry);
  }

  /**
   * Maps {@code [addr, addr + length)} to the memory file from {@code offset} on.
   *
   * @param stale gets what was there before and may be remembered
   * @throws ErrnoException ENOMEM without memory for tables; nothing has changed then
   */
  void map(long addr, long length, long offset, int access, StaleRuns stale) throws ErrnoException {
    long end = addr + length;
    for (long at = addr; at < end; at = nextTable(at)) {
      if (isLarge(at, end, offset + (at - addr))) {
        directory(at);
      } else {
        leaf(at);
      }
    }
    long bits = bits(access);
    while (addr < end) {
      if (isLarge(addr, end, offset)) {
        putLarge(directoryOrSkip(addr), offset | bits | LARGE, stale);
        addr += LARGE_PAGE;
        offset += LARGE_PAGE;
        continue;
      }
      long table = tables.offset(memory.get(JAVA_LONG, directoryOrSkip(addr)) & FRAME);
      long stop = Math.min(end, nextTable(addr));
      for (; addr < stop; addr += PAGE, offset += PAGE) {
        put(table + index(addr, 0), offset | bits, PAGE, stale);
      }
    }
  }

  /** Changes the access to what is mapped within the range. */
  void protect(long addr, long length, int access, StaleRuns stale) {
    long bits = bits(access);
    long end = addr + length;
    while (addr < end) {
      long directory = directoryOrSkip(addr);
      if (directory < 0) {
        addr = skip(addr, directory);
        continue;
      }
      long stop = Math.min(end, nextTable(addr));
      long whole = memory.get(JAVA_LONG, directory);
      if ((whole & LARGE) != 0 && stop - addr == LARGE_PAGE) {
        put(directory, whole & FRAME | bits | LARGE, LARGE_PAGE, stale);
        addr = stop;
        continue;
      }
      long table = tableOrNone(directory, stale);
      for (; table >= 0 && addr < stop; addr += PAGE) {
        long at = table + index(addr, 0);
        long old = memory.get(JAVA_LONG, at);
        if (old != 0) {
          put(at, old & FRAME | bits, PAGE, stale);
        }
      }
      addr = stop;
    }
  }

  /** Takes out what is mapped within the range. */
  void unmap(long addr, long length, StaleRuns stale) {
    long end = addr + length;
    while (addr < end) {
      long directory = directoryOrSkip(addr);
      if (directory < 0) {
        addr = skip(addr, directory);
        continue;
      }
      long stop = Math.min(end, nextTable(addr));
      if ((memory.get(JAVA_LONG, directory) & LARGE) != 0 && stop - addr == LARGE_PAGE) {
        take(directory, LARGE_PAGE, stale);
        addr = stop;
        continue;
      }
      long table = tableOrNone(directory, stale);
      for (; table >= 0 && addr < stop; addr += PAGE) {
        take(table + index(addr, 0), PAGE, stale);
      }
      addr = stop;
    }
  }

  /** Offset in the memory file of what {@code addr} is mapped to, or -1. */
  long translate(long addr) {
    long directory = directoryOrSkip(addr);
    if (directory < 0) {
      return -1;
    }
    long entry = memory.get(JAVA_LONG, directory);
    if ((entry & LARGE) != 0) {
      return entry & FRAME | addr & LARGE_PAGE - 1;
    }
    entry = entry == 0 ? 0 : memory.get(JAVA_LONG, tables.offset(entry & FRAME) + index(addr, 0));
    return entry == 0 ? -1 : entry & FRAME | addr & PAGE - 1;
  }

  private boolean isLarge(long addr, long end, long offset) {
    return largePages && ((addr | offset) & LARGE_PAGE - 1) == 0 && end - addr >= LARGE_PAGE;
  }

  /** Takes out one entry. */
  private void take(long at, long size, StaleRuns stale) {
    if (memory.get(JAVA_LONG, at) != 0) {
      long old = (long) ENTRY.getAndSet(memory, at, 0L);
      if ((old & ACCESSED) != 0) {
        stale.add(old & FRAME, size);
      }
    }
  }

  /** Puts a large page where a table may be, which is emptied: a processor that still knows it finds nothing there. */
  private void putLarge(long directory, long entry, StaleRuns stale) {
    long old = memory.get(JAVA_LONG, directory);
    if (old == 0 || (old & LARGE) != 0) {
      put(directory, entry, LARGE_PAGE, stale);
      return;
    }
    ENTRY.setVolatile(memory, directory, entry);
    long table = tables.offset(old & FRAME);
    for (long at = table; at < table + PAGE; at += Long.BYTES) {
      take(at, PAGE, stale);
    }
    if (stale.isEmpty()) {
      stale.add(entry & FRAME, PAGE); // the table alone is reason enough
    }
    if (droppedCount == dropped.length) {
      dropped = Arrays.copyOf(dropped, droppedCount * 2);
    }
    dropped[droppedCount++] = table;
  }

  private void put(long at, long entry, long size, StaleRuns stale) {
    long old = (long) ENTRY.getAndSet(memory, at, entry);
    if ((old & ACCESSED) == 0) {
      return;
    }
    boolean narrower = ((old ^ entry) & FRAME) != 0
        || (old & ~entry & WRITE) != 0
        || (entry & ~old & NO_EXECUTE) != 0;
    if (narrower) {
      stale.add(old & FRAME, size);
    } else {
      // It stays remembered, if with less access: whoever takes it out later must know.
      ENTRY.getAndBitwiseOr(memory, at, ACCESSED);
    }
  }

  private static long bits(int access) {
    return PRESENT | USER | ((access & AccessType.WRITE) != 0 ? WRITE : 0)
        | ((access & AccessType.EXEC) != 0 ? 0 : NO_EXECUTE);
  }

  /** Bytes into a table of {@code level}, 0 being the lowest, of the entry for {@code addr}. */
  private static long index(long addr, int level) {
    return (addr >>> 12 + 9 * level & ENTRIES - 1) * 8;
  }

  /** The first address that the lowest table of {@code addr} does not cover. */
  private static long nextTable(long addr) {
    return (addr | PAGE * ENTRIES - 1) + 1;
  }

  /** Makes sure that there is a table of the lowest level for {@code addr}; its offset. */
  private long leaf(long addr) throws ErrnoException {
    long at = directory(addr);
    long entry = memory.get(JAVA_LONG, at);
    if (entry == 0) {
      entry = tables.physical(newTable()) | TABLE;
      ENTRY.setVolatile(memory, at, entry);
    } else if ((entry & LARGE) != 0) {
      return split(at);
    }
    return tables.offset(entry & FRAME);
  }

  /** Makes sure that there is a page directory for {@code addr}; the offset of its entry. */
  private long directory(long addr) throws ErrnoException {
    long table = root;
    for (int level = TOP; level > 1; level--) {
      long at = table + index(addr, level);
      long entry = memory.get(JAVA_LONG, at);
      if (entry == 0) {
        entry = tables.physical(newTable()) | TABLE;
        ENTRY.setVolatile(memory, at, entry);
      }
      table = tables.offset(entry & FRAME);
    }
    return table + index(addr, 1);
  }

  /** Offset of the page directory's entry for {@code addr}, or the complement of the level at which there is no table. */
  private long directoryOrSkip(long addr) {
    long table = root;
    for (int level = TOP; level > 1; level--) {
      long entry = memory.get(JAVA_LONG, table + index(addr, level));
      if (entry == 0) {
        return ~(long) level;
      }
      table = tables.offset(entry & FRAME);
    }
    return table + index(addr, 1);
  }

  /** Offset of the table behind {@code directory}, or -1: a large page that cannot be split is taken out. */
  private long tableOrNone(long directory, StaleRuns stale) {
    long entry = memory.get(JAVA_LONG, directory);
    if (entry == 0) {
      return -1;
    }
    if ((entry & LARGE) == 0) {
      return tables.offset(entry & FRAME);
    }
    try {
      return split(directory);
    } catch (ErrnoException e) {
      take(directory, LARGE_PAGE, stale); // the kernel will map it again
      return -1;
    }
  }

  /** Replaces a large page by small ones with the same access; the table's offset. */
  private long split(long directory) throws ErrnoException {
    long table = newTable();
    long large = memory.get(JAVA_LONG, directory);
    for (int i = 0; i < ENTRIES; i++) {
      // It may be marked as accessed until it is replaced: then each of them is.
      memory.set(JAVA_LONG, table + i * 8L, (large & ~LARGE | ACCESSED) + (long) i * PAGE);
    }
    ENTRY.setVolatile(memory, directory, tables.physical(table) | TABLE);
    return table;
  }

  /** The first address behind the entry for {@code addr} that {@link #directoryOrSkip} found missing. */
  private static long skip(long addr, long missing) {
    int shift = 12 + 9 * (int) ~missing;
    return (addr >>> shift) + 1 << shift;
  }

  private long newTable() throws ErrnoException {
    long page = tables.allocate();
    if (pageCount == pages.length) {
      pages = Arrays.copyOf(pages, pageCount * 2);
    }
    pages[pageCount++] = page;
    return page;
  }
}
