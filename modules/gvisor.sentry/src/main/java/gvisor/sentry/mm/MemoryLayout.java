package gvisor.sentry.mm;

/** Where the parts of a program are, as {@code prctl(PR_SET_MM)} and {@code /proc/[pid]/stat} name them. */
public final class MemoryLayout {
  /** Mappings are placed below this address. */
  public long mmapBase;
  public long startCode;
  public long endCode;
  public long startData;
  public long endData;
  /** First address of the heap; page aligned or not. */
  public long startBrk;
  /** Current program break. */
  public long brk;
  /** Stack pointer at the start of the program. */
  public long startStack;
  public long argStart;
  public long argEnd;
  public long envStart;
  public long envEnd;
  /** Auxiliary vector, as the program got it: pairs of type and value. */
  public long[] auxv = new long[0];
  /** Address of the vDSO, or 0. */
  public long vdso;
  /** Address of the vDSO's code that returns from a signal handler, or 0. */
  public long sigreturn;

  void copyTo(MemoryLayout other) {
    other.mmapBase = mmapBase;
    other.startCode = startCode;
    other.endCode = endCode;
    other.startData = startData;
    other.endData = endData;
    other.startBrk = startBrk;
    other.brk = brk;
    other.startStack = startStack;
    other.argStart = argStart;
    other.argEnd = argEnd;
    other.envStart = envStart;
    other.envEnd = envEnd;
    other.auxv = auxv;
    other.vdso = vdso;
    other.sigreturn = sigreturn;
  }
}
