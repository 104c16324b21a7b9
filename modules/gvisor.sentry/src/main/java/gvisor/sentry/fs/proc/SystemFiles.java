package gvisor.sentry.fs.proc;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.Content;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.time.Clocks;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.kernel.UtsNamespace;
import gvisor.sentry.vfs.Caller;
import java.util.Map;

/** The files of {@code /proc} that are about the system as a whole. */
final class SystemFiles {
  private static final long NANOS_PER_TICK = Clocks.NANOS_PER_TICK;

  private final Kernel kernel;
  private final PidNamespace pids;
  private final ProcFiles given;

  SystemFiles(Kernel kernel, PidNamespace pids) {
    this.kernel = kernel;
    this.pids = pids;
    this.given = ProcFiles.of(kernel);
  }

  /** Fills the root directory. */
  void build(KernDir root) {
    file(root, "cgroups", text("#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
        + "cpuset\t0\t1\t1\ncpu\t0\t1\t1\ncpuacct\t0\t1\t1\nmemory\t0\t1\t1\npids\t0\t1\t1\n"));
    file(root, "cmdline", text("quiet\n"));
    file(root, "consoles", text(""));
    file(root, "cpuinfo", new CpuInfo(kernel.host()));
    file(root, "crypto", text(""));
    file(root, "devices", text("Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n 10 misc\n"
        + "136 pts\n\nBlock devices:\n"));
    file(root, "diskstats", text(""));
    file(root, "dma", text(""));
    file(root, "execdomains", text("0-0\tLinux           \t[kernel]\n"));
    file(root, "fb", text(""));
    file(root, "filesystems", (c, out) -> out.append(kernel.vfs().filesystems()));
    file(root, "interrupts", this::interrupts);
    file(root, "iomem", text(""));
    file(root, "ioports", text(""));
    file(root, "kallsyms", text(""));
    file(root, "key-users", text("    0:     1 1/1 1/1000000 0/25000000\n"));
    file(root, "keys", text(""));
    root.file("kmsg", 0400, text(""), null);
    file(root, "loadavg", this::loadavg);
    file(root, "locks", (c, out) -> kernel.vfs().heldLocks().list(out));
    file(root, "meminfo", new MemInfo(kernel));
    file(root, "misc", text(""));
    file(root, "modules", text(""));
    file(root, "partitions", text("major minor  #blocks  name\n\n"));
    file(root, "softirqs", this::softirqs);
    file(root, "stat", this::stat);
    file(root, "swaps", text("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"));
    root.file("sysrq-trigger", 0200, null, (c, s) -> {});
    file(root, "uptime", this::uptime);
    file(root, "version", text(UtsNamespace.SYSNAME + " version " + UtsNamespace.RELEASE
        + " (root@localhost) (javac 25) " + UtsNamespace.VERSION + "\n"));
    file(root, "vmstat", this::vmstat);
    file(root, "zoneinfo", this::zoneinfo);
    file(root, "buddyinfo", text("Node 0, zone   Normal      0      0      0      0      0      0      0      0      0"
        + "      0      0 \n"));
    root.link("mounts", "self/mounts");
    root.link("net", "self/net");
    root.dir("bus");
    root.dir("driver");
    root.dir("fs");
    root.dir("irq");
    KernDir tty = root.dir("tty");
    tty.file("drivers", text("/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
        + "/dev/console         /dev/console    5       1 system:console\n"
        + "/dev/ptmx            /dev/ptmx       5       2 system\n"
        + "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
        + "pty_master           /dev/ptm      128 0-1048575 pty:master\n"));
    tty.file("ldiscs", text("n_tty       0\n"));
    pressure(root.dir("pressure"));
    sysvipc(root.dir("sysvipc"));
  }

