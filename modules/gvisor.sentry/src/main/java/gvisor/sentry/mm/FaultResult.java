package gvisor.sentry.mm;

/** What became of a page fault; all but {@link #OK} are signals for the task. */
public enum FaultResult {
  /** Try the access again. */
  OK,
  /** SIGSEGV with SEGV_MAPERR: nothing is mapped there. */
  SEGV_MAPERR,
  /** SIGSEGV with SEGV_ACCERR: the mapping does not allow it. */
  SEGV_ACCERR,
  /** SIGBUS with BUS_ADRERR: the mapped file ends before it, or cannot be read. */
  BUS_ADRERR,
  /** SIGKILL: the sandbox's memory is used up. */
  OUT_OF_MEMORY
}
