package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Platform;
import gvisor.api.platform.PlatformProvider;
import gvisor.host.MemFd;
import gvisor.host.asm.Assembler;
import gvisor.host.asm.Reg;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** A platform with a small program in its memory: what the tests run as an application. */
final class Guest implements AutoCloseable {
  static final long CODE = 0x40_0000;
  static final long DATA = 0x60_0000;
  static final long DATA_OFFSET = 1 << 20;
  static final int READ_EXEC = AccessType.READ | AccessType.EXEC;
  static final int READ_WRITE = AccessType.READ | AccessType.WRITE;

  final MemFd memory;
  final Platform platform;

  /** Entry points. */
  final long getppidLoop;
  final long spin;
  final long storeLoop;
  final long loadOnce;
  final long divide;
  final long trap;

  /** Instructions and what comes of them, for the tests. */
  static final long RAW = CODE + 0x800;

  private static final PlatformProvider PROVIDER = new KvmPlatformProvider();

  Guest() throws ErrnoException, IOException {
    this(Processors.MAX);
  }

  /** With so many processors for all contexts. */
  Guest(int maxProcessors) throws ErrnoException, IOException {
    String reason = PROVIDER.unavailableReason();
    assumeTrue(reason == null, reason);
    memory = MemFd.create("guest", 1L << 34);
    platform = new KvmPlatform(memory, maxProcessors);

    Assembler a = new Assembler();
    getppidLoop = CODE + a.here().offset();
    Assembler.Label again = a.here();
    a.mov(Reg.RAX, 110);
    a.syscall();
    a.jump(again);

    spin = CODE + a.here().offset();
    Assembler.Label here = a.here();
    a.jump(here);

    // Adds 1 to what rbx points to, r12 times, then getppid.
    storeLoop = CODE + a.here().offset();
    Assembler.Label more = a.here();
    a.load(Reg.RCX, Reg.RBX, 0);
    a.add(Reg.RCX, 1);
    a.store(Reg.RBX, 0, Reg.RCX);
    a.sub(Reg.R12, 1);
    a.jump(Assembler.Condition.NOT_EQUAL, more);
    a.mov(Reg.RAX, 110);
    a.syscall();
    a.jump(more);

    // Loads rdx from where rbx points, then getppid.
    loadOnce = CODE + a.here().offset();
    Assembler.Label load = a.here();
    a.load(Reg.RDX, Reg.RBX, 0);
    a.mov(Reg.RAX, 110);
    a.syscall();
    a.jump(load);

    divide = CODE + a.here().offset();
    byte[] head = a.toBytes();
    byte[] tail = {0x31, (byte) 0xc9, 0x48, (byte) 0xf7, (byte) 0xf1, (byte) 0xcc}; // xor ecx, ecx; div rcx; int3
    trap = divide + tail.length - 1;
    MemorySegment.copy(head, 0, memory.memory(), JAVA_BYTE, 0, head.length);
    MemorySegment.copy(tail, 0, memory.memory(), JAVA_BYTE, head.length, tail.length);
  }

  /** A space with the program and one page of data. */
  AddressSpace newSpace() throws ErrnoException {
    AddressSpace space = platform.newAddressSpace();
    space.map(CODE, 4096, 0, READ_EXEC, false);
    space.map(DATA, 4096, DATA_OFFSET, READ_WRITE, false);
    return space;
  }

  /** Puts {@code code} at {@link #RAW}, and a system call behind it. */
  void raw(int... code) {
    for (int i = 0; i < code.length; i++) {
      memory.memory().set(JAVA_BYTE, RAW - CODE + i, (byte) code[i]);
    }
    memory.memory().set(JAVA_BYTE, RAW - CODE + code.length, (byte) 0x0f);
    memory.memory().set(JAVA_BYTE, RAW - CODE + code.length + 1, (byte) 0x05);
  }

  long data(long offset) {
    return memory.memory().get(JAVA_LONG, DATA_OFFSET + offset);
  }

  void setData(long offset, long value) {
    memory.memory().set(JAVA_LONG, DATA_OFFSET + offset, value);
  }

  @Override
  public void close() {
    platform.close();
    memory.close();
  }
}
