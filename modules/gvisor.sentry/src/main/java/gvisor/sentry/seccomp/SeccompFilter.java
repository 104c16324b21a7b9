package gvisor.sentry.seccomp;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;

/**
 * The filters of a task: the one installed last, and those before it. Immutable, shared after fork; installing one more
 * makes a new chain. What every filter allows whatever the arguments is looked up in a bitmap and costs no run.
 */
public final class SeccompFilter {
  public static final int SECCOMP_RET_KILL_PROCESS = 0x80000000;
  public static final int SECCOMP_RET_KILL_THREAD = 0x00000000;
  public static final int SECCOMP_RET_TRAP = 0x00030000;
  public static final int SECCOMP_RET_ERRNO = 0x00050000;
  public static final int SECCOMP_RET_USER_NOTIF = 0x7fc00000;
  public static final int SECCOMP_RET_TRACE = 0x7ff00000;
  public static final int SECCOMP_RET_LOG = 0x7ffc0000;
  public static final int SECCOMP_RET_ALLOW = 0x7fff0000;
  public static final int SECCOMP_RET_ACTION_FULL = 0xffff0000;
  public static final int SECCOMP_RET_DATA = 0x0000ffff;

  /** AUDIT_ARCH_X86_64. */
  public static final int ARCH = 0xc000003e;

  /** BPF_MAXINSNS: instructions of one filter. */
  public static final int MAX_INSTRUCTIONS = BpfProgram.MAX_INSTRUCTIONS;

  /** MAX_INSNS_PER_PATH: instructions of all filters of a task, with four more for each filter. */
  private static final int MAX_TOTAL = 32768;

  private static final int CACHED_CALLS = 512;
  private static final int DATA_WORDS = 16;

  private final BpfProgram program;
  private final SeccompFilter previous;
  private final boolean logs;
  private final int total;
  private final long[] allowed = new long[CACHED_CALLS / 64];

  private SeccompFilter(BpfProgram program, SeccompFilter previous, boolean logs) {
    this.program = program;
    this.previous = previous;
    this.logs = logs;
    this.total = program.length() + 4 + (previous == null ? 0 : previous.total);
    for (int nr = 0; nr < CACHED_CALLS; nr++) {
      boolean before = previous == null || previous.allowsAlways(nr);
      if (before && program.constantResult(nr, ARCH) == (SECCOMP_RET_ALLOW & 0xffffffffL)) {
        allowed[nr >> 6] |= 1L << nr;
      }
    }
  }

  /**
   * Checks a program and puts it in front of {@code previous}.
   *
   * @param instructions {@code struct sock_filter}s, each as one little-endian word
   * @param previous the task's filters so far, or null
   * @param logs SECCOMP_FILTER_FLAG_LOG
   * @throws ErrnoException EINVAL for a program Linux would refuse, ENOMEM when the chain gets too long
   */
  public static SeccompFilter install(long[] instructions, SeccompFilter previous, boolean logs) throws ErrnoException {
    if (instructions.length == 0 || instructions.length > BpfProgram.MAX_INSTRUCTIONS) {
      throw EINVAL.error();
    }
    BpfProgram program = new BpfProgram(instructions);
    if (program.length() + 4 + (previous == null ? 0 : previous.total) > MAX_TOTAL) {
      throw ENOMEM.error();
    }
    return new SeccompFilter(program, previous, logs);
  }

  /** Whether call {@code number} is allowed with any arguments, without running anything. */
  public boolean allowsAlways(long number) {
    return number >= 0 && number < CACHED_CALLS && (allowed[(int) number >> 6] >>> number & 1) != 0;
  }

  /** Whether {@code older} is this chain or a tail of it: what SECCOMP_FILTER_FLAG_TSYNC asks of the other threads. */
  public boolean descendsFrom(SeccompFilter older) {
    if (older == null) {
      return true;
    }
    for (SeccompFilter f = this; f != null; f = f.previous) {
      if (f == older) {
        return true;
      }
    }
    return false;
  }

  /** How many filters there are, for {@code Seccomp_filters} in {@code /proc/[pid]/status}. */
  public int count() {
    return 1 + (previous == null ? 0 : previous.count());
  }

  /** An action with its data in words, for the log. */
  public static String describe(int action) {
    int data = action & SECCOMP_RET_DATA;
    return switch (action & SECCOMP_RET_ACTION_FULL) {
      case SECCOMP_RET_ALLOW -> "allow";
      case SECCOMP_RET_LOG -> "log";
      case SECCOMP_RET_ERRNO -> "errno " + data;
      case SECCOMP_RET_TRAP -> "trap";
      case SECCOMP_RET_TRACE -> "trace " + data;
      case SECCOMP_RET_KILL_THREAD -> "kill thread";
      default -> "kill process";
    };
  }

  /** Whether actions other than allow are to be logged. */
  public boolean logs() {
    return logs;
  }

  /** Per-task memory for evaluations, so that a call allocates nothing. */
  public static final class Evaluation {
    private final int[] data = new int[DATA_WORDS];
    private final int[] scratch = new int[BpfProgram.scratchWords()];

    /**
     * Runs every filter of {@code chain}; the most restrictive result, of the filter installed last among equals.
     *
     * @param instructionPointer address behind the system call instruction
     */
    public int evaluate(SeccompFilter chain, int number, long instructionPointer, long a0, long a1, long a2, long a3,
        long a4, long a5) {
      data[0] = number;
      data[1] = ARCH;
      put(2, instructionPointer);
      put(4, a0);
      put(6, a1);
      put(8, a2);
      put(10, a3);
      put(12, a4);
      put(14, a5);
      int result = SECCOMP_RET_ALLOW;
      for (SeccompFilter f = chain; f != null; f = f.previous) {
        int r = f.program.run(data, scratch);
        // The order of actions is that of signed numbers: KILL_PROCESS is the most negative.
        if ((r & SECCOMP_RET_ACTION_FULL) < (result & SECCOMP_RET_ACTION_FULL)) {
          result = r;
        }
      }
      return result;
    }

    private void put(int word, long value) {
      data[word] = (int) value;
      data[word + 1] = (int) (value >>> 32);
    }
  }
}
