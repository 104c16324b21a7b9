package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Registers;
import gvisor.api.platform.StopReason;
import gvisor.host.MemFd;
import gvisor.host.asm.Assembler;
import gvisor.host.asm.Reg;
import gvisor.host.kvm.Kvm;
import gvisor.host.kvm.KvmProcessor;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Finds out whether this host's KVM does what the platform needs, by running a small program: a system call, a fault, a
 * page that is taken away, and a loop that is interrupted.
 *
 * @param reason null if all of it works, else one line that says what does not
 * @param findings what was seen, in one line
 * @param roundTripNanos the least time that KVM took to get to application code and back
 */
record Probe(String reason, String findings, long roundTripNanos) {
  private static final long CODE = 0x40_0000, DATA = 0x60_0000;
  private static final long DATA_OFFSET = 64 << 10;
  private static final long MEMORY = 1 << 20;
  private static final int TIMEOUT_SECONDS = 5;
  private static final int NUMBER = 110;
  private static final int ROUND_TRIPS = 32;

  /** What ptrace does not reach: it takes two switches between processes. */
  private static final long FAST_NANOS = 8_000;

  private static final String[] MODULES = {"/sys/module/kvm_intel", "/sys/module/kvm_amd"};

  /** Runs it, once, in a machine of its own. */
  static Probe run() {
    if (!System.getProperty("os.arch").equals("amd64")) {
      return failed("the kvm platform needs an x86-64 processor, not " + System.getProperty("os.arch"));
    }
    String missing = missing();
    if (missing != null) {
      return failed(missing);
    }
    try (MemFd memory = MemFd.create("probe", MEMORY)) {
      KvmPlatform platform = new KvmPlatform(memory, 1);
      FutureTask<Probe> task = new FutureTask<>(() -> program(platform, memory));
      Thread thread = Thread.ofPlatform().name("kvm-probe").daemon().start(task);
      try {
        Probe result = task.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        thread.join();
        return result;
      } catch (TimeoutException e) {
        return failed("KVM of this host does not come back from a small program");
      } catch (ExecutionException e) {
        return failed("KVM of this host fails: " + e.getCause());
      } finally {
        platform.close();
      }
    } catch (ErrnoException | IOException e) {
      return failed(e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return failed("interrupted while KVM was tried");
    }
  }

  private static Probe failed(String reason) {
    return new Probe(reason, "", Long.MAX_VALUE);
  }

  /** Whether KVM answers sooner here than ptrace could. */
  boolean isFast() {
    return roundTripNanos <= FAST_NANOS;
  }

  /** Whether KVM uses the processor's own virtualisation, going by which module is there. Costs next to nothing. */
  static boolean usesProcessor() {
    for (String module : MODULES) {
      if (new File(module).exists()) {
        return true;
      }
    }
    return false;
  }

  private static String missing() {
    try (Kvm kvm = Kvm.open()) {
      if (kvm.apiVersion() != Kvm.API_VERSION) {
        return Kvm.DEVICE + " speaks version " + kvm.apiVersion() + " of its interface, not " + Kvm.API_VERSION;
      }
      int all = (int) (KvmProcessor.SYNC_REGS | KvmProcessor.SYNC_SREGS | KvmProcessor.SYNC_EVENTS);
      if ((kvm.capability(Kvm.CAP_SYNC_REGS) & all) != all || kvm.capability(Kvm.CAP_USER_MEMORY) == 0
          || kvm.capability(Kvm.CAP_XSAVE) == 0 || kvm.capability(Kvm.CAP_XCRS) == 0) {
        return "KVM of this host is too old: it lacks synced registers or XSAVE";
      }
      return null;
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENODEV || e.errno() == Errno.ENXIO) {
        return "this host has no " + Kvm.DEVICE + ": load kvm-intel or kvm-amd";
      }
      if (e.errno() == Errno.EACCES || e.errno() == Errno.EPERM) {
        return "no permission to open " + Kvm.DEVICE + ": run as root or join its group";
      }
      return "cannot open " + Kvm.DEVICE + ": " + e.getMessage();
    }
  }

  private static Probe program(KvmPlatform platform, MemFd memory) throws ErrnoException {
    Assembler a = new Assembler();
    long call = CODE + a.here().offset();
    a.mov(Reg.RAX, NUMBER);
    a.syscall();
    long load = CODE + a.here().offset();
    a.load(Reg.RDX, Reg.RBX, 0);
    a.mov(Reg.RAX, NUMBER);
    a.syscall();
    long spin = CODE + a.here().offset();
    Assembler.Label here = a.here();
    a.jump(here);
    byte[] code = a.toBytes();
    MemorySegment.copy(code, 0, memory.memory(), JAVA_BYTE, 0, code.length);
    try (AddressSpace space = platform.newAddressSpace(); Context c = platform.newContext()) {
      space.map(CODE, TableMemory.PAGE, 0, AccessType.READ | AccessType.EXEC, false);
      space.map(DATA, TableMemory.PAGE, DATA_OFFSET, AccessType.READ | AccessType.WRITE, false);
      Registers r = c.registers();
      r.set(Registers.RIP, call);
      r.set(Registers.RBX, DATA);
      if (c.switchTo(space) != StopReason.SYSCALL || r.rax() != NUMBER || r.rip() != load) {
        return failed("a system call does not arrive under KVM of this host");
      }
      boolean asFault = ((KvmContext) c).callArrivedAsFault();
      if (c.switchTo(space) != StopReason.SYSCALL) {
        return failed("application memory is not reached under KVM of this host");
      }
      space.unmap(DATA, TableMemory.PAGE);
      r.set(Registers.RIP, load);
      if (c.switchTo(space) != StopReason.FAULT || c.faultAddress() != DATA || r.rip() != load) {
        return failed("a page fault does not arrive under KVM of this host");
      }
      r.set(Registers.RIP, spin);
      Thread interrupter = Thread.ofPlatform().daemon().start(() -> {
        while ((((KvmContext) c).turn() & 1) == 0) {
          Thread.onSpinWait();
        }
        c.interrupt();
      });
      StopReason why = c.switchTo(space);
      interrupter.interrupt();
      c.leave();
      if (why != StopReason.INTERRUPTED || r.rip() != spin) {
        return failed("a running program cannot be interrupted under KVM of this host");
      }
      r.set(Registers.RIP, call);
      long nanos = ((KvmContext) c).leastRoundTripNanos(space, ROUND_TRIPS);
      c.leave();
      return new Probe(null, "system calls arrive " + (asFault ? "as faults on their entry (a software KVM)" : "in ring 0")
          + (platform.hasNestedPaging() ? ", page tables are the processor's" : ", page tables are shadowed")
          + ", a round trip takes " + (nanos + 50) / 100 / 10.0 + " us", nanos);
    }
  }
}
