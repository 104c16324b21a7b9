package gvisor.sentry.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.platform.Registers;
import gvisor.api.platform.StopReason;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.fs.tmpfs.TmpfsType;
import gvisor.sentry.mm.ExtentAllocator;
import gvisor.sentry.mm.MemoryCgroup;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.MmLimits;
import gvisor.sentry.syscall.SyscallTable;
import gvisor.sentry.syscall.linux.Amd64;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.KernelCaller;
import gvisor.sentry.vfs.MountNamespace;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RunLoopTest {
  private static final int OURS = 500;
  private static final int UNKNOWN = 511;
  private static final long DEADLINE_MILLIS = 10_000;

  private final ScriptedMachine machine = new ScriptedMachine();
  private final SyscallTable table = new SyscallTable();
  private Kernel kernel;
  private ExtentAllocator pages;

  @BeforeEach
  void boot() {
    Amd64.fill(table);
    pages = new ExtentAllocator(machine, 0);
    kernel = new Kernel(machine, pages, machine, table, null);
  }

  @AfterEach
  void shutdown() {
    kernel.shutdown(DEADLINE_MILLIS);
  }

  /** Runs the script as the first process of a namespace; its wait status. */
  private int run() throws Exception {
    Task t = start();
    assertTrue(TaskStart.awaitEnd(t.group, DEADLINE_MILLIS), "the process did not end");
    return t.group.exitStatus();
  }

  private Task start() throws Exception {
    TmpfsType tmpfs = new TmpfsType("tmpfs", pages, kernel.deviceNumbers(), machine.memoryBytes());
    MountNamespace mounts =
        kernel.vfs().namespace(tmpfs.mount(new KernelCaller(null, machine.clock()), "none", "mode=755"), "none", 0);
    PidNamespace pids = TaskStart.newPidNamespace(kernel);
    TaskStart.Spaces spaces = new TaskStart.Spaces(pids, new UtsNamespace(kernel, "host", "(none)"),
        new IpcNamespace(kernel), new NetNamespace(kernel));
    Task t = TaskStart.create(kernel, new Container("c", new MemoryCgroup(pages), 1), spaces, Credentials.root(-1L),
        new FsContext(mounts.root(), mounts.root(), 022), new FdTable(), new Rlimits());
    t.setMm(new MemoryManager(machine, pages, machine, MmLimits.DEFAULT));
    t.initialRegisters = new long[Registers.COUNT];
    TaskStart.start(t);
    return t;
  }

  @Test
  void exitCodeReachesWhoWaits() throws Exception {
    machine.call(231, 42);
    assertEquals(42 << 8, run());
  }

  @Test
  void unknownCallGivesEnosysAndIsCounted() throws Exception {
    AtomicLong result = new AtomicLong();
    machine.call(UNKNOWN, 0).step((regs, c) -> {
      result.set(regs.rax());
      regs.set(Registers.RDI, 0);
      regs.rax(231);
      return StopReason.SYSCALL;
    });
    assertEquals(0, run());
    assertEquals(-Errno.ENOSYS.number(), result.get());
    assertEquals(1, kernel.unknownCalls().of(UNKNOWN));
    assertEquals("exit_group", kernel.madeCalls().summary());
  }

  @Test
  void aHandlerThatFailsKillsItsProcessAndNothingElse() throws Exception {
    table.full(OURS, "boom", (t, a) -> {
      throw new IllegalStateException("on purpose");
    });
    machine.call(OURS, 0);
    assertEquals(Signal.SIGKILL, run());
    machine.call(231, 3);
    assertEquals(3 << 8, run());
  }

  @Test
  void aHandlerThatOverflowsTheStackKillsItsProcess() throws Exception {
    table.full(OURS, "deep", (t, a) -> deep(1));
    machine.call(OURS, 0);
    assertEquals(Signal.SIGKILL, run());
  }

  private static long deep(long n) {
    return deep(n + 1) + n;
  }

  @Test
  void aCallToBeRestartedIsMadeAgainAtTheSameInstruction() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    table.full(OURS, "again", (t, a) -> calls.incrementAndGet() == 1 ? Restart.ERESTARTSYS : 5);
    AtomicLong rip = new AtomicLong();
    machine.call(OURS, 0).step((regs, c) -> {
      rip.set(regs.rip());
      assertEquals(OURS, regs.rax());
      regs.set(Registers.RIP, regs.rip() + 2);
      return StopReason.SYSCALL;
    }).step((regs, c) -> {
      regs.set(Registers.RDI, regs.rax());
      regs.rax(231);
      return StopReason.SYSCALL;
    });
    assertEquals(5 << 8, run());
    assertEquals(2, calls.get());
    assertEquals(0, rip.get());
  }

  @Test
  void aFaultWithoutAMappingIsSigsegv() throws Exception {
    machine.step((regs, c) -> {
      c.faultAddress = 0x123456;
      return StopReason.FAULT;
    });
    assertEquals(Signal.SIGSEGV, run() & 0x7f);
  }

  @Test
  void aTaskThatIsBlockedIsKilledFromOutside() throws Exception {
    machine.call(34, 0);
    Task t = start();
    assertFalse(TaskStart.awaitEnd(t.group, 50));
    TaskStart.signal(t.group, Signal.SIGTERM);
    assertFalse(TaskStart.awaitEnd(t.group, 50), "the first process has no default actions");
    TaskStart.signal(t.group, Signal.SIGKILL);
    assertTrue(TaskStart.awaitEnd(t.group, DEADLINE_MILLIS));
    assertEquals(Signal.SIGKILL, t.group.exitStatus());
  }

  @Test
  void aPausedContainerRunsOnWhenItIsResumed() throws Exception {
    AtomicInteger steps = new AtomicInteger();
    for (int i = 0; i < 3; i++) {
      machine.call(39, 0).step((regs, c) -> {
        steps.getAndIncrement();
        return StopReason.INTERRUPTED;
      });
    }
    table.full(OURS, "pause", (t, a) -> {
      TaskStart.setPaused(kernel, t.threadGroup().container(), true);
      return 0;
    });
    machine.call(OURS, 0);
    Task t = start();
    assertFalse(TaskStart.awaitEnd(t.group, 100));
    assertEquals(3, steps.get());
    TaskStart.setPaused(kernel, t.group.container(), false);
    assertTrue(TaskStart.awaitEnd(t.group, DEADLINE_MILLIS));
    assertEquals(0, t.group.exitStatus());
  }
}
