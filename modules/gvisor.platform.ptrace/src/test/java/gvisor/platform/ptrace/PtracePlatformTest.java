package gvisor.platform.ptrace;

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
class PtracePlatformTest {
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
      set(c, guest.storeLoop, StubCode.ADDRESS, 1);
      assertEquals(StopReason.FAULT, c.switchTo(space));
      assertEquals(StubCode.ADDRESS, c.faultAddress());
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
      while (!((PtraceContext) shared[0]).isInApplication()) {
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
        if (!((PtraceContext) shared[0]).isInApplication()) {
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
  void threadsThatComeAgainFindTheirStubThread() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context first = guest.platform.newContext()) {
      set(first, guest.getppidLoop, 0, 0);
      first.switchTo(space);
      java.util.concurrent.ExecutorService worker = java.util.concurrent.Executors.newSingleThreadExecutor();
      Context again = worker.submit(() -> guest.platform.newContext()).get();
      long pid = ((PtraceContext) first).tid();
      for (int i = 0; i < 50; i++) {
        space.reserveThread();
        worker.submit(() -> {
          set(again, guest.getppidLoop, 0, 0);
          assertEquals(StopReason.SYSCALL, again.switchTo(space));
          again.leave();
          return null;
        }).get();
      }
      int threads = new java.io.File("/proc/" + pid + "/task").list().length;
      assertTrue(threads <= 3, "threads: " + threads);
      worker.submit(again::close).get();
      worker.shutdown();
      first.leave();
    }
  }

  @Test
  void aKilledStubIsReportedAndAnotherOneWorks() throws Exception {
    try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
      set(c, guest.getppidLoop, 0, 0);
      assertEquals(StopReason.SYSCALL, c.switchTo(space));
      long pid = ((PtraceContext) c).tid();
      ProcessHandle.of(pid).orElseThrow().destroyForcibly();
      StopReason why = c.switchTo(space);
      while (why == StopReason.SYSCALL) {
        why = c.switchTo(space);
      }
      assertEquals(StopReason.KILLED, why);
      try (AddressSpace other = guest.newSpace()) {
        set(c, guest.getppidLoop, 0, 0);
        assertEquals(StopReason.SYSCALL, c.switchTo(other));
        c.leave();
      }
    }
  }

  @Test
  void manySpacesComeAndGoWithoutLeavingAnything() throws Exception {
    long before = children();
    int files = new java.io.File("/proc/self/fd").list().length;
    for (int i = 0; i < 300; i++) {
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
    assertEquals(600, guest.data(0));
    assertTrue(children() - before <= 17, "stubs left: " + (children() - before));
    assertEquals(files, new java.io.File("/proc/self/fd").list().length);
    guest.close();
    guest = null;
    assertEquals(0, children());
  }

  private static long children() {
    return ProcessHandle.current().children().count();
  }
}
