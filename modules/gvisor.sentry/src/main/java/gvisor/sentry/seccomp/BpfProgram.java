package gvisor.sentry.seccomp;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;

/**
 * One classic BPF program that has been checked: every jump goes forward and stays inside, every load is an aligned word
 * of {@code struct seccomp_data}, the last instruction returns. So a run ends after at most its length of steps, and
 * needs no checks of its own.
 *
 * <p>Source: {@code man 2 seccomp}, and the instruction set in the kernel documentation, networking/filter. Immutable.
 */
final class BpfProgram {
  /** BPF_MAXINSNS. */
  static final int MAX_INSTRUCTIONS = 4096;

  /** Bytes of {@code struct sock_filter}. */
  static final int INSTRUCTION_SIZE = 8;

  /** Bytes of {@code struct seccomp_data}. */
  private static final int DATA_SIZE = 64;

  private static final int LD = 0x00, LDX = 0x01, ST = 0x02, STX = 0x03, ALU = 0x04, JMP = 0x05, RET = 0x06, MISC = 0x07;
  private static final int W = 0x00, ABS = 0x20, IMM = 0x00, MEM = 0x60, LEN = 0x80;
  private static final int K = 0x00, X = 0x08, RET_A = 0x10;
  private static final int ADD = 0x00, SUB = 0x10, MUL = 0x20, DIV = 0x30, OR = 0x40, AND = 0x50, LSH = 0x60, RSH = 0x70,
      NEG = 0x80, XOR = 0xa0;
  private static final int JA = 0x00, JEQ = 0x10, JGT = 0x20, JGE = 0x30, JSET = 0x40;
  private static final int TAX = 0x00, TXA = 0x80;
  private static final int SCRATCH_WORDS = 16;

  private final short[] code;
  private final byte[] jumpTrue;
  private final byte[] jumpFalse;
  private final int[] k;

  /**
   * Checks a program.
   *
   * @param instructions {@code struct sock_filter}s, each as one little-endian word: code, jt, jf, k from the low end
   * @throws ErrnoException EINVAL when Linux would not accept it
   */
  BpfProgram(long[] instructions) throws ErrnoException {
    int n = instructions.length;
    if (n == 0 || n > MAX_INSTRUCTIONS) {
      throw EINVAL.error();
    }
    code = new short[n];
    jumpTrue = new byte[n];
    jumpFalse = new byte[n];
    k = new int[n];
    for (int i = 0; i < n; i++) {
      code[i] = (short) instructions[i];
      jumpTrue[i] = (byte) (instructions[i] >>> 16);
      jumpFalse[i] = (byte) (instructions[i] >>> 24);
      k[i] = (int) (instructions[i] >>> 32);
      check(i, n);
    }
    if ((code[n - 1] & 7) != RET) {
      throw EINVAL.error();
    }
    checkScratch(n);
  }

  int length() {
    return code.length;
  }

  private void check(int i, int n) throws ErrnoException {
    boolean valid = switch (code[i] & 0xffff) {
      case LD | W | ABS -> k[i] >= 0 && k[i] < DATA_SIZE && (k[i] & 3) == 0;
      case LD | W | LEN, LDX | W | LEN, LD | IMM, LDX | IMM, MISC | TAX, MISC | TXA, RET | K, RET | RET_A -> true;
      case LD | MEM, LDX | MEM, ST, STX -> k[i] >= 0 && k[i] < SCRATCH_WORDS;
      case ALU | ADD | K, ALU | SUB | K, ALU | MUL | K, ALU | OR | K, ALU | AND | K, ALU | XOR | K, ALU | NEG,
          ALU | ADD | X, ALU | SUB | X, ALU | MUL | X, ALU | DIV | X, ALU | OR | X, ALU | AND | X, ALU | XOR | X,
          ALU | LSH | X, ALU | RSH | X -> true;
      case ALU | DIV | K -> k[i] != 0;
      case ALU | LSH | K, ALU | RSH | K -> k[i] >= 0 && k[i] < 32;
      case JMP | JA -> Integer.compareUnsigned(k[i], n - i - 1) < 0;
      case JMP | JEQ | K, JMP | JGT | K, JMP | JGE | K, JMP | JSET | K, JMP | JEQ | X, JMP | JGT | X, JMP | JGE | X,
          JMP | JSET | X -> i + 1 + (jumpTrue[i] & 0xff) < n && i + 1 + (jumpFalse[i] & 0xff) < n;
      default -> false;
    };
    if (!valid) {
      throw EINVAL.error();
    }
  }

