package gvisor.host.kvm;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A virtual machine: its memory slots and its processors. Thread-safe. */
public final class KvmMachine implements AutoCloseable {
  private static final long KVM_CREATE_VCPU = 0xae41;
  private static final long KVM_SET_USER_MEMORY_REGION = 0x4020ae46L;
  private static final long KVM_ENABLE_CAP = 0x4068aea3L;
  private static final int ENABLE_CAP_SIZE = 104;

  /** Rewriting a hypercall of another maker's processors in the machine's memory; MONITOR and MWAIT that do nothing. */
  private static final int QUIRKS = 1 << 5 | 1 << 6;

  private static final int MADV_DONTNEED = 4;
  private static final int MADV_POPULATE_WRITE = 23;

  private final Fd fd;
  private final int runSize;

  KvmMachine(Fd fd, int runSize) {
    this.fd = fd;
    this.runSize = runSize;
  }

  /**
   * Maps {@code [offset, offset + length)} of {@code file}, shared, for use by slots only: what is taken out of such a
   * mapping by {@link #discard} the machine has to look up anew, and nobody else is slowed down.
   */
  public static MemorySegment mapForSlot(Fd file, long offset, long length) throws ErrnoException {
    int prot = Sys.PROT_READ | Sys.PROT_WRITE;
    MemorySegment window = Memory.map(length, prot, Sys.MAP_SHARED | Sys.MAP_NORESERVE, file.number(), offset);
    Libc.madvise(window.address(), length, Sys.MADV_DONTFORK);
    Libc.madvise(window.address(), length, Sys.MADV_DONTDUMP);
    return window;
  }

  /** Ends a mapping of {@link #mapForSlot}, whose slot is gone. */
  public static void unmap(MemorySegment window) {
    Memory.unmap(window);
  }

  /**
   * Has every processor of the machine forget translations to {@code [offset, offset + length)} of {@code window}; when
   * it returns none is left. What the file holds stays.
   */
  public static void discard(MemorySegment window, long offset, long length) {
    if (Libc.madvise(window.address() + offset, length, MADV_DONTNEED) != 0) {
      throw new IllegalStateException("madvise of a memory slot: " + Libc.errno());
    }
  }

  /** Commits a part of {@code window} now; as far as the host can and will. */
  public static void populate(MemorySegment window, long offset, long length) {
    Libc.madvise(window.address() + offset, length, MADV_POPULATE_WRITE);
  }

  /** KVM_SET_USER_MEMORY_REGION: {@code backing} is guest-physical memory at {@code address} from now on. */
  public void setSlot(int slot, long address, MemorySegment backing) throws ErrnoException {
    setSlot(slot, address, backing.byteSize(), backing.address());
  }

  /** Ends a slot; every translation of the whole machine goes with it on processors whose page tables KVM shadows. */
  public void removeSlot(int slot, long address) throws ErrnoException {
    setSlot(slot, address, 0, 0);
  }

  /** Ends what KVM does for the sake of old kernels, of the bits in {@code known}: no instruction is not what it is. */
  void disableQuirks(int known) {
    if ((known & QUIRKS) != 0) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment capability = arena.allocate(ENABLE_CAP_SIZE, 8);
        capability.set(JAVA_INT, 0, Kvm.CAP_DISABLE_QUIRKS2);
        capability.set(JAVA_LONG, 8, known & QUIRKS);
        Libc.ioctl(fd.number(), KVM_ENABLE_CAP, capability.address());
      }
    }
  }

  private void setSlot(int slot, long address, long size, long backing) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment region = arena.allocate(32, 8);
      region.set(JAVA_INT, 0, slot);
      region.set(JAVA_LONG, 8, address);
      region.set(JAVA_LONG, 16, size);
      region.set(JAVA_LONG, 24, backing);
      check(Libc.ioctl(fd.number(), KVM_SET_USER_MEMORY_REGION, region.address()));
    }
  }

  /** KVM_CREATE_VCPU. */
  public KvmProcessor newProcessor(int id) throws ErrnoException {
    Fd vcpu = Fd.adopt(check(Libc.ioctl(fd.number(), KVM_CREATE_VCPU, id)));
    try {
      int prot = Sys.PROT_READ | Sys.PROT_WRITE;
      return new KvmProcessor(vcpu, Memory.map(runSize, prot, Sys.MAP_SHARED, vcpu.number(), 0));
    } catch (ErrnoException e) {
      vcpu.close();
      throw e;
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
