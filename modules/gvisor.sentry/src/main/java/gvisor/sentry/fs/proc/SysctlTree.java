package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.UtsNamespace;
import gvisor.sentry.vfs.Caller;

/**
 * {@code /proc/sys}. Values that this kernel acts on come from where they act; those that programs only look at, or set
 * and expect to find again, are stored.
 */
final class SysctlTree {
  private static final long MAX_INT = Integer.MAX_VALUE;

  private final Kernel kernel;
  private final PidNamespace pids;
  private final Sysctls values;
  private final String bootId;

  SysctlTree(Kernel kernel, PidNamespace pids) {
    this.kernel = kernel;
    this.pids = pids;
    this.values = Sysctls.of(kernel);
    this.bootId = kernel.part(BootId.class, BootId::new).text;
  }

  /** One random number a boot. */
  private static final class BootId {
    final String text;

    BootId(Kernel kernel) {
      text = uuid(kernel);
    }
  }

  /** Fills {@code sys}. */
  void build(KernDir sys) {
    kernel(sys.dir("kernel"));
    fs(sys.dir("fs"));
    vm(sys.dir("vm"));
    net(sys.dir("net"));
    user(sys.dir("user"));
    KernDir debug = sys.dir("debug");
    number(debug, "debug", "exception-trace", 1, 0, 1);
    KernDir dev = sys.dir("dev");
    KernDir tty = dev.dir("tty");
    fixed(tty, "ldisc_autoload", "0");
    sys.dir("abi");
  }

  private void kernel(KernDir d) {
    String at = "kernel";
    d.file("hostname", 0644, (c, out) -> out.append(uts(c).hostname()).append('\n'),
        (c, text) -> uts(c).setHostname(name(c, text)));
    d.file("domainname", 0644, (c, out) -> out.append(uts(c).domainname()).append('\n'),
        (c, text) -> uts(c).setDomainname(name(c, text)));
    fixed(d, "ostype", UtsNamespace.SYSNAME);
    fixed(d, "osrelease", UtsNamespace.RELEASE);
    fixed(d, "version", UtsNamespace.VERSION);
    fixed(d, "arch", UtsNamespace.MACHINE);
    fixed(d, "cap_last_cap", Integer.toString(Capability.CAP_LAST_CAP));
    fixed(d, "ngroups_max", "65536");
    fixed(d, "overflowuid", "65534");
    fixed(d, "overflowgid", "65534");
    fixed(d, "pid_max", Integer.toString(PidNamespace.PID_MAX));
    d.file("ns_last_pid", (c, out) -> out.append(pids.lastPid()).append('\n'));
    fixed(d, "threads-max", Integer.toString(Kernel.MAX_TASKS));
    number(d, at, "randomize_va_space", 2, 0, 2);
    text(d, at, "core_pattern", "core");
    number(d, at, "core_uses_pid", 0, 0, 1);
    number(d, at, "core_pipe_limit", 0, 0, MAX_INT);
    number(d, at, "panic", 0, Integer.MIN_VALUE, MAX_INT);
    number(d, at, "panic_on_oops", 0, 0, 1);
    number(d, at, "sysrq", 0, 0, 511);
    fixed(d, "tainted", "0");
    numbers(d, at, "printk", "4\t4\t1\t7", 4, 0, 8);
    number(d, at, "dmesg_restrict", 1, 0, 1);
    number(d, at, "kptr_restrict", 1, 0, 2);
    number(d, at, "perf_event_paranoid", 3, -1, 4);
    number(d, at, "unprivileged_bpf_disabled", 2, 0, 2);
    number(d, at, "unprivileged_userns_clone", 1, 0, 1);
    number(d, at, "print-fatal-signals", 0, 0, 1);
    number(d, at, "sched_child_runs_first", 0, 0, 1);
    number(d, at, "sched_autogroup_enabled", 0, 0, 1);
    number(d, at, "sched_rt_period_us", 1_000_000, 1, MAX_INT);
    number(d, at, "sched_rt_runtime_us", 950_000, -1, MAX_INT);
    number(d, at, "hung_task_timeout_secs", 120, 0, MAX_INT);
    fixed(d, "modules_disabled", "1");
    text(d, at, "modprobe", "/sbin/modprobe");
    text(d, at, "hotplug", "");
    ipc(d, at);
    random(d.dir("random"));
    KernDir yama = d.dir("yama");
    number(yama, at + "/yama", "ptrace_scope", 1, 0, 3);
    KernDir keys = d.dir("keys");
    number(keys, at + "/keys", "maxkeys", 200, 0, MAX_INT);
    number(keys, at + "/keys", "maxbytes", 20000, 0, MAX_INT);
    number(keys, at + "/keys", "root_maxkeys", 1_000_000, 0, MAX_INT);
    number(keys, at + "/keys", "root_maxbytes", 25_000_000, 0, MAX_INT);
    KernDir pty = d.dir("pty");
    fixed(pty, "max", "4096");
    fixed(pty, "reserve", "1024");
    KernDir seccomp = d.dir("seccomp");
    fixed(seccomp, "actions_avail", "kill_process kill_thread trap errno trace log allow");
  }

