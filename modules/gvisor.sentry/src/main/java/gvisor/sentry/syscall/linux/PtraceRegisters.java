package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EIO;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.Registers;
import gvisor.sentry.arch.SignalFrame;
import gvisor.sentry.kernel.Tracee;
import gvisor.sentry.kernel.Tracing;
import java.lang.foreign.MemorySegment;

/** {@code struct user_regs_struct} ({@code sys/user.h}) of a stopped tracee: 27 words. */
final class PtraceRegisters {
  static final int SIZE = 27 * 8;

  private static final int ORIG_RAX = -1;
  private static final int CS = -2;
  private static final int SS = -3;
  private static final int ZERO = -4;
  private static final long USER_CS = 0x33;
  private static final long USER_SS = 0x2b;

  private static final int[] ORDER = {Registers.R15, Registers.R14, Registers.R13, Registers.R12, Registers.RBP,
    Registers.RBX, Registers.R11, Registers.R10, Registers.R9, Registers.R8, Registers.RAX, Registers.RCX,
    Registers.RDX, Registers.RSI, Registers.RDI, ORIG_RAX, Registers.RIP, CS, Registers.RFLAGS, Registers.RSP, SS,
    Registers.FS_BASE, Registers.GS_BASE, ZERO, ZERO, ZERO, ZERO};

  private PtraceRegisters() {}

  static long get(Tracee tracee, int word) {
    int register = ORDER[word];
    return switch (register) {
      case ORIG_RAX -> Tracing.syscallNumber(tracee);
      case CS -> USER_CS;
      case SS -> USER_SS;
      case ZERO -> 0;
      default -> tracee.task().registers().get(register);
    };
  }

  /** Sets a word; EIO for an address that cannot be the application's. Segments stay as they are. */
  static void set(Tracee tracee, int word, long value) throws ErrnoException {
    int register = ORDER[word];
    Registers regs = tracee.task().registers();
    long end = tracee.task().kernel().platform().maxUserAddress();
    switch (register) {
      case ORIG_RAX -> Tracing.setSyscallNumber(tracee, (int) value);
      case CS, SS, ZERO -> {
        // An application has one code and one stack segment.
      }
      case Registers.RFLAGS -> regs.set(register,
          regs.get(register) & ~SignalFrame.USER_FLAGS | value & SignalFrame.USER_FLAGS);
      case Registers.FS_BASE, Registers.GS_BASE, Registers.RIP -> {
        if (Long.compareUnsigned(value, end) >= 0) {
          throw EIO.error();
        }
        regs.set(register, value);
      }
      default -> regs.set(register, value);
    }
  }

  static void write(Tracee tracee, MemorySegment to, long at) {
    for (int i = 0; i < ORDER.length; i++) {
      to.set(JAVA_LONG_UNALIGNED, at + 8L * i, get(tracee, i));
    }
  }

  static void read(Tracee tracee, MemorySegment from, long at, int length) throws ErrnoException {
    for (int i = 0; i < length / 8; i++) {
      set(tracee, i, from.get(JAVA_LONG_UNALIGNED, at + 8L * i));
    }
  }
}