  /** A scratch word may only be loaded where every way there has stored it: Linux refuses the program otherwise. */
  private void checkScratch(int n) throws ErrnoException {
    int[] stored = new int[n];
    java.util.Arrays.fill(stored, 0xffff);
    int now = 0;
    for (int i = 0; i < n; i++) {
      now &= stored[i];
      switch (code[i] & 0xffff) {
        case ST, STX -> now |= 1 << k[i];
        case LD | MEM, LDX | MEM -> {
          if ((now >>> k[i] & 1) == 0) {
            throw EINVAL.error();
          }
        }
        case JMP | JA -> {
          stored[i + 1 + k[i]] &= now;
          now = 0xffff;
        }
        default -> {
          if ((code[i] & 7) == JMP) {
            stored[i + 1 + (jumpTrue[i] & 0xff)] &= now;
            stored[i + 1 + (jumpFalse[i] & 0xff)] &= now;
            now = 0xffff;
          }
        }
      }
    }
  }

  /** Runs over {@code data}, the words of {@code struct seccomp_data}; what it returns. Allocates nothing. */
  int run(int[] data, int[] scratch) {
    int a = 0;
    int x = 0;
    int i = 0;
    while (true) {
      int op = code[i] & 0xffff;
      int c = k[i];
      switch (op & 7) {
        case LD -> a = switch (op) {
          case LD | W | ABS -> data[c >> 2];
          case LD | W | LEN -> DATA_SIZE;
          case LD | MEM -> scratch[c];
          default -> c;
        };
        case LDX -> x = switch (op) {
          case LDX | W | LEN -> DATA_SIZE;
          case LDX | MEM -> scratch[c];
          default -> c;
        };
        case ST -> scratch[c] = a;
        case STX -> scratch[c] = x;
        case ALU -> {
          int operand = (op & X) != 0 ? x : c;
          if ((op & 0xf0) == DIV && operand == 0) {
            return 0;
          }
          a = alu(op & 0xf0, a, operand);
        }
        case JMP -> i += jump(op, i, a, (op & X) != 0 ? x : c);
        case RET -> {
          return op == (RET | RET_A) ? a : c;
        }
        default -> {
          if (op == (MISC | TAX)) {
            x = a;
          } else {
            a = x;
          }
        }
      }
      i++;
    }
  }

  private static int alu(int op, int a, int operand) {
    return switch (op) {
      case ADD -> a + operand;
      case SUB -> a - operand;
      case MUL -> a * operand;
      case DIV -> Integer.divideUnsigned(a, operand);
      case OR -> a | operand;
      case AND -> a & operand;
      case XOR -> a ^ operand;
      case NEG -> -a;
      case LSH -> Integer.compareUnsigned(operand, 32) < 0 ? a << operand : 0;
      default -> Integer.compareUnsigned(operand, 32) < 0 ? a >>> operand : 0;
    };
  }

  private int jump(int op, int i, int a, int operand) {
    if ((op & 0xf0) == JA) {
      return k[i];
    }
    boolean taken = switch (op & 0xf0) {
      case JEQ -> a == operand;
      case JGT -> Integer.compareUnsigned(a, operand) > 0;
      case JGE -> Integer.compareUnsigned(a, operand) >= 0;
      default -> (a & operand) != 0;
    };
    return (taken ? jumpTrue[i] : jumpFalse[i]) & 0xff;
  }

  /**
   * What it returns for system call {@code number} of {@code arch} whatever the arguments are, or -1 when that depends
   * on them (or is itself -1): follows the only possible path, and gives up at a load of anything else.
   */
  long constantResult(int number, int arch) {
    int[] scratch = new int[SCRATCH_WORDS];
    int a = 0;
    int x = 0;
    for (int i = 0; ; i++) {
      int op = code[i] & 0xffff;
      int c = k[i];
      switch (op) {
        case LD | W | ABS -> {
          if (c > 4) {
            return -1;
          }
          a = c == 0 ? number : arch;
        }
        case LD | W | LEN -> a = DATA_SIZE;
        case LD | MEM -> a = scratch[c];
        case LD | IMM -> a = c;
        case LDX | W | LEN -> x = DATA_SIZE;
        case LDX | MEM -> x = scratch[c];
        case LDX | IMM -> x = c;
        case ST -> scratch[c] = a;
        case STX -> scratch[c] = x;
        case MISC | TAX -> x = a;
        case MISC | TXA -> a = x;
        case RET | K -> {
          return c & 0xffffffffL;
        }
        case RET | RET_A -> {
          return a & 0xffffffffL;
        }
        default -> {
          int operand = (op & X) != 0 ? x : c;
          if ((op & 7) == JMP) {
            i += jump(op, i, a, operand);
          } else if ((op & 0xf0) == DIV && operand == 0) {
            return 0;
          } else {
            a = alu(op & 0xf0, a, operand);
          }
        }
      }
    }
  }

  /** Words a run needs as scratch. */
  static int scratchWords() {
    return SCRATCH_WORDS;
  }
}
