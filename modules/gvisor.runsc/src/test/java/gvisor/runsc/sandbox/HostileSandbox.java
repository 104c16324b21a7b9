package gvisor.runsc.sandbox;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/** What {@link EscapeTest} runs in the place of a sandbox: one that has been taken over, and tries to get out. */
final class HostileSandbox {
  private static final long AT_FDCWD = -100;
  private static final int SIGKILL = 9, SIGTERM = 15;

  private HostileSandbox() {}

  /** Calls that must end the process, by their names; {@code parent} is the process that started it. */
  static Map<String, LongSupplier> deadly(long parent) {
    Map<String, LongSupplier> calls = new LinkedHashMap<>();
    MemorySegment zeros = HostKernel.memory(4096);
    long memory = zeros.address();
    // Programs and processes.
    put(calls, "execve", 59, HostKernel.text("/bin/sh"), memory, memory);
    put(calls, "execveat", 322, AT_FDCWD, HostKernel.text("/bin/sh"), memory, memory, 0);
    put(calls, "fork", 57);
    put(calls, "vfork", 58);
    put(calls, "clone", 56, 17 /* SIGCHLD */, 0, 0, 0, 0);
    put(calls, "clone: a thread in a user namespace", 56, 0x3d0f00L | 0x10000000L, memory, 0, 0, 0);
    put(calls, "kill: a signal to the parent", 62, parent, SIGTERM);
    put(calls, "pidfd_open", 434, parent, 0);
    put(calls, "pidfd_send_signal", 424, 3, SIGKILL, 0, 0);
    put(calls, "rt_sigqueueinfo", 129, parent, SIGTERM, memory);
    put(calls, "ptrace: attach", 101, 16, parent, 0, 0);
    put(calls, "ptrace: poke", 101, 4, parent, 0, 0);
    put(calls, "process_vm_readv", 310, parent, memory, 1, memory, 1, 0);
    put(calls, "process_vm_writev", 311, parent, memory, 1, memory, 1, 0);
    put(calls, "setns", 308, 3, 0);
    put(calls, "unshare", 272, 0x10000000);
    // Files.
    put(calls, "mount", 165, HostKernel.text("proc"), HostKernel.text("/"), HostKernel.text("proc"), 0, 0);
    put(calls, "umount2", 166, HostKernel.text("/"), 2);
    put(calls, "pivot_root", 155, HostKernel.text("/"), HostKernel.text("/"));
    put(calls, "chroot", 161, HostKernel.text("/"));
    put(calls, "open_tree", 428, AT_FDCWD, HostKernel.text("/"), 1);
    put(calls, "fsopen", 430, HostKernel.text("proc"), 0);
    put(calls, "mknodat", 259, AT_FDCWD, HostKernel.text("/sda"), 0060600, 0x800);
    put(calls, "mkdirat", 258, AT_FDCWD, HostKernel.text("/d"), 0755);
    put(calls, "linkat", 265, 3, HostKernel.text(""), AT_FDCWD, HostKernel.text("/f"), 0x1000);
    put(calls, "symlinkat", 266, HostKernel.text("/"), AT_FDCWD, HostKernel.text("/l"));
    put(calls, "renameat2", 316, AT_FDCWD, HostKernel.text("/a"), AT_FDCWD, HostKernel.text("/b"), 0);
    put(calls, "fchmod", 91, 1, 0777);
    put(calls, "fchown", 93, 1, 0, 0);
    put(calls, "name_to_handle_at", 303, AT_FDCWD, HostKernel.text("/"), memory, memory, 0);
    put(calls, "open_by_handle_at", 304, AT_FDCWD, memory, 0);
    put(calls, "getdents64", 217, 3, memory, 4096);
    put(calls, "io_uring_setup", 425, 1, memory);
    put(calls, "fcntl: who gets signals of a descriptor", 72, 3, 8, parent);
    put(calls, "ioctl: typing into a terminal", 16, 1, 0x5412, memory);
    put(calls, "ioctl: another virtual machine", 16, 1, 0xae01, 0);
    put(calls, "memfd_create", 319, HostKernel.text("x"), 0);
    // Connections.
    put(calls, "socket", 41, 1, 1, 0);
    put(calls, "socketpair", 53, 1, 1, 0, memory);
    put(calls, "connect", 42, 3, memory, 16);
    put(calls, "bind", 49, 3, memory, 16);
    put(calls, "listen", 50, 3, 1);
    put(calls, "sendto: with an address", 44, 3, memory, 1, 0, memory, 16);
    put(calls, "setsockopt", 54, 3, 1, 33, memory, 4);
    // Code.
    put(calls, "mmap: executable memory", 9, 0, 4096, 7, 0x22, -1, 0);
    put(calls, "mprotect: executable memory", 10, memory & -4096L, 4096, 5);
    put(calls, "pkey_mprotect", 329, memory & -4096L, 4096, 5, -1);
    // Rights and the machine.
    put(calls, "setuid", 105, 0);
    put(calls, "setresuid", 117, 0, 0, 0);
    put(calls, "setgroups", 116, 0, memory);
    put(calls, "capset", 126, memory, memory);
    put(calls, "prctl: dumpable", 157, 4, 1, 0, 0, 0);
    put(calls, "prctl: keep capabilities", 157, 8, 1, 0, 0, 0);
    put(calls, "seccomp", 317, 0, 0, 0);
    put(calls, "prlimit64: of the parent", 302, parent, 7, 0, memory);
    put(calls, "prlimit64: more", 302, 0, 7, memory, 0);
    put(calls, "bpf", 321, 0, memory, 64);
    put(calls, "perf_event_open", 298, memory, 0, -1, -1, 0);
    put(calls, "userfaultfd", 323, 0);
    put(calls, "keyctl", 250, 0, -3, 0, 0, 0);
    put(calls, "init_module", 175, memory, 1, memory);
    put(calls, "kexec_load", 246, 0, 0, 0, 0);
    put(calls, "reboot", 169, 0xfee1dead, 672274793, 0x89abcdef, 0);
    put(calls, "clock_settime", 227, 0, memory);
    put(calls, "sethostname", 170, HostKernel.text("x"), 1);
    put(calls, "syslog", 103, 2, memory, 4096);
    put(calls, "iopl", 172, 3);
    put(calls, "modify_ldt", 154, 0, memory, 16);
    put(calls, "shmget", 29, 0, 4096, 01600);
    put(calls, "getpid of the x32 ABI", 0x40000000L | 39);
    return calls;
  }