  private void ipc(KernDir d, String at) {
    numbers(d, at, "sem", "32000\t1024000000\t500\t32000", 4, 0, MAX_INT);
    number(d, at, "shmmax", Long.MAX_VALUE - (1 << 24), 0, Long.MAX_VALUE);
    number(d, at, "shmall", Long.MAX_VALUE - (1 << 24), 0, Long.MAX_VALUE);
    number(d, at, "shmmni", 4096, 0, 32768);
    number(d, at, "shm_rmid_forced", 0, 0, 1);
    number(d, at, "msgmax", 8192, 0, MAX_INT);
    number(d, at, "msgmni", 32000, 0, MAX_INT);
    number(d, at, "msgmnb", 16384, 0, MAX_INT);
    number(d, at, "auto_msgmni", 0, 0, 1);
  }

  private void random(KernDir d) {
    fixed(d, "boot_id", bootId);
    d.file("uuid", (c, out) -> out.append(uuid(kernel)).append('\n'));
    fixed(d, "entropy_avail", "256");
    fixed(d, "poolsize", "256");
    number(d, "kernel/random", "write_wakeup_threshold", 256, 0, 256);
    number(d, "kernel/random", "urandom_min_reseed_secs", 60, 0, MAX_INT);
  }

  private void fs(KernDir d) {
    String at = "fs";
    number(d, at, "file-max", Long.MAX_VALUE, 0, Long.MAX_VALUE);
    d.file("file-nr",
        (c, out) -> out.append("0\t0\t").append(values.get("fs/file-max", "" + Long.MAX_VALUE)).append('\n'));
    number(d, at, "nr_open", 1 << 20, 64, 1 << 20);
    fixed(d, "inode-nr", "0\t0");
    fixed(d, "inode-state", "0\t0\t0\t0\t0\t0\t0");
    fixed(d, "dentry-state", "0\t0\t45\t0\t0\t0");
    number(d, at, "pipe-max-size", 1 << 20, 4096, 1L << 31);
    number(d, at, "pipe-user-pages-hard", 0, 0, MAX_INT);
    number(d, at, "pipe-user-pages-soft", 16384, 0, MAX_INT);
    number(d, at, "aio-max-nr", 65536, 0, MAX_INT);
    fixed(d, "aio-nr", "0");
    number(d, at, "leases-enable", 1, 0, 1);
    number(d, at, "lease-break-time", 45, 0, MAX_INT);
    number(d, at, "mount-max", 100_000, 1, MAX_INT);
    number(d, at, "overflowuid", 65534, 0, 65535);
    number(d, at, "overflowgid", 65534, 0, 65535);
    fixed(d, "protected_symlinks", "1");
    number(d, at, "protected_hardlinks", 1, 0, 1);
    number(d, at, "protected_fifos", 0, 0, 2);
    number(d, at, "protected_regular", 0, 0, 2);
    number(d, at, "suid_dumpable", 0, 0, 2);
    KernDir inotify = d.dir("inotify");
    number(inotify, at + "/inotify", "max_queued_events", 16384, 0, MAX_INT);
    number(inotify, at + "/inotify", "max_user_instances", 128, 0, MAX_INT);
    number(inotify, at + "/inotify", "max_user_watches", 65536, 0, MAX_INT);
    number(d.dir("epoll"), at + "/epoll", "max_user_watches", 1_000_000, 0, Long.MAX_VALUE);
    KernDir mqueue = d.dir("mqueue");
    number(mqueue, at + "/mqueue", "msg_default", 10, 1, 65536);
    number(mqueue, at + "/mqueue", "msg_max", 10, 1, 65536);
    number(mqueue, at + "/mqueue", "msgsize_default", 8192, 128, 16 << 20);
    number(mqueue, at + "/mqueue", "msgsize_max", 8192, 128, 16 << 20);
    number(mqueue, at + "/mqueue", "queues_max", 256, 0, MAX_INT);
    d.dir("binfmt_misc");
  }

