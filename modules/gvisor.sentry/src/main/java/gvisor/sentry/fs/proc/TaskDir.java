package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ERANGE;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.IdMap;
import gvisor.sentry.fs.kernfs.Content;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.Store;
import gvisor.sentry.kernel.ProcessDirectory;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.MountNamespace;

/** {@code /proc/[pid]} and {@code /proc/[pid]/task/[tid]}. */
final class TaskDir extends KernDir implements ProcessDirectory {
  private static final long UNSIGNED = 0xffffffffL;
  private static final String NO_OFFSETS =
      "monotonic           0         0\nboottime            0         0\n";

  private final ProcSuperblock proc;
  private final TaskRef target;

  /** @param thread null for the directory of a process */
  TaskDir(ProcSuperblock proc, long ino, ThreadGroup group, Task thread) {
    super(proc, ino);
    this.proc = proc;
    this.target = new TaskRef(proc, group, thread);
    build(new TaskStatus(target), new TaskMemory(target));
    if (thread == null) {
      add("task", new TaskListDir(proc, inoOf("task"), group));
    }
  }

  TaskRef target() {
    return target;
  }

  @Override
  public ThreadGroup process() {
    return target.thread() == null && target.isAlive() ? target.group() : null;
  }

  private void build(TaskStatus status, TaskMemory memory) {
    KernDir attr = dir("attr");
    for (String name : new String[] {"current", "exec", "fscreate", "keycreate", "prev", "sockcreate"}) {
      // There is no security module whose label it could be.
      attr.add(name, new TaskFile(target, attr.inoOf(name), 0666, false, null, null));
    }
    file("arch_status", 0444, false, (c, out) -> out.append("AVX512_elapsed_ms:\t-1\n"), null);
    if (target.thread() == null) {
      file("autogroup", 0644, false, status::autogroup, status::setAutogroup);
    }
    file("auxv", 0400, true, memory::auxv, null);
    file("cgroup", 0444, false, (c, out) -> out.append("0::/\n"), null);
    if (target.thread() != null) {
      file("children", 0444, false, status::children, null);
    }
    file("clear_refs", 0200, true, null, memory::clearRefs);
    file("cmdline", 0444, false, memory::cmdline, null);
    file("comm", 0644, false, (c, out) -> out.append(target.task().comm()).append('\n'), this::setComm);
    file("coredump_filter", 0644, false, (c, out) -> hex(out, target.group().coredumpFilter()),
        (c, text) -> target.group().setCoredumpFilter(number(text)));
    file("cpuset", 0444, false, (c, out) -> out.append("/\n"), null);
    add("cwd", new TaskLink(target, inoOf("cwd"), TaskLink.Kind.CWD));
    file("environ", 0400, true, memory::environ, null);
    add("exe", new TaskLink(target, inoOf("exe"), TaskLink.Kind.EXE));
    add("fd", new FdDir(target, inoOf("fd"), false));
    add("fdinfo", new FdDir(target, inoOf("fdinfo"), true));
    file("gid_map", 0644, false, this::groupMap, this::denyIdMap);
    file("io", 0400, true, status::io, null);
    file("limits", 0444, false, status::limits, null);
    file("loginuid", 0644, false, (c, out) -> out.append(target.task().loginUid() & UNSIGNED), this::setLoginUid);
    if (target.thread() == null) {
      add("map_files", new MapFilesDir(target, inoOf("map_files")));
    }
    file("maps", 0444, true, memory::maps, null);
    add("mem", new MemFile(target, inoOf("mem")));
    file("mountinfo", 0444, false, (c, out) -> out.append(mounts().mountInfoText(fs().root())), null);
    file("mounts", 0444, false, (c, out) -> out.append(mounts().mountsText(fs().root())), null);
    file("mountstats", 0400, false, (c, out) -> out.append(mounts().mountStatsText(fs().root())), null);
    new SystemFiles(proc.kernel(), proc.pids()).buildNet(dir("net"));
    add("ns", new NsDir(target, inoOf("ns")));
    file("numa_maps", 0444, true, memory::numaMaps, null);
    file("oom_adj", 0644, false, (c, out) -> out.append(target.group().oomScoreAdj() * 17 / 1000).append('\n'),
        (c, text) -> setOomScore(c, Sysctls.parse(text.strip()) * 1000 / 17));
    file("oom_score", 0444, false, (c, out) -> out.append(oomScore()).append('\n'), null);
    file("oom_score_adj", 0644, false, (c, out) -> out.append(target.group().oomScoreAdj()).append('\n'),
        (c, text) -> setOomScore(c, Sysctls.parse(text.strip())));
    add("pagemap", new PagemapFile(target, inoOf("pagemap")));
    file("personality", 0400, true, (c, out) -> hex(out, target.group().personality()), null);
    file("projid_map", 0644, false, (c, out) -> IdMap.ALL.print(out), this::denyIdMap);
    add("root", new TaskLink(target, inoOf("root"), TaskLink.Kind.ROOT));
    file("sched", 0644, false, status::sched, (c, text) -> {});
    file("schedstat", 0444, false, status::schedstat, null);
    file("sessionid", 0444, false, (c, out) -> out.append(target.task().auditSession() & UNSIGNED), null);
    file("setgroups", 0644, false, (c, out) -> out.append("allow\n"), (c, text) -> denySetgroups(text));
    file("smaps", 0444, true, memory::smaps, null);
    file("smaps_rollup", 0444, true, memory::smapsRollup, null);
    file("stack", 0400, true, (c, out) -> {}, null);
    file("stat", 0444, false, status::stat, null);
    file("statm", 0444, false, memory::statm, null);
    file("status", 0444, false, status::status, null);
    file("syscall", 0400, true, status::syscall, null);
    file("timens_offsets", 0644, false, (c, out) -> out.append(NO_OFFSETS), (c, text) -> denyOffsets());
    file("timers", 0444, false, (c, out) -> target.group().timers().describe(out, proc.pids()), null);
    file("timerslack_ns", 0666, false, (c, out) -> out.append(sleeper(c).timerSlack()).append('\n'),
        (c, text) -> sleeper(c).setTimerSlack(Sysctls.parse(text.strip())));
    file("uid_map", 0644, false, this::userMap, this::denyIdMap);
    file("wchan", 0444, false, (c, out) -> out.append('0'), null);
  }

