package gvisor.host.seccomp;

import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.host.seccomp.Rule.allow;
import static gvisor.host.seccomp.Rule.fail;
import static gvisor.host.seccomp.Rule.is;
import static gvisor.host.seccomp.Rule.isNull;

import gvisor.api.host.HostSocketOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a sandbox process may ask of the host once it has booted: memory that is not executable, threads, the descriptors
 * it was given, and what its platform needs. No file can be opened, no program executed, no process or socket made.
 * Whatever is not listed here ends the process.
 */
public final class SentryFilter {
  private static final int SIGKILL = 9;
  private static final int SOL_SOCKET = 1;

  private SentryFilter() {}

  /** Descriptors that were handed over, and those that carry events between threads. */
  private static List<Rule> descriptors() {
    return List.of(
        allow("read", 0, "the memory file, files of the gofer, standard input"),
        allow("write", 1, "the same, and the log"),
        allow("pread64", 17, "files"),
        allow("pwrite64", 18, "files"),
        allow("readv", 19, "files"),
        allow("writev", 20, "files"),
        allow("preadv2", 327, "standard files without waiting"),
        allow("pwritev2", 328, "as above"),
        allow("lseek", 8, "files: holes, positions"),
        allow("fstat", 5, "files: sizes"),
        allow("ftruncate", 77, "files that applications truncate"),
        allow("fallocate", 285, "gives pages of the memory file back; fallocate of applications"),
        allow("fsync", 74, "fsync of applications"),
        allow("fdatasync", 75, "as above"),
        allow("close", 3, "descriptors that are not needed any more"),
        allow("fcntl", 72, "duplicates, and whether a standard file waits")
            .when("F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL", is(1, 1030, 1, 2, 3)),
        allow("poll", 7, "whether a standard file is ready"),
        allow("epoll_create1", 291, "one thread waits for all of them"),
        allow("epoll_ctl", 233, "as above"),
        allow("epoll_wait", 232, "as above"),
        allow("eventfd2", 290, "waking that thread"),
        allow("recvmsg", 47, "the gofer's replies, control requests, and descriptors beside them"),
        allow("sendmsg", 46, "requests to the gofer, control answers"),
        allow("recvfrom", 45, "connected sockets").when("no address is asked for", isNull(4)),
        allow("sendto", 44, "connected sockets").when("no address is given", isNull(4)),
        allow("accept4", 288, "connections to the control socket"),
        allow("shutdown", 48, "the end of a connection"),
        allow("setsockopt", 54, "time limits of the control connection")
            .when("SO_RCVTIMEO or SO_SNDTIMEO", is(1, SOL_SOCKET), is(2, 20, 21)),
        allow("getsockopt", 55, "what a descriptor is, and who a peer of the control socket is")
            .when("SO_TYPE, SO_ERROR or SO_PEERCRED", is(1, SOL_SOCKET), is(2, 3, 4, 17)),
        fail("openat", 257, ENOENT, "looked for by the VM and libc, never needed"),
        fail("newfstatat", 262, ENOENT, "as above"),
        fail("readlinkat", 267, ENOENT, "as above"),
        fail("openat2", 437, ENOENT, "as above"),
        allow("ioctl", 16, "a terminal among the standard files: settings, size, bytes that wait")
            .when(
                "TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, TIOCSWINSZ, TIOCOUTQ, FIONREAD, TCGETS2, TCSETS2, "
                    + "TCSETSW2 or TCSETSF2",
                is(1, 0x5401, 0x5402, 0x5403, 0x5404, 0x5413, 0x5414, 0x5411, 0x541b, 0x802c542a, 0x402c542b,
                    0x402c542c, 0x402c542d))
            .when("TIOCSCTTY that takes it from nobody", is(1, 0x540e), isNull(2)));
  }

  /** Of the ptrace platform. */
  private static List<Rule> stubs() {
    return List.of(
        allow("ptrace", 101, "application code runs in stubs, which are traced")
            .when(
                "PTRACE_GETREGS, SETREGS, SYSEMU, CONT, GETSIGINFO, GETREGSET, SETREGSET, INTERRUPT, SEIZE, "
                    + "SETOPTIONS, PEEKTEXT or DETACH",
                is(0, 12, 13, 31, 7, 0x4202, 0x4204, 0x4205, 0x4207, 0x4206, 0x4200, 1, 17)),
        allow("wait4", 61, "the next stop of a stub"),
        allow("kill", 62, "the end of a stub: the PID namespace holds no other process")
            .when("SIGKILL", is(1, SIGKILL)),
        allow("sched_setaffinity", 203, "a task and its stub share a processor"));
  }

