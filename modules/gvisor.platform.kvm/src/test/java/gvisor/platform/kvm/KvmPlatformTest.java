package gvisor.platform.kvm;

import static gvisor.api.platform.Registers.R12;
import static gvisor.api.platform.Registers.RBX;
import static gvisor.api.platform.Registers.RCX;
import static gvisor.api.platform.Registers.RIP;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Registers;
import gvisor.api.platform.StopReason;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class KvmPlatformTest {
  private Guest guest;

  @BeforeEach
  void open() throws Exception {
    guest = new Guest();
  }

  @AfterEach
  void close() {
    if (guest != null) {
      guest.close();
    }
  }

  private interface Body {
    void run() throws Exception;
  }

  private static FutureTask<Void> start(Body body) {
    FutureTask<Void> task = new FutureTask<>(() -> {
      body.run();
      return null;
    });
    Thread.ofPlatform().start(task);
    return task;
  }

  private static void set(Context c, long rip, long rbx, long r12) {
    c.registers().set(RIP, rip);
    c.registers().set(RBX, rbx);
    c.registers().set(R12, r12);
  }

  @Test
  void systemCallsStopWithTheirNumberAndGoOn() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      set(c, guest.getppidLoop, 0, 0);
      Registers r = c.registers();
      for (int i = 0; i < 100; i++) {
        assertEquals(StopReason.SYSCALL, c.switchTo(space));
        assertEquals(110, r.rax());
        assertEquals(r.rip(), r.get(RCX));
        r.rax(4711 + i);
      }
      c.leave();
    }
  }

  @Test
  void roundTripIsFast() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      set(c, guest.getppidLoop, 0, 0);
      long best = Long.MAX_VALUE;
      for (int round = 0; round < 10; round++) {
        long begin = System.nanoTime();
        for (int i = 0; i < 2000; i++) {
          c.switchTo(space);
          c.registers().rax(1);
        }
        best = Math.min(best, (System.nanoTime() - begin) / 2000);
      }
      System.out.println("getppid round trip: " + best + " ns");
      c.leave();
    }
  }

  @Test
  void faultsTellAddressAndAccess() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      set(c, guest.loadOnce, 0x70_0010, 0);
      assertEquals(StopReason.FAULT, c.switchTo(space));
      assertEquals(0x70_0010, c.faultAddress());
      assertEquals(AccessType.READ, c.faultAccess());

      guest.setData(0x10, 77);
      space.map(0x70_0000, 4096, Guest.DATA_OFFSET, AccessType.READ, false);
      assertEquals(StopReason.SYSCALL, c.switchTo(space));
      assertEquals(77, c.registers().get(Registers.RDX));

      set(c, guest.storeLoop, 0x70_0010, 1);
      assertEquals(StopReason.FAULT, c.switchTo(space));
      assertEquals(AccessType.WRITE, c.faultAccess());
      space.protect(0x70_0000, 4096, Guest.READ_WRITE);
      assertEquals(StopReason.SYSCALL, c.switchTo(space));
      assertEquals(78, guest.data(0x10));

      c.registers().set(RIP, 0x12345000);
      assertEquals(StopReason.FAULT, c.switchTo(space));
      assertEquals(0x12345000, c.faultAddress());
      assertEquals(AccessType.EXEC, c.faultAccess());

      c.registers().set(RIP, Guest.DATA);
      assertEquals(StopReason.FAULT, c.switchTo(space));
      assertEquals(AccessType.EXEC, c.faultAccess());
      c.leave();
    }
  }

  @Test
  void processorExceptionsAreSignals() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      set(c, guest.divide, 0, 0);
      assertEquals(StopReason.SIGNAL, c.switchTo(space));
      assertEquals(8, c.signal());
      assertEquals(1, c.signalCode());
      set(c, guest.trap, 0, 0);
      assertEquals(StopReason.SIGNAL, c.switchTo(space));
      assertEquals(5, c.signal());
      set(c, guest.loadOnce, 0x8000_0000_0000_0000L, 0);
      assertEquals(StopReason.SIGNAL, c.switchTo(space));
      assertEquals(11, c.signal());
      set(c, guest.storeLoop, Ring0.ADDRESS, 1);
      assertEquals(StopReason.FAULT, c.switchTo(space));
      assertEquals(Ring0.ADDRESS, c.faultAddress());
      // Bases that no application has must not wedge its task.
      set(c, guest.getppidLoop, 0, 0);
      c.registers().set(Registers.FS_BASE, -4096);
      assertEquals(StopReason.SYSCALL, c.switchTo(space));
      c.leave();
    }
  }

  @Test
  void anInterruptEndsALoopAndSticks() throws Exception {
    try (AddressSpace space = guest.newSpace()) {
      CountDownLatch ready = new CountDownLatch(1);
      Context[] shared = new Context[1];
      FutureTask<Void> spinner = start(() -> {
        try (Context c = guest.platform.newContext()) {
          set(c, guest.spin, 0, 0);
          c.interrupt();
          assertEquals(StopReason.INTERRUPTED, c.switchTo(space));
          shared[0] = c;
          ready.countDown();
          assertEquals(StopReason.INTERRUPTED, c.switchTo(space));
          assertEquals(guest.spin, c.registers().rip());
          c.leave();
        }
      });
      ready.await();
      while (!((KvmContext) shared[0]).isInApplication()) {
        Thread.onSpinWait();
      }
      shared[0].interrupt();
      spinner.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void anotherThreadsUnmapHasTakenEffectWhenItReturns() throws Exception {
    try (AddressSpace space = guest.newSpace()) {
      Context[] shared = new Context[1];
      CountDownLatch running = new CountDownLatch(1);
      FutureTask<Void> writer = start(() -> {
        try (Context c = guest.platform.newContext()) {
          set(c, guest.storeLoop, Guest.DATA, Long.MAX_VALUE);
          shared[0] = c;
          running.countDown();
          int faults = 0;
          while (faults < 50) {
            StopReason why = c.switchTo(space);
            if (why == StopReason.FAULT) {
              faults++;
              assertEquals(Guest.DATA, c.faultAddress());
              space.map(Guest.DATA, 4096, Guest.DATA_OFFSET, Guest.READ_WRITE, false);
            }
          }
          c.leave();
        }
      });
      running.await();
      while (!writer.isDone()) {
        space.unmap(Guest.DATA, 4096);
        long before = guest.data(0);
        // Nobody maps it again here: only the writer's own fault does, and that takes a while.
        if (!((KvmContext) shared[0]).isInApplication()) {
          assertTrue(guest.data(0) >= before);
        }
        Thread.yield();
      }
      writer.get();
      space.unmap(Guest.DATA, 4096);
    }
  }

  @Test
  void threadsShareASpaceAndNarrowingReachesAll() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context first = guest.platform.newContext()) {
      set(first, guest.getppidLoop, 0, 0);
      assertEquals(StopReason.SYSCALL, first.switchTo(space));
      int count = 4;
      CountDownLatch running = new CountDownLatch(count);
      CountDownLatch narrowed = new CountDownLatch(1);
      @SuppressWarnings({"unchecked", "rawtypes"})
      FutureTask<Void>[] tasks = new FutureTask[count];
      for (int i = 0; i < count; i++) {
        space.reserveThread();
        long at = 8L * i;
        tasks[i] = start(() -> {
          try (Context c = guest.platform.newContext()) {
            set(c, guest.storeLoop, Guest.DATA + at, 10);
            assertEquals(StopReason.SYSCALL, c.switchTo(space));
            running.countDown();
            set(c, guest.storeLoop, Guest.DATA + at, Long.MAX_VALUE);
            StopReason why;
            do {
              why = c.switchTo(space);
            } while (why == StopReason.INTERRUPTED);
            assertEquals(StopReason.FAULT, why);
            assertEquals(AccessType.WRITE, c.faultAccess());
            narrowed.await();
            c.leave();
          }
        });
      }
      running.await();
      space.protect(Guest.DATA, 4096, AccessType.READ);
      long[] seen = {guest.data(0), guest.data(8), guest.data(16), guest.data(24)};
      for (int i = 0; i < 1000; i++) {
        Thread.onSpinWait();
      }
      assertArrayEquals(seen, new long[] {guest.data(0), guest.data(8), guest.data(16), guest.data(24)});
      narrowed.countDown();
      for (FutureTask<Void> t : tasks) {
        t.get(20, TimeUnit.SECONDS);
      }
      first.leave();
    }
  }

  @Test
  void extendedStateMovesBetweenSpacesAndIsCheckedWhenLoaded() throws Exception {
    try (AddressSpace a = guest.newSpace(); AddressSpace b = guest.newSpace();
        Context c = guest.platform.newContext()) {
      set(c, guest.getppidLoop, 0, 0);
      c.switchTo(a);
      MemorySegment state = Arena.ofAuto().allocate(c.fpuSize(), 64);
      c.saveFpu(state);
      state.set(java.lang.foreign.ValueLayout.JAVA_LONG, 160, 0x1122334455667788L); // xmm0
      state.set(java.lang.foreign.ValueLayout.JAVA_LONG, 512, 3);
      c.loadFpu(state);
      c.switchTo(a);
      c.switchTo(b);
      MemorySegment back = MemorySegment.ofArray(new long[(c.fpuSize() + 7) / 8]);
      c.saveFpu(back);
      assertEquals(0x1122334455667788L, back.get(java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED, 160));
      state.set(java.lang.foreign.ValueLayout.JAVA_INT, 24, -1);
      ErrnoException e = assertThrows(ErrnoException.class, () -> c.loadFpu(state));
      assertEquals(Errno.EINVAL, e.errno());
      c.resetFpu();
      c.switchTo(b);
      c.saveFpu(back);
      assertEquals(0, back.get(java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED, 160));
      c.leave();
    }
  }

  @Test
  void theLegacyVsyscallPageTellsTheTimeOrFaults() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      set(c, 0xffff_ffff_ff60_0400L, 0, 0); // time()
      guest.setData(64, guest.getppidLoop);
      c.registers().set(Registers.RSP, Guest.DATA + 64);
      c.registers().set(Registers.RDI, 0);
      StopReason why = c.switchTo(space);
      if (why == StopReason.SYSCALL) {
        assertEquals(110, c.registers().rax());
      } else {
        assertEquals(StopReason.FAULT, why); // vsyscall=none
        assertEquals(AccessType.EXEC, c.faultAccess());
      }
      c.leave();
    }
  }

  @Test
  void manySpacesComeAndGoWithoutLeavingAnything() throws Exception {
    int files = new java.io.File("/proc/self/fd").list().length;
    for (int i = 0; i < 1000; i++) {
      start(() -> {
        AddressSpace one = guest.newSpace();
        AddressSpace two = guest.newSpace();
        try (Context c = guest.platform.newContext()) {
          set(c, guest.storeLoop, Guest.DATA, 1);
          assertEquals(StopReason.SYSCALL, c.switchTo(one));
          c.leave();
          one.close();
          set(c, guest.storeLoop, Guest.DATA, 1);
          assertEquals(StopReason.SYSCALL, c.switchTo(two)); // as after an exec
          c.leave();
          two.close();
        }
      }).get(20, TimeUnit.SECONDS);
    }
    assertEquals(2000, guest.data(0));
    assertEquals(files, new java.io.File("/proc/self/fd").list().length);
  }

  private StopReason runRaw(Context c, AddressSpace space, int... code) throws ErrnoException {
    guest.raw(code);
    set(c, Guest.RAW, Guest.DATA, 0);
    c.registers().set(Registers.RSP, Guest.DATA + 2048);
    return c.switchTo(space);
  }

  private void assertSignal(Context c, AddressSpace space, int signal, int signalCode, int... code) throws Exception {
    assertEquals(StopReason.SIGNAL, runRaw(c, space, code));
    assertEquals(signal, c.signal());
    assertEquals(signalCode, c.signalCode());
  }

  @Test
  void whatIsNotForApplicationsRaisesWhatLinuxRaises() throws Exception {
    int kernel = 0x80;
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      assertSignal(c, space, 11, kernel, 0xf4); // hlt
      assertSignal(c, space, 11, kernel, 0xfa); // cli
      assertSignal(c, space, 11, kernel, 0xe6, 0x80); // out
      assertSignal(c, space, 11, kernel, 0xe4, 0x80); // in
      assertSignal(c, space, 11, kernel, 0x0f, 0x30); // wrmsr
      assertSignal(c, space, 11, kernel, 0x0f, 0x32); // rdmsr
      assertSignal(c, space, 11, kernel, 0x0f, 0x22, 0xd8); // mov cr3, rax
      assertSignal(c, space, 11, kernel, 0x0f, 0x20, 0xd8); // mov rax, cr3
      assertSignal(c, space, 11, kernel, 0x0f, 0x01, 0x13); // lgdt [rbx]
      assertSignal(c, space, 11, kernel, 0x0f, 0x09); // wbinvd
      assertSignal(c, space, 11, kernel, 0xcd, 0x80); // int 0x80
      assertSignal(c, space, 11, kernel, 0xcd, 0x0e); // int 14
      assertSignal(c, space, 4, 2, 0x0f, 0x01, 0xc8); // monitor
      assertSignal(c, space, 4, 2, 0x0f, 0x0b); // ud2
      assertEquals(Guest.RAW, c.signalAddress());
      assertSignal(c, space, 5, kernel, 0xcc);
      assertEquals(Guest.RAW + 1, c.registers().rip());
      assertEquals(StopReason.SYSCALL, runRaw(c, space, 0x90));
      // Stack at an address that is none: bus error, as Linux has it.
      assertSignal(c, space, 7, kernel, 0x48, 0xbc, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x50); // mov rsp, 1 << 63; push rax
      // ldmxcsr with the zero-divide exception unmasked; 1.0 / 0.0.
      guest.setData(0, 0x1d80);
      assertSignal(c, space, 8, 3, 0x0f, 0xae, 0x13, 0x31, 0xc0, 0xff, 0xc0, 0xf3, 0x0f, 0x2a, 0xc0, 0x0f, 0x57, 0xc9,
          0xf3, 0x0f, 0x5e, 0xc1);
      c.resetFpu();
      // The trap flag: one instruction.
      guest.raw(0x90, 0x90);
      set(c, Guest.RAW, 0, 0);
      c.registers().set(Registers.RFLAGS, 0x302);
      assertEquals(StopReason.SIGNAL, c.switchTo(space));
      assertEquals(5, c.signal());
      assertEquals(2, c.signalCode());
      assertEquals(Guest.RAW + 1, c.registers().rip());
      c.leave();
    }
  }

  @Test
  void ringZeroIsOutOfReach() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      long[] places = {Ring0.SYSCALL_ENTRY, Ring0.HANDLERS, Ring0.IDT, Ring0.GDT, Ring0.PROCESSORS, -4096};
      for (long place : places) {
        set(c, place, 0, 0);
        assertEquals(StopReason.FAULT, c.switchTo(space));
        assertEquals(AccessType.EXEC, c.faultAccess());
        assertEquals(place, c.registers().rip());
        set(c, guest.loadOnce, place, 0);
        assertEquals(StopReason.FAULT, c.switchTo(space));
        assertEquals(place, c.faultAddress());
        set(c, guest.storeLoop, place, 1);
        assertEquals(StopReason.FAULT, c.switchTo(space));
      }
      c.registers().set(Registers.RFLAGS, 0x3202); // an I/O privilege level nobody has
      assertSignal(c, space, 11, 0x80, 0xe6, 0x80);
      c.leave();
    }
  }

  @Test
  void anotherPageShowsAtOnceWhereOneWas() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      for (int i = 0; i < 200; i++) {
        long offset = (long) (i % 7 + 2) << 20;
        guest.memory.memory().set(java.lang.foreign.ValueLayout.JAVA_LONG, offset, i);
        space.map(0x70_0000, 4096, offset, AccessType.READ, false);
        set(c, guest.loadOnce, 0x70_0000, 0);
        assertEquals(StopReason.SYSCALL, c.switchTo(space));
        assertEquals(i, c.registers().get(Registers.RDX));
        set(c, guest.storeLoop, 0x70_0000, 1);
        assertEquals(StopReason.FAULT, c.switchTo(space));
        space.protect(0x70_0000, 4096, Guest.READ_WRITE);
        assertEquals(StopReason.SYSCALL, c.switchTo(space));
        assertEquals(i + 1, guest.memory.memory().get(java.lang.foreign.ValueLayout.JAVA_LONG, offset));
      }
      c.leave();
    }
  }

  @Test
  void manyScatteredPagesGoAtOnce() throws Exception {
    int pages = 1000;
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      for (int round = 0; round < 3; round++) {
        for (int i = 0; i < pages; i++) {
          space.map(0x1000_0000 + i * 4096L, 4096, (1L << 30) + i * 8192L, Guest.READ_WRITE, false);
          if (i % 3 == 0) {
            set(c, guest.storeLoop, 0x1000_0000 + i * 4096L, 1);
            assertEquals(StopReason.SYSCALL, c.switchTo(space));
          }
        }
        space.unmap(0x1000_0000, pages * 4096L);
        for (int i = 0; i < pages; i += 33) {
          set(c, guest.loadOnce, 0x1000_0000 + i * 4096L, 0);
          assertEquals(StopReason.FAULT, c.switchTo(space));
        }
      }
      space.unmap(guest.platform.minUserAddress(), guest.platform.maxUserAddress() - guest.platform.minUserAddress());
      set(c, guest.getppidLoop, 0, 0);
      assertEquals(StopReason.FAULT, c.switchTo(space));
      c.leave();
    }
  }

  @Test
  void tablesOfDeadSpacesAreUsedAgainSafely() throws Exception {
    long value = 0;
    try (Context c = guest.platform.newContext()) {
      for (int i = 0; i < 3000; i++) {
        try (AddressSpace space = guest.platform.newAddressSpace()) {
          space.map(Guest.CODE, 4096, 0, Guest.READ_EXEC, false);
          long offset = (long) (i % 13 + 2) << 20;
          guest.memory.memory().set(java.lang.foreign.ValueLayout.JAVA_LONG, offset, ++value);
          long at = 0x70_0000 + (long) (i % 5) * 4096;
          space.map(at, 4096, offset, AccessType.READ, false);
          set(c, guest.loadOnce, at, 0);
          assertEquals(StopReason.SYSCALL, c.switchTo(space));
          assertEquals(value, c.registers().get(Registers.RDX));
          c.registers().set(RBX, at + 4096);
          assertEquals(StopReason.FAULT, c.switchTo(space));
          c.leave();
        }
      }
    }
  }

  @Test
  void moreTasksThanProcessorsKeepTheirRegisters() throws Exception {
    guest.close();
    guest = new Guest(2);
    int count = 6;
    @SuppressWarnings({"unchecked", "rawtypes"})
    FutureTask<Void>[] tasks = new FutureTask[count];
    // movq xmm7, rbx, so that each has something of its own in the extended state
    guest.raw(0x66, 0x48, 0x0f, 0x6e, 0xfb);
    try (AddressSpace space = guest.newSpace()) {
      for (int i = 0; i < count; i++) {
        long mine = 1000 + i;
        tasks[i] = start(() -> {
          try (Context c = guest.platform.newContext()) {
            set(c, Guest.RAW, mine, 0);
            while (c.switchTo(space) != StopReason.SYSCALL) {
              Thread.onSpinWait();
            }
            set(c, guest.getppidLoop, mine, 0);
            MemorySegment state = Arena.ofAuto().allocate(c.fpuSize(), 64);
            for (int round = 0; round < 100; round++) {
              while (c.switchTo(space) != StopReason.SYSCALL) {
                Thread.onSpinWait();
              }
              c.saveFpu(state);
              assertEquals(mine, state.get(java.lang.foreign.ValueLayout.JAVA_LONG, 160 + 7 * 16));
              assertEquals(mine, c.registers().get(RBX));
            }
            c.leave();
          }
        });
      }
      for (FutureTask<Void> t : tasks) {
        t.get(30, TimeUnit.SECONDS);
      }
    }
  }

  /** One context in one of the ways that a task ends. */
  private void endAs(int kind) throws Exception {
    Context[] shared = new Context[1];
    FutureTask<Void> task = start(() -> {
      try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
        switch (kind) {
          case 0 -> { } // never ran
          case 1 -> {
            set(c, guest.getppidLoop, 0, 0);
            assertEquals(StopReason.SYSCALL, c.switchTo(space));
          }
          case 2 -> {
            set(c, guest.loadOnce, 0x10_0000, 0);
            assertEquals(StopReason.FAULT, c.switchTo(space));
          }
          case 3 -> {
            set(c, guest.divide, 0, 0);
            assertEquals(StopReason.SIGNAL, c.switchTo(space));
          }
          default -> {
            set(c, guest.spin, 0, 0);
            shared[0] = c;
            assertEquals(StopReason.INTERRUPTED, c.switchTo(space));
          }
        }
        c.leave();
      }
    });
    while (!task.isDone()) {
      Context spinning = shared[0];
      if (spinning != null && ((KvmContext) spinning).isInApplication()) {
        spinning.interrupt();
      }
      Thread.onSpinWait();
    }
    task.get();
  }

  @Test
  void noProcessorIsLeftWithATaskThatEnded() throws Exception {
    Processors processors = ((KvmPlatform) guest.platform).processors();
    for (int i = 0; i < 1000; i++) {
      endAs(i % 5);
    }
    assertTrue(processors.count() <= 2, () -> processors.count() + " processors for one task at a time");
    assertEquals(processors.count(), processors.freeCount());
  }

  @Test
  void interruptsInAStormLoseNothing() throws Exception {
    try (AddressSpace space = guest.newSpace()) {
      Context[] shared = new Context[1];
      CountDownLatch ready = new CountDownLatch(1);
      FutureTask<Void> worker = start(() -> {
        try (Context c = guest.platform.newContext()) {
          set(c, guest.storeLoop, Guest.DATA, 1);
          shared[0] = c;
          ready.countDown();
          for (int i = 1; i <= 2000; i++) {
            if (i % 5 == 0) {
              space.unmap(Guest.DATA, 4096);
            }
            StopReason why = c.switchTo(space);
            while (why != StopReason.SYSCALL) {
              if (why == StopReason.FAULT) {
                assertEquals(Guest.DATA, c.faultAddress());
                space.map(Guest.DATA, 4096, Guest.DATA_OFFSET, Guest.READ_WRITE, false);
              } else {
                assertEquals(StopReason.INTERRUPTED, why);
              }
              why = c.switchTo(space);
            }
            assertEquals(110, c.registers().rax());
            assertEquals(i, guest.data(0));
            set(c, guest.storeLoop, Guest.DATA, 1);
          }
          c.leave();
        }
      });
      ready.await();
      while (!worker.isDone()) {
        shared[0].interrupt();
        Thread.onSpinWait();
      }
      worker.get();
    }
  }

  @Test
  void segmentBasesThatTheApplicationSetsAreSeenAndKept() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      c.registers().set(Registers.GS_BASE, 0x1234_5000);
      StopReason why = runRaw(c, space, 0xf3, 0x48, 0x0f, 0xae, 0xd3); // wrfsbase rbx
      if (why == StopReason.SIGNAL) {
        assertEquals(4, c.signal()); // a processor without
        return;
      }
      assertEquals(Guest.DATA, c.registers().get(Registers.FS_BASE));
      assertEquals(0x1234_5000, c.registers().get(Registers.GS_BASE));
      guest.setData(8, 99);
      assertEquals(StopReason.SYSCALL, runRaw(c, space, 0x64, 0x48, 0x8b, 0x14, 0x25, 8, 0, 0, 0)); // mov rdx, fs:[8]
      assertEquals(99, c.registers().get(Registers.RDX));
      c.leave();
    }
  }

  @Test
  void theTimestampCounterIsTheHosts() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      assertEquals(StopReason.SYSCALL, runRaw(c, space, 0x0f, 0x31));
      long first = c.registers().rax() & 0xffff_ffffL | c.registers().get(Registers.RDX) << 32;
      try (Context other = guest.platform.newContext()) {
        assertEquals(StopReason.SYSCALL, runRaw(other, space, 0x0f, 0x31));
        long second = other.registers().rax() & 0xffff_ffffL | other.registers().get(Registers.RDX) << 32;
        assertTrue(second > first && second - first < 10_000_000_000L, first + ", " + second);
        other.leave();
      }
      c.leave();
    }
  }
}
