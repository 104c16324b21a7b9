package gvisor.host.libc;

import static gvisor.host.asm.Reg.R12;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RDI;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.asm.Assembler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Starts processes that work off a {@link Script} in machine code, sharing this process's memory until their script
 * replaces or leaves it: nothing of the JVM is copied, and no Java ever runs in the child.
 */
public final class NewProcess {
  /** Exit code of a child whose script failed; results tell where. */
  public static final int SCRIPT_FAILED = 127;

  private static final long CLONE_VM = 0x100;
  private static final long CLONE_VFORK = 0x4000;
  private static final int STACK_SIZE = 4096;

  private static final MemorySegment RUNNER = Memory.executable(runnerCode());

  private NewProcess() {}

  /**
   * Starts a child on {@code script}, waits until it has called {@code execve} or ended, and returns its pid; it is the
   * caller's to wait for. All signals are blocked in the child until the script unblocks them.
   *
   * @param flags {@code CLONE_*} flags and the exit signal, to which CLONE_VM and CLONE_VFORK are added
   */
  public static int vfork(long flags, Script script) throws ErrnoException {
    return clone(flags | CLONE_VM | CLONE_VFORK, RUNNER.address(), script.address(), script.count());
  }

  /**
   * Starts a child on {@code script} and does not wait; the child runs beside this process, in its memory, until its
   * script calls {@code execve} or ends. Otherwise as {@link #vfork}.
   *
   * @param arena what the child's stack is allocated from; like the script, it has to last until the child is elsewhere
   */
  public static int start(long flags, Script script, Arena arena) throws ErrnoException {
    return clone(flags | CLONE_VM, RUNNER.address(), script.address(), script.count(), arena);
  }

  /**
   * Clones a child that begins at native address {@code entry} with {@code first} and {@code second} on its stack
   * (popped in this order), where {@code flags} hold CLONE_VM and CLONE_VFORK. Its stack is gone when this returns.
   */
  public static int clone(long flags, long entry, long first, long second) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      return clone(flags, entry, first, second, arena);
    }
  }

  private static int clone(long flags, long entry, long first, long second, Arena arena) throws ErrnoException {
    MemorySegment stack = arena.allocate(STACK_SIZE, 16);
    // libc's syscall() returns in the child too, by popping its return address: from this stack.
    long top = STACK_SIZE - 64;
    stack.set(JAVA_LONG, top, entry);
    stack.set(JAVA_LONG, top + 8, first);
    stack.set(JAVA_LONG, top + 16, second);
    // A handler of the JVM must never run in the child.
    MemorySegment all = arena.allocate(8, 8).fill((byte) 0xff);
    MemorySegment before = arena.allocate(8, 8);
    Libc.check(Libc.sigprocmask(Sys.SIG_SETMASK, all.address(), before.address()));
    long pid = Libc.syscall(Sys.NR_CLONE, flags, stack.address() + top, 0, 0, 0, 0);
    Errno errno = pid < 0 ? Libc.errno() : null;
    Libc.sigprocmask(Sys.SIG_SETMASK, before.address(), 0);
    if (errno != null) {
      throw errno.error();
    }
    return (int) pid;
  }

  private static byte[] runnerCode() {
    Assembler a = new Assembler();
    Assembler.Label failed = new Assembler.Label();
    a.pop(RBX);
    a.pop(R12);
    Script.assembleRunner(a, failed, true);
    a.bind(failed);
    a.mov(RDI, SCRIPT_FAILED);
    a.mov(RAX, Sys.NR_EXIT_GROUP);
    a.syscall();
    a.int3();
    return a.toBytes();
  }
}
