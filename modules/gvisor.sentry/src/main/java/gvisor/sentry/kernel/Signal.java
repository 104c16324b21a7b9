package gvisor.sentry.kernel;

/**
 * Signal numbers, sets and codes of x86-64 ({@code man 7 signal}, {@code man 2 sigaction}). A set has bit {@code n -
 * 1} for signal n.
 */
public final class Signal {
  public static final int SIGHUP = 1;
  public static final int SIGINT = 2;
  public static final int SIGQUIT = 3;
  public static final int SIGILL = 4;
  public static final int SIGTRAP = 5;
  public static final int SIGABRT = 6;
  public static final int SIGBUS = 7;
  public static final int SIGFPE = 8;
  public static final int SIGKILL = 9;
  public static final int SIGUSR1 = 10;
  public static final int SIGSEGV = 11;
  public static final int SIGUSR2 = 12;
  public static final int SIGPIPE = 13;
  public static final int SIGALRM = 14;
  public static final int SIGTERM = 15;
  public static final int SIGSTKFLT = 16;
  public static final int SIGCHLD = 17;
  public static final int SIGCONT = 18;
  public static final int SIGSTOP = 19;
  public static final int SIGTSTP = 20;
  public static final int SIGTTIN = 21;
  public static final int SIGTTOU = 22;
  public static final int SIGURG = 23;
  public static final int SIGXCPU = 24;
  public static final int SIGXFSZ = 25;
  public static final int SIGVTALRM = 26;
  public static final int SIGPROF = 27;
  public static final int SIGWINCH = 28;
  public static final int SIGIO = 29;
  public static final int SIGPWR = 30;
  public static final int SIGSYS = 31;

  /** The first real-time signal: from here on every one sent is queued. */
  public static final int SIGRTMIN = 32;

  /** The highest signal. */
  public static final int MAX = 64;

  /** Stop signals. */
  public static final long STOP_SET = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);

  /** What no mask can block. */
  public static final long UNBLOCKABLE = bit(SIGKILL) | bit(SIGSTOP);

  /** What the processor raises: delivered before others. */
  public static final long SYNCHRONOUS =
      bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGFPE) | bit(SIGSYS);

  private static final long IGNORED_BY_DEFAULT = bit(SIGCHLD) | bit(SIGCONT) | bit(SIGURG) | bit(SIGWINCH);
  private static final long CORE_BY_DEFAULT = bit(SIGQUIT) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGABRT) | bit(SIGBUS)
      | bit(SIGFPE) | bit(SIGSEGV) | bit(SIGXCPU) | bit(SIGXFSZ) | bit(SIGSYS);

  // si_code
  public static final int SI_USER = 0;
  public static final int SI_KERNEL = 0x80;
  public static final int SI_QUEUE = -1;
  public static final int SI_TIMER = -2;
  public static final int SI_MESGQ = -3;
  public static final int SI_SIGIO = -5;
  public static final int SI_TKILL = -6;
  public static final int ILL_ILLOPN = 2;
  public static final int FPE_INTDIV = 1;
  public static final int SEGV_MAPERR = 1;
  public static final int SEGV_ACCERR = 2;
  public static final int BUS_ADRALN = 1;
  public static final int BUS_ADRERR = 2;
  public static final int TRAP_BRKPT = 1;
  public static final int TRAP_TRACE = 2;
  public static final int CLD_EXITED = 1;
  public static final int CLD_KILLED = 2;
  public static final int CLD_DUMPED = 3;
  public static final int CLD_TRAPPED = 4;
  public static final int CLD_STOPPED = 5;
  public static final int CLD_CONTINUED = 6;
  public static final int SYS_SECCOMP = 1;

  // sa_flags
  public static final long SA_NOCLDSTOP = 1;
  public static final long SA_NOCLDWAIT = 2;
  public static final long SA_SIGINFO = 4;
  public static final long SA_RESTORER = 0x04000000;
  public static final long SA_ONSTACK = 0x08000000;
  public static final long SA_RESTART = 0x10000000;
  public static final long SA_NODEFER = 0x40000000;
  public static final long SA_RESETHAND = 0x80000000L;

  /** Bytes of {@code sigset_t} as the kernel has it. */
  public static final int SET_SIZE = 8;

  private Signal() {}

  /** The set of {@code signal} alone. */
  public static long bit(int signal) {
    return 1L << (signal - 1);
  }

  /** Whether {@code set} has {@code signal}. */
  public static boolean has(long set, int signal) {
    return (set >>> (signal - 1) & 1) != 0;
  }

  /** Whether it is a signal's number. */
  public static boolean isValid(int signal) {
    return signal >= 1 && signal <= MAX;
  }

  /** Whether the default action is to ignore it. */
  public static boolean isIgnoredByDefault(int signal) {
    return has(IGNORED_BY_DEFAULT, signal);
  }

  /** Whether the default action is to stop the process. */
  public static boolean isStop(int signal) {
    return has(STOP_SET, signal);
  }

  /** Whether {@code si_code} of the signal has meanings of its own, so that no other use may borrow them. */
  public static boolean hasOwnCodes(int signal) {
    return has(SYNCHRONOUS | bit(SIGCHLD) | bit(SIGIO), signal);
  }

  /** Whether the default action dumps core, which here only sets the flag in the wait status. */
  public static boolean dumpsCore(int signal) {
    return has(CORE_BY_DEFAULT, signal);
  }
}
