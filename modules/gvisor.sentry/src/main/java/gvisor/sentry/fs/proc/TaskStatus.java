package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.ControllingTerminal;
import gvisor.sentry.kernel.FdTable;
import gvisor.sentry.kernel.Pid;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.ProcessGroup;
import gvisor.sentry.kernel.PtraceAccess;
import gvisor.sentry.kernel.Rlimits;
import gvisor.sentry.kernel.Session;
import gvisor.sentry.kernel.IoCounts;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.mm.MemoryLayout;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.MemoryReport;
import gvisor.sentry.time.Clocks;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FsContext;

/** Files about the state of a process: {@code stat}, {@code status}, {@code limits} and the like. */
final class TaskStatus {
  private static final int PAGE = MemoryManager.PAGE_SIZE;
  private static final int MIN_NICE = -20;
  private static final int MAX_NICE = 19;

  private static final String[] LIMITS = {
      "Max cpu time             ", "seconds",
      "Max file size            ", "bytes",
      "Max data size            ", "bytes",
      "Max stack size           ", "bytes",
      "Max core file size       ", "bytes",
      "Max resident set         ", "bytes",
      "Max processes            ", "processes",
      "Max open files           ", "files",
      "Max locked memory        ", "bytes",
      "Max address space        ", "bytes",
      "Max file locks           ", "locks",
      "Max pending signals      ", "signals",
      "Max msgqueue size        ", "bytes",
      "Max nice priority        ", "",
      "Max realtime priority    ", "",
      "Max realtime timeout     ", "us"};

  private final TaskRef target;
  private final PidNamespace pids;

  TaskStatus(TaskRef target) {
    this.target = target;
    this.pids = target.proc().pids();
  }

  private char state(Task task) {
    return target.thread() != null ? task.state() : target.group().state();
  }

  private long utime(Task task) {
    return target.thread() != null ? task.utime() : target.group().utime();
  }

  private long stime(Task task) {
    return target.thread() != null ? task.stime() : target.group().stime();
  }

  void stat(Caller caller, StringBuilder out) throws ErrnoException {
    Task task = target.task();
    ThreadGroup group = target.group();
    boolean mayLook = PtraceAccess.mayRead(caller, task);
    ControllingTerminal terminal = ControllingTerminal.of(group);
    Session session = group.processGroup() == null ? null : group.processGroup().session();
    out.append(task.pid().in(pids)).append(" (").append(task.comm()).append(") ").append(state(task));
    number(out, group.parentPid(pids));
    number(out, group.processGroup() == null ? -1 : group.processGroup().id().in(pids));
    number(out, session == null ? -1 : session.id().in(pids));
    number(out, terminal == null ? 0 : ttyNumber(terminal.device().rdev()));
    number(out, terminal == null ? -1 : terminal.foregroundIn(pids));
    number(out, 0x00400000);
    number(out, group.minorFaults());
    out.append(" 0 0 0");
    number(out, utime(task) / Clocks.NANOS_PER_TICK);
    number(out, stime(task) / Clocks.NANOS_PER_TICK);
    number(out, group.childUtime() / Clocks.NANOS_PER_TICK);
    number(out, group.childStime() / Clocks.NANOS_PER_TICK);
    number(out, 20 + task.scheduling().nice);
    number(out, task.scheduling().nice);
    number(out, Math.max(1, group.threadCount()));
    out.append(" 0");
    number(out, target.proc().ticksSinceBoot(target.thread() != null ? task.startNanos() : group.startNanos()));
    memory(out, task, mayLook);
    // Signals, which Linux keeps here in a width they do not fit in.
    number(out, task.privatePendingSignals() & 0x7fffffff);
    number(out, task.signalMask() & 0x7fffffff);
    number(out, group.handlers().ignoredSet() & 0x7fffffff);
    number(out, group.handlers().caughtSet() & 0x7fffffff);
    out.append(" 0 0 0 17 0");
    number(out, task.scheduling().priority);
    number(out, task.scheduling().policy);
    out.append(" 0 0 0");
    addresses(out, task, mayLook);
    number(out, mayLook ? group.exitStatus() : 0);
    out.append('\n');
  }

  private static void number(StringBuilder out, long n) {
    out.append(' ').append(n);
  }

