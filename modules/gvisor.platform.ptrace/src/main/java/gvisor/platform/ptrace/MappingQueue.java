package gvisor.platform.ptrace;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Mapping work that an address space owes its stub, oldest first. Neighbours are joined, so that a loop over pages
 * becomes one host call. Guarded by the address space's lock.
 *
 * <p>An address space is only a cache of the kernel's books, which bounds this: when too much has piled up, everything is
 * thrown away and unmapped, and the application's faults bring back what it uses.
 */
final class MappingQueue {
  static final int MAP = 9, PROTECT = 10, UNMAP = 11;

  private static final int MAP_SHARED_FIXED = 0x11;
  private static final int MAP_POPULATE = 0x8000;
  private static final int LIMIT = 1024;

  private final int memoryFd;
  private int[] operations = new int[8];
  private int[] access = new int[8];
  private long[] addrs = new long[8];
  private long[] lengths = new long[8];
  private long[] offsets = new long[8];
  private int size;

  MappingQueue(int memoryFd) {
    this.memoryFd = memoryFd;
  }

  boolean isEmpty() {
    return size == 0;
  }

  int size() {
    return size;
  }

  void clear() {
    size = 0;
  }

  /** Everything queued so far and everything mapped is to go. */
  void reset() {
    size = 0;
    append(UNMAP, 0, StubCode.ADDRESS, 0, 0);
  }

  /** Whether there is nothing to do but what {@link #reset} asks for. */
  boolean isReset() {
    return size == 1 && operations[0] == UNMAP && addrs[0] == 0 && lengths[0] == StubCode.ADDRESS;
  }

  /** What is mapped now is to go before anything queued is done. */
  void resetFirst() {
    if (size == LIMIT) {
      reset();
      return;
    }
    append(UNMAP, 0, 0, 0, 0);
    int n = size - 1;
    System.arraycopy(operations, 0, operations, 1, n);
    System.arraycopy(access, 0, access, 1, n);
    System.arraycopy(addrs, 0, addrs, 1, n);
    System.arraycopy(lengths, 0, lengths, 1, n);
    System.arraycopy(offsets, 0, offsets, 1, n);
    operations[0] = UNMAP;
    access[0] = 0;
    addrs[0] = 0;
    lengths[0] = StubCode.ADDRESS;
    offsets[0] = 0;
  }

  /** {@code populate} is part of {@code flags}, as the kernel has it. */
  void map(long addr, long length, long offset, int prot, boolean populate) {
    int how = prot | (populate ? MAP_POPULATE : 0);
    if (size > 0) {
      int last = size - 1;
      long lastEnd = addrs[last] + lengths[last];
      if (operations[last] == MAP && access[last] == how && lastEnd == addr && offsets[last] + lengths[last] == offset) {
        lengths[last] += length;
        return;
      }
      if (operations[last] == UNMAP && addrs[last] >= addr && lastEnd <= addr + length) {
        size--; // mapping replaces what is there
      }
    }
    append(MAP, addr, length, offset, how);
  }

  void protect(long addr, long length, int prot) {
    if (size > 0) {
      int last = size - 1;
      if (operations[last] == PROTECT && access[last] == prot && addrs[last] + lengths[last] == addr) {
        lengths[last] += length;
        return;
      }
    }
    append(PROTECT, addr, length, 0, prot);
  }

  void unmap(long addr, long length) {
    while (size > 0) {
      int last = size - 1;
      long lastEnd = addrs[last] + lengths[last];
      if (addrs[last] >= addr && lastEnd <= addr + length) {
        size--; // no use doing what is undone at once
      } else if (operations[last] == UNMAP && addrs[last] <= addr && lastEnd >= addr) {
        lengths[last] = Math.max(lastEnd, addr + length) - addrs[last];
        return;
      } else {
        break;
      }
    }
    append(UNMAP, addr, length, 0, 0);
  }

  /** Makes an unmapping of item {@code index}, whose range the host could not treat otherwise. */
  void turnIntoUnmap(int index) {
    operations[index] = UNMAP;
  }

  int operation(int index) {
    return operations[index];
  }

  /** Writes up to a page of items, from {@code first}, as work for the stub: how many. */
  int write(int first, MemorySegment work) {
    int n = Math.min(size - first, StubCode.MAX_ITEMS);
    for (int i = 0; i < n; i++) {
      int item = first + i;
      long at = (long) i * StubCode.ITEM_SIZE;
      work.set(JAVA_LONG, at, operations[item]);
      work.set(JAVA_LONG, at + 8, addrs[item]);
      work.set(JAVA_LONG, at + 16, lengths[item]);
      work.set(JAVA_LONG, at + 24, access[item] & 7);
      work.set(JAVA_LONG, at + 32, MAP_SHARED_FIXED | access[item] & MAP_POPULATE);
      work.set(JAVA_LONG, at + 40, memoryFd);
      work.set(JAVA_LONG, at + 48, offsets[item]);
    }
    return n;
  }

  private void append(int operation, long addr, long length, long offset, int how) {
    if (size == LIMIT) {
      reset();
    }
    if (size == operations.length) {
      int more = size * 2;
      operations = Arrays.copyOf(operations, more);
      access = Arrays.copyOf(access, more);
      addrs = Arrays.copyOf(addrs, more);
      lengths = Arrays.copyOf(lengths, more);
      offsets = Arrays.copyOf(offsets, more);
    }
    operations[size] = operation;
    access[size] = how;
    addrs[size] = addr;
    lengths[size] = length;
    offsets[size] = offset;
    size++;
  }
}