  private void vm(KernDir d) {
    String at = "vm";
    number(d, at, "overcommit_memory", 0, 0, 2);
    number(d, at, "overcommit_ratio", 50, 0, MAX_INT);
    number(d, at, "overcommit_kbytes", 0, 0, Long.MAX_VALUE);
    number(d, at, "max_map_count", 65530, 0, MAX_INT);
    number(d, at, "mmap_min_addr", 65536, 0, Long.MAX_VALUE);
    number(d, at, "mmap_rnd_bits", 28, 28, 32);
    number(d, at, "swappiness", 60, 0, 200);
    number(d, at, "min_free_kbytes", 16384, 0, MAX_INT);
    number(d, at, "user_reserve_kbytes", 131072, 0, Long.MAX_VALUE);
    number(d, at, "admin_reserve_kbytes", 8192, 0, Long.MAX_VALUE);
    number(d, at, "dirty_ratio", 20, 0, 100);
    number(d, at, "dirty_background_ratio", 10, 0, 100);
    number(d, at, "dirty_bytes", 0, 0, Long.MAX_VALUE);
    number(d, at, "dirty_background_bytes", 0, 0, Long.MAX_VALUE);
    number(d, at, "dirty_expire_centisecs", 3000, 0, MAX_INT);
    number(d, at, "dirty_writeback_centisecs", 500, 0, MAX_INT);
    number(d, at, "vfs_cache_pressure", 100, 0, MAX_INT);
    number(d, at, "page-cluster", 3, 0, MAX_INT);
    number(d, at, "nr_hugepages", 0, 0, 0);
    number(d, at, "nr_overcommit_hugepages", 0, 0, 0);
    number(d, at, "hugetlb_shm_group", 0, 0, MAX_INT);
    number(d, at, "panic_on_oom", 0, 0, 2);
    number(d, at, "oom_kill_allocating_task", 0, 0, 1);
    number(d, at, "oom_dump_tasks", 1, 0, 1);
    number(d, at, "legacy_va_layout", 0, 0, 1);
    number(d, at, "zone_reclaim_mode", 0, 0, 7);
    number(d, at, "stat_interval", 1, 0, MAX_INT);
    number(d, at, "unprivileged_userfaultfd", 0, 0, 1);
    // Caches drop what they can by themselves; asking for it is allowed and has no effect.
    d.file("drop_caches", 0200, null, (c, text) -> inRange(text, 1, 4));
    d.file("compact_memory", 0200, null, (c, text) -> inRange(text, 1, 1));
  }

  private void net(KernDir d) {
    KernDir core = d.dir("core");
    String at = "net/core";
    number(core, at, "somaxconn", 4096, 0, 65535);
    number(core, at, "rmem_default", 212_992, 256, MAX_INT);
    number(core, at, "rmem_max", 212_992, 256, MAX_INT);
    number(core, at, "wmem_default", 212_992, 256, MAX_INT);
    number(core, at, "wmem_max", 212_992, 256, MAX_INT);
    number(core, at, "optmem_max", 20480, 0, MAX_INT);
    number(core, at, "netdev_max_backlog", 1000, 0, MAX_INT);
    text(core, at, "default_qdisc", "pfifo_fast");
    number(d.dir("unix"), "net/unix", "max_dgram_qlen", 512, 0, MAX_INT);
    ipv4(d.dir("ipv4"));
    KernDir v6 = d.dir("ipv6");
    KernDir conf = v6.dir("conf");
    for (String device : new String[] {"all", "default", "lo"}) {
      KernDir c = conf.dir(device);
      number(c, "net/ipv6/conf/" + device, "disable_ipv6", 0, 0, 1);
      number(c, "net/ipv6/conf/" + device, "forwarding", 0, 0, 1);
      number(c, "net/ipv6/conf/" + device, "accept_ra", 1, 0, 2);
    }
    number(v6, "net/ipv6", "bindv6only", 0, 0, 1);
  }

