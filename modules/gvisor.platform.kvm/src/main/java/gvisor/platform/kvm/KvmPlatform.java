package gvisor.platform.kvm;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Platform;
import gvisor.host.MemFd;
import gvisor.host.kvm.Kvm;
import gvisor.host.kvm.KvmMachine;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** A sandbox's virtual machine. */
final class KvmPlatform implements Platform {
  /** The lower half, less the page that Linux keeps free too. */
  static final long MAX_USER_ADDRESS = 0x7fff_ffff_f000L;

  private static final long MIN_USER_ADDRESS = 0x10000;

  private final MemFd memory;
  private final Kvm kvm;
  private final KvmMachine machine;
  private final Slots slots;
  private final TableMemory tables;
  private final PageTables kernel;
  private final Processors processors;
  private final ExtendedState extended;
  private final boolean nested;
  private final AtomicLong generations = new AtomicLong();
  private volatile boolean closed;

  /**
   * Opens it with at most {@code maxProcessors}.
   *
   * @throws IOException with a one-line message, when the host refuses
   */
  KvmPlatform(MemFd memory, int maxProcessors) throws IOException {
    this.memory = memory;
    Kvm device = null;
    KvmMachine vm = null;
    TableMemory own = null;
    try {
      device = Kvm.open();
      vm = device.newMachine();
      GuestCpu cpu = new GuestCpu(device);
      nested = cpu.hasNestedPaging();
      slots = new Slots(vm, memory, device.capability(Kvm.CAP_NR_MEMSLOTS));
      if (slots.end() + TableMemory.SIZE > cpu.physicalEnd()) {
        throw Errno.EFBIG.error(); // more memory than the processor can address
      }
      own = new TableMemory(slots, slots.end(), nested);
      int max = Math.min(maxProcessors, Math.min(Processors.MAX, Math.max(1, device.capability(Kvm.CAP_MAX_VCPUS))));
      long firstPage = reserve(own, Ring0.FIXED_PAGES);
      Ring0.write(own.memory());
      long processorPages = reserve(own, Processors.MAX);
      kernel = new PageTables(own, null, false);
      for (int i = 0; i < Ring0.FIXED_PAGES; i++) {
        kernel.mapForSupervisor(Ring0.ADDRESS + (long) i * Ring0.PAGE, own.physical(firstPage + (long) i * Ring0.PAGE),
            false, i == 0);
      }
      for (int i = 0; i < Processors.MAX; i++) {
        kernel.mapForSupervisor(Ring0.processorPage(i), own.physical(processorPages + (long) i * Ring0.PAGE), true, false);
      }
      processors = new Processors(vm, own, cpu, processorPages, max);
      Processor first = processors.take();
      MemorySegment sample = ExtendedState.allocate();
      first.getExtendedState(sample);
      extended = new ExtendedState(sample, cpu.xcr0(), cpu.xsaveSize());
      processors.giveBack(first);
      kvm = device;
      machine = vm;
      tables = own;
    } catch (ErrnoException e) {
      if (vm != null) {
        vm.close();
      }
      if (own != null) {
        own.close();
      }
      if (device != null) {
        device.close();
      }
      throw new IOException((device == null ? "cannot open " + Kvm.DEVICE : "cannot make a virtual machine") + ": "
          + e.getMessage());
    }
  }

  @Override
  public String name() {
    return KvmPlatformProvider.NAME;
  }

  @Override
  public long minUserAddress() {
    return MIN_USER_ADDRESS;
  }

  @Override
  public long maxUserAddress() {
    return MAX_USER_ADDRESS;
  }

  @Override
  public AddressSpace newAddressSpace() throws ErrnoException {
    return new KvmAddressSpace(this, new PageTables(tables, kernel, nested));
  }

  @Override
  public Context newContext() {
    return new KvmContext(this);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    processors.close();
    machine.close();
    slots.close();
    tables.close();
    kvm.close();
  }

  boolean isClosed() {
    return closed;
  }

  /** Whether the processor walks the page tables itself. */
  boolean hasNestedPaging() {
    return nested;
  }

  /** A number that no state of any address space had so far. */
  long newGeneration() {
    return generations.incrementAndGet();
  }

  Slots slots() {
    return slots;
  }

  Processors processors() {
    return processors;
  }

  ExtendedState extendedState() {
    return extended;
  }

  MemorySegment memory() {
    return memory.memory();
  }

  long memorySize() {
    return memory.size();
  }

  /** The offset of the first of {@code count} pages in a row, which a fresh {@link TableMemory} gives. */
  private static long reserve(TableMemory own, int count) throws ErrnoException {
    long first = own.allocate();
    for (int i = 1; i < count; i++) {
      own.allocate();
    }
    return first;
  }
}