  /** Calls that fail and leave the process alive, with what they must give. */
  static Map<String, long[]> refused(long parent) {
    Map<String, long[]> calls = new LinkedHashMap<>();
    long passwd = HostKernel.text("/etc/passwd");
    MemorySegment how = HostKernel.memory(24);
    how.set(ValueLayout.JAVA_LONG, 0, 0);
    calls.put("open", new long[] {HostKernel.ENOENT, 2, passwd, 0, 0});
    calls.put("openat", new long[] {HostKernel.ENOENT, 257, AT_FDCWD, passwd, 0, 0});
    calls.put("openat: write to /proc", new long[] {
        HostKernel.ENOENT, 257, AT_FDCWD, HostKernel.text("/proc/sys/kernel/core_pattern"), 1, 0});
    calls.put("openat2", new long[] {HostKernel.ENOENT, 437, AT_FDCWD, passwd, how.address(), 24});
    calls.put("stat", new long[] {HostKernel.ENOENT, 4, passwd, how.address()});
    calls.put("readlink", new long[] {HostKernel.ENOENT, 89, HostKernel.text("/proc/self/exe"), how.address(), 8});
    calls.put("unlink", new long[] {HostKernel.ENOENT, 87, passwd});
    calls.put("clone3", new long[] {HostKernel.ENOSYS, 435, how.address(), 64});
    // Of a PID namespace of its own it sees nobody else.
    calls.put("kill the parent", new long[] {HostKernel.ESRCH, 62, parent, SIGKILL});
    calls.put("tgkill the parent", new long[] {HostKernel.ESRCH, 234, parent, parent, SIGKILL});
    calls.put("seize the parent", new long[] {HostKernel.ESRCH, 101, 0x4206, parent, 0, 0});
    return calls;
  }

  /** Calls that must end one whose applications have sockets of the host: those that make or name one, or hold pointers. */
  static Map<String, LongSupplier> deadlyWithSockets() {
    Map<String, LongSupplier> calls = new LinkedHashMap<>();
    MemorySegment zeros = HostKernel.memory(4096);
    long memory = zeros.address();
    put(calls, "socket: AF_INET", 41, 2, 1, 0);
    put(calls, "socket: AF_UNIX", 41, 1, 1, 0);
    put(calls, "socket: AF_NETLINK", 41, 16, 3, 0);
    put(calls, "connect", 42, 3, memory, 16);
    put(calls, "bind", 49, 3, memory, 16);
    put(calls, "listen", 50, 3, 1);
    put(calls, "setsockopt: SO_ATTACH_FILTER", 54, 3, 1, 26, memory, 16);
    put(calls, "setsockopt: SO_ATTACH_BPF", 54, 3, 1, 50, memory, 4);
    put(calls, "setsockopt: TCP_REPAIR", 54, 3, 6, 19, memory, 4);
    put(calls, "setsockopt: TCP_ULP", 54, 3, 6, 31, memory, 4);
    put(calls, "setsockopt: SOL_NETLINK", 54, 3, 270, 1, memory, 4);
    put(calls, "setsockopt: IPT_SO_SET_REPLACE", 54, 3, 0, 64, memory, 64);
    put(calls, "getsockopt: TCP_ZEROCOPY_RECEIVE", 55, 3, 6, 35, memory, memory);
    put(calls, "sendto: with an address", 44, 3, memory, 1, 0, memory, 16);
    put(calls, "ioctl: SIOCSIFFLAGS", 16, 3, 0x8914, memory);
    return calls;
  }

  private static void put(Map<String, LongSupplier> calls, String name, long number, long... arguments) {
    calls.put(name, () -> HostKernel.call(number, arguments));
  }

  /**
   * Makes the call named by the second argument, or all that leave it alive. The first is the parent's number; a third
   * says that there are sockets of the host.
   */
  public static void main(String[] args) throws Exception {
    ConfinedProcess.openClassPath();
    long parent = Long.parseLong(args[0]);
    Map<String, LongSupplier> deadly = deadly(parent);
    Map<String, long[]> refused = refused(parent);
    HostKernel.call(39); // what the first call loads
    StringBuilder wrong = new StringBuilder();
    Privileges.giveUpFiles(true);
    if (args.length > 2) {
      deadly = deadlyWithSockets();
    }
    ConfinedProcess.confined(Privileges.restrictCalls("ptrace", args.length > 2));
    if (args.length > 1) {
      System.out.println("lives: " + deadly.get(args[1]).getAsLong());
    } else {
      for (Map.Entry<String, long[]> e : refused.entrySet()) {
        long[] call = e.getValue();
        long result = HostKernel.call(call[1], java.util.Arrays.copyOfRange(call, 2, call.length));
        if (result != call[0]) {
          wrong.append(e.getKey()).append(": ").append(result).append('\n');
        }
      }
      System.out.println(wrong.isEmpty() ? "all refused" : wrong);
    }
    Runtime.getRuntime().halt(0);
  }
}