  private void ipv4(KernDir d) {
    String at = "net/ipv4";
    number(d, at, "ip_forward", 0, 0, 1);
    numbers(d, at, "ip_local_port_range", "32768\t60999", 2, 1, 65535);
    text(d, at, "ip_local_reserved_ports", "");
    number(d, at, "ip_default_ttl", 64, 1, 255);
    number(d, at, "ip_nonlocal_bind", 0, 0, 1);
    number(d, at, "ip_unprivileged_port_start", 1024, 0, 65535);
    numbers(d, at, "ping_group_range", "1\t0", 2, 0, MAX_INT);
    number(d, at, "icmp_echo_ignore_all", 0, 0, 1);
    numbers(d, at, "tcp_rmem", "4096\t131072\t6291456", 3, 1, MAX_INT);
    numbers(d, at, "tcp_wmem", "4096\t16384\t4194304", 3, 1, MAX_INT);
    number(d, at, "tcp_sack", 1, 0, 1);
    number(d, at, "tcp_dsack", 1, 0, 1);
    number(d, at, "tcp_timestamps", 1, 0, 2);
    number(d, at, "tcp_window_scaling", 1, 0, 1);
    number(d, at, "tcp_recovery", 1, 0, 7);
    number(d, at, "tcp_syncookies", 1, 0, 2);
    number(d, at, "tcp_fastopen", 0, 0, MAX_INT);
    number(d, at, "tcp_tw_reuse", 2, 0, 2);
    number(d, at, "tcp_fin_timeout", 60, 0, MAX_INT);
    number(d, at, "tcp_keepalive_time", 7200, 0, 32767);
    number(d, at, "tcp_keepalive_intvl", 75, 0, 32767);
    number(d, at, "tcp_keepalive_probes", 9, 0, 127);
    number(d, at, "tcp_syn_retries", 6, 1, 127);
    number(d, at, "tcp_synack_retries", 5, 0, 255);
    number(d, at, "tcp_retries1", 3, 0, 255);
    number(d, at, "tcp_retries2", 15, 0, MAX_INT);
    number(d, at, "tcp_max_syn_backlog", 128, 0, MAX_INT);
    number(d, at, "tcp_moderate_rcvbuf", 1, 0, 1);
    number(d, at, "tcp_slow_start_after_idle", 1, 0, 1);
    fixed(d, "tcp_available_congestion_control", "reno");
    fixed(d, "tcp_allowed_congestion_control", "reno");
    text(d, at, "tcp_congestion_control", "reno");
    KernDir conf = d.dir("conf");
    for (String device : new String[] {"all", "default", "lo"}) {
      KernDir c = conf.dir(device);
      number(c, at + "/conf/" + device, "forwarding", 0, 0, 1);
      number(c, at + "/conf/" + device, "rp_filter", 0, 0, 2);
      number(c, at + "/conf/" + device, "accept_redirects", 0, 0, 1);
    }
  }

  private void user(KernDir d) {
    for (String kind : new String[] {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
      number(d, "user", "max_" + kind + "_namespaces", 1024, 0, MAX_INT);
    }
    number(d, "user", "max_inotify_instances", 128, 0, MAX_INT);
    number(d, "user", "max_inotify_watches", 65536, 0, MAX_INT);
  }

  private void fixed(KernDir dir, String name, String value) {
    dir.file(name, value + "\n");
  }

  private void number(KernDir dir, String at, String name, long initial, long least, long most) {
    numbers(dir, at, name, Long.toString(initial), 1, least, most);
  }

  private void numbers(KernDir dir, String at, String name, String initial, int count, long least, long most) {
    String key = at + "/" + name;
    dir.file(name, 0644, (c, out) -> out.append(values.get(key, initial)).append('\n'),
        (c, text) -> values.setNumbers(key, text, count, least, most));
  }

  private void text(KernDir dir, String at, String name, String initial) {
    String key = at + "/" + name;
    dir.file(name, 0644, (c, out) -> out.append(values.get(key, initial)).append('\n'),
        (c, text) -> values.set(key, line(text)));
  }

  private static void inRange(String text, long least, long most) throws ErrnoException {
    long n = Sysctls.parse(text.strip());
    if (n < least || n > most) {
      throw EINVAL.error();
    }
  }

  /** The first line, as Linux takes strings. */
  private static String line(String text) {
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }

  private static UtsNamespace uts(Caller caller) throws ErrnoException {
    if (caller instanceof Task task) {
      return task.uts();
    }
    throw EINVAL.error();
  }

  private static String name(Caller caller, String text) throws ErrnoException {
    if (!caller.creds().has(Capability.CAP_SYS_ADMIN)) {
      throw EPERM.error();
    }
    String name = line(text);
    if (name.length() > UtsNamespace.MAX_LENGTH) {
      throw EINVAL.error();
    }
    return name;
  }

  /** A random UUID, version 4. */
  private static String uuid(Kernel kernel) {
    long high = kernel.host().entropy().nextLong() & ~0xf000L | 0x4000L;
    long low = kernel.host().entropy().nextLong() & ~(3L << 62) | 1L << 63;
    return new java.util.UUID(high, low).toString();
  }
}
