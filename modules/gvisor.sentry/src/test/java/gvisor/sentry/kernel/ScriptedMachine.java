package gvisor.sentry.kernel;

import gvisor.api.host.Entropy;
import gvisor.api.host.Host;
import gvisor.api.host.HostClock;
import gvisor.api.mem.MemoryFile;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Platform;
import gvisor.api.platform.Registers;
import gvisor.api.platform.StopReason;
import gvisor.sentry.time.VmClock;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A platform whose application is a list of steps, each of which sees the registers and says why the application stops.
 * When the list is at its end the application calls {@code exit_group(0)}.
 */
final class ScriptedMachine implements Platform, Host, Entropy, MemoryFile {
  /** What the application does between two switches. */
  interface Step {
    StopReason run(Registers registers, ScriptedContext context);
  }

  private static final int EXIT_GROUP = 231;
  private static final int SYSCALL_BYTES = 2;
  private static final long MEMORY_BYTES = 1 << 20;

  private final HostClock clock = new VmClock();
  private final MemorySegment memory = Arena.ofAuto().allocate(MEMORY_BYTES, 4096);
  private final Deque<Step> steps = new ArrayDeque<>();

  /** The application makes call {@code number}. */
  ScriptedMachine call(int number, long argument) {
    return step((regs, c) -> {
      regs.set(Registers.RDI, argument);
      regs.set(Registers.RIP, regs.rip() + SYSCALL_BYTES);
      regs.rax(number);
      return StopReason.SYSCALL;
    });
  }

  synchronized ScriptedMachine step(Step step) {
    steps.addLast(step);
    return this;
  }

  private synchronized Step next() {
    Step s = steps.pollFirst();
    return s != null ? s : (regs, c) -> {
      regs.set(Registers.RDI, 0);
      regs.rax(EXIT_GROUP);
      return StopReason.SYSCALL;
    };
  }

  /** The processor of one thread. */
  final class ScriptedContext implements Context {
    private final Registers registers;
    long faultAddress;
    volatile boolean interrupted;

    ScriptedContext() {
      int[] offsets = new int[Registers.COUNT];
      for (int i = 0; i < offsets.length; i++) {
        offsets[i] = 8 * i;
      }
      registers = new Registers(MemorySegment.ofArray(new long[Registers.COUNT]), offsets);
    }

    @Override
    public Registers registers() {
      return registers;
    }

    @Override
    public StopReason switchTo(AddressSpace space) {
      if (interrupted) {
        interrupted = false;
        return StopReason.INTERRUPTED;
      }
      return next().run(registers, this);
    }

    @Override
    public long faultAddress() {
      return faultAddress;
    }

    @Override
    public int faultAccess() {
      return 1;
    }

    @Override
    public int signal() {
      return Signal.SIGILL;
    }

    @Override
    public int signalCode() {
      return Signal.ILL_ILLOPN;
    }

    @Override
    public long signalAddress() {
      return 0;
    }

    @Override
    public void interrupt() {
      interrupted = true;
    }

    @Override
    public int fpuSize() {
      return 512;
    }

    @Override
    public void saveFpu(MemorySegment dst) {}

    @Override
    public void loadFpu(MemorySegment src) {}

    @Override
    public void resetFpu() {}

    @Override
    public void leave() {}

    @Override
    public void close() {}
  }

  /** An address space that maps nothing and does not mind. */
  private static final class NoSpace implements AddressSpace {
    @Override
    public void map(long addr, long length, long fileOffset, int access, boolean populate) {}

    @Override
    public void protect(long addr, long length, int access) {}

    @Override
    public void unmap(long addr, long length) {}

    @Override
    public void reserveThread() {}

    @Override
    public void close() {}
  }

  @Override
  public String name() {
    return "scripted";
  }

  @Override
  public long minUserAddress() {
    return 0x10000;
  }

  @Override
  public long maxUserAddress() {
    return 0x7fff_ffff_f000L;
  }

  @Override
  public AddressSpace newAddressSpace() {
    return new NoSpace();
  }

  @Override
  public Context newContext() {
    return new ScriptedContext();
  }

  @Override
  public HostClock clock() {
    return clock;
  }

  @Override
  public Entropy entropy() {
    return this;
  }

  @Override
  public int processorCount() {
    return 1;
  }

  @Override
  public long memoryBytes() {
    return MEMORY_BYTES;
  }

  @Override
  public void fill(MemorySegment dst) {
    dst.fill((byte) 7);
  }

  @Override
  public long nextLong() {
    return 7;
  }

  @Override
  public long size() {
    return MEMORY_BYTES;
  }

  @Override
  public MemorySegment memory() {
    return memory;
  }

  @Override
  public void decommit(long offset, long length) {
    memory.asSlice(offset, length).fill((byte) 0);
  }

  @Override
  public long committedBytes() {
    return MEMORY_BYTES;
  }

  @Override
  public long nextData(long offset, long limit) {
    return offset;
  }

  @Override
  public void close() {}
}