  /** Linux' old packing: minor in bits 31-20 and 7-0, major in 15-8. */
  private static int ttyNumber(long rdev) {
    int minor = DeviceNumbers.minor(rdev);
    return minor & 0xff | DeviceNumbers.major(rdev) << 8 | (minor & ~0xff) << 12;
  }

  /** vsize rss rsslim startcode endcode startstack kstkesp kstkeip. */
  private void memory(StringBuilder out, Task task, boolean mayLook) throws ErrnoException {
    MemoryManager mm = target.acquireMm();
    if (mm == null) {
      out.append(" 0 0 18446744073709551615 0 0 0 0 0");
      return;
    }
    try {
      MemoryReport report = mm.report(true);
      number(out, report.totalBytes());
      number(out, report.residentBytes() / PAGE);
      out.append(' ').append(Long.toUnsignedString(target.group().rlimits().soft(Rlimits.RLIMIT_RSS)));
      MemoryLayout l = mm.layout();
      number(out, mayLook ? l.startCode : 1);
      number(out, mayLook ? l.endCode : 1);
      number(out, mayLook ? l.startStack : 0);
      out.append(" 0 0");
    } finally {
      mm.release();
    }
  }

  /** start_data end_data start_brk arg_start arg_end env_start env_end. */
  private void addresses(StringBuilder out, Task task, boolean mayLook) throws ErrnoException {
    MemoryManager mm = mayLook ? target.acquireMm() : null;
    if (mm == null) {
      out.append(" 0 0 0 0 0 0 0");
      return;
    }
    try {
      MemoryLayout l = mm.layout();
      number(out, l.startData);
      number(out, l.endData);
      number(out, l.startBrk);
      number(out, l.argStart);
      number(out, l.argEnd);
      number(out, l.envStart);
      number(out, l.envEnd);
    } finally {
      mm.release();
    }
  }

  void status(Caller caller, StringBuilder out) throws ErrnoException {
    Task task = target.task();
    ThreadGroup group = target.group();
    Credentials creds = task.creds();
    out.append("Name:\t");
    escapedName(out, task.comm());
    FsContext fs = target.fs();
    if (fs != null) {
      out.append(String.format("\nUmask:\t%04o", fs.umask()));
    }
    out.append("\nState:\t").append(stateText(state(task)));
    out.append("\nTgid:\t").append(group.pid().in(pids));
    out.append("\nNgid:\t0\nPid:\t").append(task.pid().in(pids));
    out.append("\nPPid:\t").append(group.parentPid(pids));
    out.append("\nTracerPid:\t").append(task.tracerPid(pids));
    ids(out.append("\nUid:"), creds.uid(), creds.euid(), creds.suid(), creds.fsuid());
    ids(out.append("\nGid:"), creds.gid(), creds.egid(), creds.sgid(), creds.fsgid());
    FdTable fds = target.live().fds();
    out.append("\nFDSize:\t").append(fds == null ? 0 : fds.capacity()).append("\nGroups:\t");
    for (int gid : creds.groups()) {
      out.append(Integer.toUnsignedString(gid)).append(' ');
    }
    namespaced(out.append("\nNStgid:"), group.pid());
    namespaced(out.append("\nNSpid:"), task.pid());
    namespaced(out.append("\nNSpgid:"), group.processGroup() == null ? null : group.processGroup().id());
    namespaced(out.append("\nNSsid:"),
        group.processGroup() == null ? null : group.processGroup().session().id());
    out.append('\n');
    memoryStatus(out);
    out.append("Threads:\t").append(Math.max(1, group.threadCount())).append('\n');
    signals(out, task, group);
    set(out, "CapInh", creds.inheritable());
    set(out, "CapPrm", creds.permitted());
    set(out, "CapEff", creds.effective());
    set(out, "CapBnd", creds.bounding());
    set(out, "CapAmb", creds.ambient());
    out.append("NoNewPrivs:\t").append(creds.noNewPrivs() ? 1 : 0);
    out.append("\nSeccomp:\t").append(task.seccompMode());
    out.append("\nSeccomp_filters:\t").append(task.seccompMode() == 2 ? 1 : 0);
    out.append("\nSpeculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n");
    processors(out, task);
    out.append("Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t").append(task.voluntarySwitches());
    out.append("\nnonvoluntary_ctxt_switches:\t").append(task.involuntarySwitches()).append('\n');
  }