  private void file(String name, int permissions, boolean guarded, Content content, Store store) {
    add(name, new TaskFile(target, inoOf(name), permissions, guarded, content, store));
  }

  @Override
  public int uid() {
    return owner().creds().euid();
  }

  @Override
  public int gid() {
    return owner().creds().egid();
  }

  private Task owner() {
    return target.thread() != null ? target.thread() : target.group().leader();
  }

  @Override
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    check(caller);
    return super.lookup(caller, name);
  }

  @Override
  public boolean revalidate(String name, Inode child) {
    return target.isAlive();
  }

  @Override
  protected void checkList(Caller caller) throws ErrnoException {
    check(caller);
  }

  private void check(Caller caller) throws ErrnoException {
    if (!target.isAlive()) {
      throw ENOENT.error();
    }
    if (!proc.isSearchable(caller, target.group())) {
      throw EPERM.error();
    }
  }

  private FsContext fs() throws ErrnoException {
    FsContext fs = target.fs();
    if (fs == null) {
      throw EINVAL.error();
    }
    return fs;
  }

  private MountNamespace mounts() throws ErrnoException {
    MountNamespace namespace = fs().root().mount().namespace();
    if (namespace == null) {
      throw EINVAL.error();
    }
    return namespace;
  }

  private void setComm(Caller caller, String text) throws ErrnoException {
    if (!(caller instanceof Task task) || task.threadGroup() != target.group()) {
      throw EINVAL.error();
    }
    int end = text.indexOf('\n');
    target.task().setComm(end < 0 ? text : text.substring(0, end));
  }

  private void setOomScore(Caller caller, long value) throws ErrnoException {
    if (value < -1000 || value > 1000) {
      throw EINVAL.error();
    }
    if (value < target.group().oomScoreAdj() && !caller.creds().has(Capability.CAP_SYS_RESOURCE)) {
      throw EACCES.error();
    }
    target.group().setOomScoreAdj((int) value);
  }

  private long oomScore() throws ErrnoException {
    return Math.max(0, 666 + target.group().oomScoreAdj() * 2L / 3);
  }

  private void userMap(Caller caller, StringBuilder out) throws ErrnoException {
    target.task().users().print(out);
  }

  private void groupMap(Caller caller, StringBuilder out) throws ErrnoException {
    target.task().groups().print(out);
  }

  private void denyIdMap(Caller caller, String text) throws ErrnoException {
    // The map of the first user namespace stands from the start.
    throw EPERM.error();
  }

  private static void denySetgroups(String text) throws ErrnoException {
    if (!text.strip().equals("allow")) {
      throw EPERM.error();
    }
  }

  private static void hex(StringBuilder out, int value) {
    String digits = Integer.toHexString(value);
    out.repeat('0', 8 - digits.length()).append(digits).append('\n');
  }

  /** A number in C's notation, of 32 bits. */
  private static long number(String text) throws ErrnoException {
    long n;
    try {
      n = Long.decode(text.strip());
    } catch (NumberFormatException e) {
      throw EINVAL.error();
    }
    if (n < 0 || n > UNSIGNED) {
      throw ERANGE.error();
    }
    return n;
  }

  private void setLoginUid(Caller caller, String text) throws ErrnoException {
    Task task = target.task();
    if (caller != task) {
      throw EPERM.error();
    }
    long uid = Sysctls.parse(text.strip());
    if (uid < 0 || uid > UNSIGNED) {
      throw ERANGE.error();
    }
    if (task.loginUid() != -1 && !caller.creds().has(Capability.CAP_AUDIT_CONTROL)) {
      throw EPERM.error();
    }
    task.setLoginUid((int) uid);
  }

  /** The task whose slack is meant: another's is for who may set its priority. */
  private Task sleeper(Caller caller) throws ErrnoException {
    Task task = target.task();
    if (caller != task && !caller.creds().has(Capability.CAP_SYS_NICE)) {
      throw EPERM.error();
    }
    return task;
  }

  private static void denyOffsets() throws ErrnoException {
    // The offsets of a time namespace stand from when the first process is in it.
    throw EACCES.error();
  }
}
