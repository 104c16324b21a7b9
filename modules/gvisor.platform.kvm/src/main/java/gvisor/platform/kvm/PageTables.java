package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Four levels of page tables of one address space (AMD APM volume 2, 5.3), in 4 KiB pages. The processor, or KVM in its
 * place, reads and marks them meanwhile. It marks an entry as accessed before it remembers it, atomically; so an entry
 * that is taken out by an atomic exchange and is not marked is remembered nowhere, and costs nothing more.
 *
 * <p>Not thread-safe but for that.
 */
final class PageTables {
  private static final long PRESENT = 1, WRITE = 2, USER = 4, ACCESSED = 0x20, NO_EXECUTE = 1L << 63;
  private static final long FRAME = 0x000f_ffff_ffff_f000L;
  private static final long TABLE = PRESENT | WRITE | USER;
  private static final int PAGE = TableMemory.PAGE;
  private static final int ENTRIES = 512;
  private static final int TOP = 3;

  private static final VarHandle ENTRY = JAVA_LONG.varHandle();

  private final TableMemory tables;
  private final MemorySegment memory;
  private final long root;
  private long[] pages = new long[16];
  private int pageCount;

  /** Empty tables for the lower half. The upper half is that of {@code kernel}, unless it is null. */
  PageTables(TableMemory tables, PageTables kernel) throws ErrnoException {
    this.tables = tables;
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
  }

  /** Maps one page for the supervisor. The address is new. */
  void mapForSupervisor(long addr, long physical, boolean write, boolean execute) throws ErrnoException {
    long entry = physical | PRESENT | (write ? WRITE : 0) | (execute ? 0 : NO_EXECUTE);
    ENTRY.setVolatile(memory, leaf(addr, true) + index(addr, 0), entry);
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
      leaf(at, true);
    }
    long bits = bits(access);
    while (addr < end) {
      long table = leaf(addr, false);
      long stop = Math.min(end, nextTable(addr));
      for (; addr < stop; addr += PAGE, offset += PAGE) {
        put(table + index(addr, 0), offset | bits, stale);
      }
    }
  }

  /** Changes the access to what is mapped within the range. */
  void protect(long addr, long length, int access, StaleRuns stale) {
    long bits = bits(access);
    long end = addr + length;
    while (addr < end) {
      long table = leafOrSkip(addr);
      if (table < 0) {
        addr = skip(addr, table);
        continue;
      }
      long stop = Math.min(end, nextTable(addr));
      for (; addr < stop; addr += PAGE) {
        long at = table + index(addr, 0);
        long old = memory.get(JAVA_LONG, at);
        if (old != 0) {
          put(at, old & FRAME | bits, stale);
        }
      }
    }
  }

  /** Takes out what is mapped within the range. */
  void unmap(long addr, long length, StaleRuns stale) {
    long end = addr + length;
    while (addr < end) {
      long table = leafOrSkip(addr);
      if (table < 0) {
        addr = skip(addr, table);
        continue;
      }
      long stop = Math.min(end, nextTable(addr));
      for (; addr < stop; addr += PAGE) {
        long at = table + index(addr, 0);
        if (memory.get(JAVA_LONG, at) != 0) {
          long old = (long) ENTRY.getAndSet(memory, at, 0L);
          if ((old & ACCESSED) != 0) {
            stale.add(old & FRAME);
          }
        }
      }
    }
  }

  /** Offset in the memory file of what {@code addr} is mapped to, or -1. */
  long translate(long addr) {
    long table = leafOrSkip(addr);
    long entry = table < 0 ? 0 : memory.get(JAVA_LONG, table + index(addr, 0));
    return entry == 0 ? -1 : entry & FRAME | addr & PAGE - 1;
  }

  private void put(long at, long entry, StaleRuns stale) {
    long old = (long) ENTRY.getAndSet(memory, at, entry);
    if ((old & ACCESSED) == 0) {
      return;
    }
    boolean narrower = ((old ^ entry) & FRAME) != 0
        || (old & ~entry & WRITE) != 0
        || (entry & ~old & NO_EXECUTE) != 0;
    if (narrower) {
      stale.add(old & FRAME);
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

  /** Offset of the lowest table for {@code addr}. */
  private long leaf(long addr, boolean create) throws ErrnoException {
    long table = root;
    for (int level = TOP; level > 0; level--) {
      long at = table + index(addr, level);
      long entry = memory.get(JAVA_LONG, at);
      if (entry == 0) {
        if (!create) {
          throw new IllegalStateException("no table");
        }
        entry = tables.physical(newTable()) | TABLE;
        ENTRY.setVolatile(memory, at, entry);
      }
      table = tables.offset(entry & FRAME);
    }
    return table;
  }

  /** Offset of the lowest table for {@code addr}, or the complement of the level at which there is none. */
  private long leafOrSkip(long addr) {
    long table = root;
    for (int level = TOP; level > 0; level--) {
      long entry = memory.get(JAVA_LONG, table + index(addr, level));
      if (entry == 0) {
        return ~(long) level;
      }
      table = tables.offset(entry & FRAME);
    }
    return table;
  }

  /** The first address behind the entry for {@code addr} that {@link #leafOrSkip} found missing. */
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