  /** The files of {@code /proc/[pid]/net}, which other parts of the kernel give, with headers for those they do not. */
  void buildNet(KernDir net) {
    header(net, "arp", "IP address       HW type     Flags       HW address            Mask     Device\n");
    header(net, "dev", "Inter-|   Receive                                                |  Transmit\n"
        + " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls"
        + " carrier compressed\n"
        + "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0"
        + "       0          0\n");
    header(net, "if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n");
    header(net, "ipv6_route", "");
    header(net, "netlink",
        "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
    header(net, "packet", "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n");
    header(net, "protocols", "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss"
        + " gs se re sp bi br ha uh gp em\n");
    header(net, "psched", "000003e8 00000040 000f4240 3b9aca00\n");
    header(net, "ptype", "Type Device      Function\n");
    header(net, "route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
        + "                                                       \n");
    String sockets = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
    String sockets6 = "  sl  local_address                         remote_address                        st tx_queue"
        + " rx_queue tr tm->when retrnsmt   uid  timeout inode";
    header(net, "raw", sockets + " ref pointer drops\n");
    header(net, "raw6", sockets6 + " ref pointer drops\n");
    header(net, "snmp", "");
    header(net, "netstat", "");
    header(net, "sockstat", "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\n");
    header(net, "sockstat6", "TCP6: inuse 0\nUDP6: inuse 0\n");
    header(net, "tcp", pad(sockets));
    header(net, "tcp6", sockets6 + "\n");
    header(net, "udp", sockets + " ref pointer drops             \n");
    header(net, "udp6", sockets6 + " ref pointer drops\n");
    header(net, "unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
    header(net, "wireless", "");
    header(net, "dev_mcast", "");
    header(net, "fib_trie", "");
    header(net, "igmp", "");
    for (Map.Entry<String, Content> more : given.below("net/")) {
      String name = more.getKey().substring(4);
      if (name.indexOf('/') < 0) {
        net.file(name, more.getValue());
      }
    }
  }

  /** Lines of {@code /proc/net/tcp} have a fixed width. */
  private static String pad(String line) {
    return line + " ".repeat(Math.max(0, 149 - line.length())) + "\n";
  }

  private void header(KernDir net, String name, String otherwise) {
    net.file(name, given.get("net/" + name, text(otherwise)));
  }

  private void file(KernDir dir, String name, Content content) {
    dir.file(name, given.get(name, content));
  }

  private static Content text(String content) {
    return (caller, out) -> out.append(content);
  }

  private void pressure(KernDir d) {
    String idle = "avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
    for (String resource : new String[] {"cpu", "io", "memory"}) {
      d.file(resource, "some " + idle + "full " + idle);
    }
  }

  private void sysvipc(KernDir d) {
    d.file("msg", given.get("sysvipc/msg", text("       key      msqid perms      cbytes       qnum lspid lrpid   uid"
        + "   gid  cuid  cgid      stime      rtime      ctime\n")));
    d.file("sem", given.get("sysvipc/sem", text("       key      semid perms      nsems   uid   gid  cuid  cgid"
        + "      otime      ctime\n")));
    d.file("shm", given.get("sysvipc/shm", text("       key      shmid perms                  size  cpid  lpid nattch"
        + "   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n")));
  }

  private int processors(Caller caller) {
    return CpuInfo.count(kernel.host(), caller);
  }

  private void interrupts(Caller caller, StringBuilder out) {
    cpuHeader(caller, out, "           ", "CPU%-8d");
    out.append("NMI:");
    for (int i = 0; i < processors(caller); i++) {
      out.append("          0");
    }
    out.append("   Non-maskable interrupts\n");
  }

  private void softirqs(Caller caller, StringBuilder out) {
    cpuHeader(caller, out, "                    ", "CPU%-8d");
    for (String kind : new String[] {"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED",
        "HRTIMER", "RCU"}) {
      out.append(String.format("%12s:", kind));
      for (int i = 0; i < processors(caller); i++) {
        out.append("          0");
      }
      out.append('\n');
    }
  }

  private void cpuHeader(Caller caller, StringBuilder out, String indent, String format) {
    out.append(indent);
    for (int i = 0; i < processors(caller); i++) {
      out.append(String.format(format, i));
    }
    out.append('\n');
  }

  private void loadavg(Caller caller, StringBuilder out) {
    int running = 0;
    int all = 0;
    for (ThreadGroup group : pids.threadGroups()) {
      for (Task task : group.tasks()) {
        all++;
        if (task.state() == 'R') {
          running++;
        }
      }
    }
    out.append("0.00 0.00 0.00 ").append(running).append('/').append(all).append(' ').append(pids.lastPid());
    out.append('\n');
  }

  private long uptimeNanos() {
    return Math.max(0, kernel.host().clock().realtimeNanos() - kernel.bootRealtimeNanos());
  }

  private void uptime(Caller caller, StringBuilder out) {
    long up = uptimeNanos();
    long busy = 0;
    for (ThreadGroup group : pids.threadGroups()) {
      busy += group.utime() + group.stime() + group.childUtime() + group.childStime();
    }
    centiseconds(out, up).append(' ');
    centiseconds(out, Math.max(0, up * processors(caller) - busy)).append('\n');
  }

  private static StringBuilder centiseconds(StringBuilder out, long nanos) {
    long hundredths = nanos / 10_000_000;
    return out.append(hundredths / 100).append('.').append(hundredths % 100 / 10).append(hundredths % 10);
  }

  private void stat(Caller caller, StringBuilder out) {
    long user = 0;
    long system = 0;
    int running = 0;
    for (ThreadGroup group : pids.threadGroups()) {
      user += group.utime() + group.childUtime();
      system += group.stime() + group.childStime();
      for (Task task : group.tasks()) {
        running += task.state() == 'R' ? 1 : 0;
      }
    }
    int cpus = processors(caller);
    long idle = Math.max(0, uptimeNanos() * cpus - user - system);
    out.append("cpu  ");
    cpuLine(out, user, system, idle);
    for (int i = 0; i < cpus; i++) {
      out.append("cpu").append(i).append(' ');
      cpuLine(out, user / cpus, system / cpus, idle / cpus);
    }
    out.append("intr 0\nctxt ").append(kernel.forkCount()).append("\nbtime ");
    out.append(kernel.bootRealtimeNanos() / Clocks.NANOS_PER_SECOND);
    out.append("\nprocesses ").append(kernel.forkCount());
    out.append("\nprocs_running ").append(running).append("\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
  }

  private static void cpuLine(StringBuilder out, long user, long system, long idle) {
    out.append(user / NANOS_PER_TICK).append(" 0 ").append(system / NANOS_PER_TICK).append(' ');
    out.append(idle / NANOS_PER_TICK).append(" 0 0 0 0 0 0\n");
  }

  private void vmstat(Caller caller, StringBuilder out) throws ErrnoException {
    MemInfo.Figures m = MemInfo.figures(kernel, caller);
    out.append("nr_free_pages ").append(m.free() / 4096).append("\nnr_inactive_anon 0\nnr_active_anon ");
    out.append(m.used() / 4096);
    out.append("\nnr_inactive_file 0\nnr_active_file 0\nnr_unevictable 0\nnr_mlock 0\nnr_anon_pages ");
    out.append(m.used() / 4096);
    out.append("\nnr_mapped 0\nnr_file_pages 0\nnr_dirty 0\nnr_writeback 0\nnr_shmem 0\npgpgin 0\npgpgout 0\npswpin 0\n"
        + "pswpout 0\npgfault 0\npgmajfault 0\noom_kill 0\n");
  }

  private void zoneinfo(Caller caller, StringBuilder out) throws ErrnoException {
    MemInfo.Figures m = MemInfo.figures(kernel, caller);
    out.append("Node 0, zone   Normal\n  pages free     ").append(m.free() / 4096);
    out.append("\n        min      0\n        low      0\n        high     0\n        spanned  ");
    out.append(m.total() / 4096);
    out.append("\n        present  ").append(m.total() / 4096).append("\n        managed  ").append(m.total() / 4096);
    out.append('\n');
  }
}