  private static void escapedName(StringBuilder out, String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c == '\n') {
        out.append("\\n");
      } else if (c == '\\') {
        out.append("\\\\");
      } else {
        out.append(c);
      }
    }
  }

  private static String stateText(char state) {
    return switch (state) {
      case 'R' -> "R (running)";
      case 'T' -> "T (stopped)";
      case 't' -> "t (tracing stop)";
      case 'Z' -> "Z (zombie)";
      case 'X' -> "X (dead)";
      default -> "S (sleeping)";
    };
  }

  private static void ids(StringBuilder out, int... ids) {
    for (int id : ids) {
      out.append('\t').append(Integer.toUnsignedString(id));
    }
  }

  /** The number in this mount's namespace and in each further in. */
  private void namespaced(StringBuilder out, Pid pid) {
    if (pid == null) {
      return;
    }
    StringBuilder numbers = new StringBuilder();
    for (PidNamespace ns = pid.namespace(); ns != null && ns.level() >= pids.level(); ns = ns.parent()) {
      numbers.insert(0, "\t" + pid.in(ns));
    }
    out.append(numbers);
  }

  private void memoryStatus(StringBuilder out) throws ErrnoException {
    MemoryManager mm = target.acquireMm();
    if (mm == null) {
      return;
    }
    MemoryReport r;
    try {
      r = mm.report(true);
    } finally {
      mm.release();
    }
    long anonymous = r.residentBytes() - r.residentFileBytes() - r.residentSharedBytes();
    kilobytes(out, "VmPeak", r.peakTotalBytes());
    kilobytes(out, "VmSize", r.totalBytes());
    kilobytes(out, "VmLck", r.lockedBytes());
    kilobytes(out, "VmPin", 0);
    kilobytes(out, "VmHWM", r.peakResidentBytes());
    kilobytes(out, "VmRSS", r.residentBytes());
    kilobytes(out, "RssAnon", anonymous);
    kilobytes(out, "RssFile", r.residentFileBytes());
    kilobytes(out, "RssShmem", r.residentSharedBytes());
    kilobytes(out, "VmData", r.dataBytes());
    kilobytes(out, "VmStk", r.stackBytes());
    kilobytes(out, "VmExe", r.codeBytes());
    kilobytes(out, "VmLib", 0);
    kilobytes(out, "VmPTE", 0);
    kilobytes(out, "VmSwap", 0);
    kilobytes(out, "HugetlbPages", 0);
    out.append("CoreDumping:\t0\nTHP_enabled:\t0\n");
  }

  private static void kilobytes(StringBuilder out, String name, long bytes) {
    String number = Long.toString(bytes >> 10);
    out.append(name).append(":\t").repeat(' ', Math.max(0, 8 - number.length())).append(number).append(" kB\n");
  }

  private static void signals(StringBuilder out, Task task, ThreadGroup group) {
    out.append("SigQ:\t").append(Long.bitCount(task.pendingSignals())).append('/');
    out.append(Long.toUnsignedString(group.rlimits().soft(Rlimits.RLIMIT_SIGPENDING))).append('\n');
    set(out, "SigPnd", task.privatePendingSignals());
    set(out, "ShdPnd", group.pendingSignals());
    set(out, "SigBlk", task.signalMask());
    set(out, "SigIgn", group.handlers().ignoredSet());
    set(out, "SigCgt", group.handlers().caughtSet());
  }

  private static void set(StringBuilder out, String name, long bits) {
    out.append(name).append(":\t");
    String hex = Long.toHexString(bits);
    out.repeat('0', 16 - hex.length()).append(hex).append('\n');
  }

  private void processors(StringBuilder out, Task task) {
    int count = task.container().processors();
    long[] affinity = task.scheduling().affinity;
    long mask = count >= 64 ? -1 : (1L << count) - 1;
    if (affinity != null && affinity.length > 0 && (affinity[0] & mask) != 0) {
      mask &= affinity[0];
    }
    out.append("Cpus_allowed:\t").append(Long.toHexString(mask)).append("\nCpus_allowed_list:\t");
    String separator = "";
    for (int i = 0; i < 64; i++) {
      if ((mask >>> i & 1) != 0) {
        int first = i;
        while (i < 63 && (mask >>> (i + 1) & 1) != 0) {
          i++;
        }
        out.append(separator).append(first);
        if (i > first) {
          out.append('-').append(i);
        }
        separator = ",";
      }
    }
    out.append('\n');
  }

  void limits(Caller caller, StringBuilder out) throws ErrnoException {
    target.task();
    Rlimits limits = target.group().rlimits();
    out.append("Limit                     Soft Limit           Hard Limit           Units     \n");
    for (int i = 0; i < Rlimits.COUNT; i++) {
      out.append(LIMITS[2 * i]).append(' ');
      limit(out, limits.soft(i));
      limit(out, limits.hard(i));
      String unit = LIMITS[2 * i + 1];
      out.append(unit);
      if (!unit.isEmpty()) {
        out.repeat(' ', 10 - unit.length());
      }
      out.append('\n');
    }
  }

  private static void limit(StringBuilder out, long value) {
    String text = value == Rlimits.INFINITY ? "unlimited" : Long.toUnsignedString(value);
    out.append(text).repeat(' ', Math.max(0, 20 - text.length())).append(' ');
  }

  void io(Caller caller, StringBuilder out) throws ErrnoException {
    Task task = target.task();
    IoCounts io = target.thread() != null ? task.io() : target.group().io();
    out.append("rchar: ").append(io.readBytes()).append("\nwchar: ").append(io.writtenBytes());
    out.append("\nsyscr: ").append(io.reads()).append("\nsyscw: ").append(io.writes());
    // No block device is behind any file of the sandbox.
    out.append("\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
  }

  void children(Caller caller, StringBuilder out) throws ErrnoException {
    Task task = target.task();
    if (task != target.group().leader()) {
      return;
    }
    for (ThreadGroup child : target.group().children()) {
      int pid = child.pid().in(pids);
      if (pid != 0) {
        out.append(pid).append(' ');
      }
    }
  }

  void sched(Caller caller, StringBuilder out) throws ErrnoException {
    Task task = target.task();
    out.append(task.comm()).append(" (").append(task.pid().in(pids)).append(", #threads: ");
    out.append(target.group().threadCount()).append(")\n").repeat('-', 67).append('\n');
    long runNanos = task.utime() + task.stime();
    out.append(String.format("se.sum_exec_runtime                          :%21d.%06d%n", runNanos / 1_000_000,
        runNanos % 1_000_000));
    out.append(String.format("nr_switches                                  :%21d%n",
        task.voluntarySwitches() + task.involuntarySwitches()));
    out.append(String.format("nr_voluntary_switches                        :%21d%n", task.voluntarySwitches()));
    out.append(String.format("nr_involuntary_switches                      :%21d%n", task.involuntarySwitches()));
    out.append(String.format("policy                                       :%21d%n", task.scheduling().policy));
    out.append(String.format("prio                                         :%21d%n", 120 + task.scheduling().nice));
  }

  void autogroup(Caller caller, StringBuilder out) throws ErrnoException {
    Session session = session();
    if (session != null) {
      out.append("/autogroup-").append(session.id().in(pids)).append(" nice ").append(session.nice()).append('\n');
    }
  }

  void setAutogroup(Caller caller, String text) throws ErrnoException {
    long nice = Sysctls.parse(text.strip());
    if (nice < MIN_NICE || nice > MAX_NICE) {
      throw EINVAL.error();
    }
    if (nice < 0 && !caller.creds().has(Capability.CAP_SYS_NICE)) {
      throw EPERM.error();
    }
    Session session = session();
    if (session != null) {
      session.setNice((int) nice);
    }
  }

  private Session session() throws ErrnoException {
    ProcessGroup group = target.task().threadGroup().processGroup();
    return group == null ? null : group.session();
  }

  void syscall(Caller caller, StringBuilder out) throws ErrnoException {
    Task task = target.task();
    long[] call = task.waitingCall(caller instanceof Task t ? t : null);
    if (call == null) {
      out.append("running\n");
      return;
    }
    out.append(call[0]);
    for (int i = call[0] < 0 ? 7 : 1; i < call.length; i++) {
      out.append(" 0x").append(Long.toHexString(call[i]));
    }
    out.append('\n');
  }

  void schedstat(Caller caller, StringBuilder out) throws ErrnoException {
    Task task = target.task();
    out.append(task.utime() + task.stime()).append(" 0 ");
    out.append(task.voluntarySwitches() + task.involuntarySwitches()).append('\n');
  }
}