  /** Of the KVM platform. */
  private static List<Rule> machine() {
    return List.of(
        allow("ioctl", 16, "the virtual machine, which is open")
            .when(
                "KVM_RUN, KVM_CREATE_VCPU, KVM_SET_USER_MEMORY_REGION, KVM_GET_SREGS, KVM_SET_SREGS, KVM_SET_MSRS, "
                    + "KVM_SET_SIGNAL_MASK, KVM_SET_CPUID2, KVM_GET_XSAVE, KVM_SET_XSAVE, KVM_SET_XCRS or "
                    + "KVM_SET_DEVICE_ATTR",
                is(1, 0xae80, 0xae41, 0x4020ae46, 0x8138ae83, 0x4138ae84, 0x4008ae89, 0x4004ae8b, 0x4008ae90,
                    0x9000aea4, 0x5000aea5, 0x4188aea7, 0x4018aee1)),
        allow("rt_sigtimedwait", 128, "takes back a kick that came late"));
  }

  /**
   * The list for {@code platform}; for one that is not known here, all that any needs.
   */
  public static List<Rule> rules(String platform) {
    List<Rule> rules = new ArrayList<>();
    if (!platform.equals("kvm")) {
      rules.addAll(stubs());
    }
    if (!platform.equals("ptrace")) {
      rules.addAll(machine());
    }
    if (platform.equals("kvm")) {
      // The poller's thread starts with the first standard file that is not ready, and asks on every platform.
      rules.add(fail("sched_setaffinity", 203, EPERM, "no thread is bound to a processor, and none has to be freed"));
    }
    for (Rule rule : descriptors()) {
      merge(rules, rule);
    }
    rules.addAll(VirtualMachineRules.rules());
    return List.copyOf(rules);
  }

  /** What a sandbox needs besides whose applications have sockets of the host: nothing that makes or names one. */
  public static List<Rule> passthrough() {
    Rule set = allow("setsockopt", 54, "options of applications' sockets that are plain data");
    Rule get = allow("getsockopt", 55, "options of applications' sockets that are plain data");
    for (HostSocketOptions.Level level : HostSocketOptions.LEVELS) {
      List<Integer> readable = new ArrayList<>(level.settable());
      readable.addAll(level.readable());
      set = set.when(text(level, level.settable()), is(1, level.number()), is(2, ints(level.settable())));
      get = get.when(text(level, readable), is(1, level.number()), is(2, ints(readable)));
    }
    return List.of(
        set,
        get,
        allow("getsockname", 51, "names of applications' sockets"),
        allow("getpeername", 52, "as above"),
        allow("ioctl", 16, "where urgent data is").when("SIOCATMARK", is(1, 0x8905)));
  }

  private static String text(HostSocketOptions.Level level, List<Integer> names) {
    return level.name() + " " + names.stream().map(String::valueOf).collect(Collectors.joining(" "));
  }

  private static int[] ints(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  /** The list for {@code platform}, with {@link #passthrough} where applications have sockets of the host. */
  public static List<Rule> rules(String platform, boolean hostNetwork) {
    List<Rule> rules = new ArrayList<>(rules(platform));
    if (hostNetwork) {
      for (Rule rule : passthrough()) {
        merge(rules, rule);
      }
    }
    return List.copyOf(rules);
  }

  /** The filter for {@code platform} without sockets of the host. */
  public static Bpf program(String platform, int otherwise) {
    return program(platform, false, otherwise);
  }

  /** The filter for {@code platform}; {@code otherwise} is what becomes of calls that are not listed. */
  public static Bpf program(String platform, boolean hostNetwork, int otherwise) {
    return Rule.compile(rules(platform, hostNetwork), otherwise);
  }

  /** A call has one rule, with the conditions of all that ask for it. */
  private static void merge(List<Rule> rules, Rule more) {
    for (int i = 0; i < rules.size(); i++) {
      Rule rule = rules.get(i);
      if (rule.number() == more.number()) {
        List<Rule.Condition> both = new ArrayList<>(rule.conditions());
        both.addAll(more.conditions());
        rules.set(i, new Rule(rule.name(), rule.number(), rule.action(), both, 0, rule.why() + "; " + more.why()));
        return;
      }
    }
    rules.add(more);
  }
}
