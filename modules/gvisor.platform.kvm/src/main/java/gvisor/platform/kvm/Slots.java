package gvisor.platform.kvm;

import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import gvisor.host.MemFd;
import gvisor.host.kvm.KvmMachine;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Guest-physical memory: the memory file from address 0 on, in slots that are added when something in them is mapped
 * (KVM has books of 0.2% of a slot's size), and the platform's own pages. Thread-safe.
 */
final class Slots {
  private static final int OWN_SLOT = 0, SPARE_SLOT = 1, FIRST_SLOT = 2;
  private static final long SMALL = 256L << 20, LARGE = 4L << 30;
  private static final int PAGE = 4096;

  private final KvmMachine machine;
  private final MemFd file;
  private final long slotSize;
  private final AtomicReferenceArray<MemorySegment> windows;
  private final ReentrantLock lock = new ReentrantLock();
  private MemorySegment spare;
  private long spareAddress;

  /** Slots of {@code machine}, of which there may be {@code max}, over {@code file}. */
  Slots(KvmMachine machine, MemFd file, int max) {
    this.machine = machine;
    this.file = file;
    slotSize = file.size() / SMALL + FIRST_SLOT < max ? SMALL : LARGE;
    windows = new AtomicReferenceArray<>((int) ((file.size() + slotSize - 1) / slotSize));
  }

  /** The first address behind the memory file. */
  long end() {
    return windows.length() * slotSize;
  }

  /** Adds the platform's own memory at {@code address}. */
  void addOwn(long address, MemorySegment memory) throws ErrnoException {
    machine.setSlot(OWN_SLOT, address, memory);
    spare = memory.asSlice(0, PAGE);
    spareAddress = address + memory.byteSize();
  }

  /** Sees to it that {@code [offset, offset + length)} of the memory file is there. */
  void require(long offset, long length) throws ErrnoException {
    for (int i = (int) (offset / slotSize); i <= (offset + length - 1) / slotSize; i++) {
      if (windows.get(i) == null) {
        add(i);
      }
    }
  }

  /**
   * Has every processor forget how to reach {@code [offset, offset + length)} of the memory file, by whatever address;
   * when this returns, an access to it has to look into the page tables again.
   */
  void forget(long offset, long length) {
    long end = offset + length;
    while (offset < end) {
      int i = (int) (offset / slotSize);
      long stop = Math.min(end, (i + 1) * slotSize);
      KvmMachine.discard(windows.get(i), offset - i * slotSize, stop - offset);
      offset = stop;
    }
  }

  /** Commits a range that is there. */
  void populate(long offset, long length) {
    long end = offset + length;
    while (offset < end) {
      int i = (int) (offset / slotSize);
      long stop = Math.min(end, (i + 1) * slotSize);
      KvmMachine.populate(windows.get(i), offset - i * slotSize, stop - offset);
      offset = stop;
    }
  }

  /** Has every processor forget everything: that is what KVM does when a slot goes away. */
  void forgetEverything() {
    lock.lock();
    try {
      machine.setSlot(SPARE_SLOT, spareAddress, spare);
      machine.removeSlot(SPARE_SLOT, spareAddress);
    } catch (ErrnoException e) {
      throw new IllegalStateException("cannot change memory slots: " + e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  void close() {
    for (int i = 0; i < windows.length(); i++) {
      MemorySegment window = windows.get(i);
      if (window != null) {
        KvmMachine.unmap(window);
      }
    }
  }

  private void add(int index) throws ErrnoException {
    lock.lock();
    try {
      if (windows.get(index) != null) {
        return;
      }
      long at = index * slotSize;
      MemorySegment window = KvmMachine.mapForSlot(file.fd(), at, Math.min(slotSize, file.size() - at));
      try {
        machine.setSlot(FIRST_SLOT + index, at, window);
      } catch (ErrnoException e) {
        KvmMachine.unmap(window);
        throw ENOMEM.error();
      }
      windows.set(index, window);
    } finally {
      lock.unlock();
    }
  }
}
