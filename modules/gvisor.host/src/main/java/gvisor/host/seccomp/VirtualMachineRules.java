package gvisor.host.seccomp;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOSYS;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.host.seccomp.Rule.allow;
import static gvisor.host.seccomp.Rule.bits;
import static gvisor.host.seccomp.Rule.fail;
import static gvisor.host.seccomp.Rule.is;
import static gvisor.host.seccomp.Rule.isNull;

import java.util.List;

/** What a Java virtual machine and libc ask of the host while they run a program that touches nothing outside. */
final class VirtualMachineRules {
  private static final int PROT_EXEC = 4;

  /** CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID: libc's pthread_create. */
  private static final int NEW_THREAD = 0x3d0f00;

  private static final int PR_SET_NAME = 15, PR_GET_NAME = 16;

  private VirtualMachineRules() {}

  static List<Rule> rules() {
    return List.of(
        allow("mmap", 9, "heap, thread stacks, the memory file")
            .when("the memory is not to be executable", bits(2, PROT_EXEC, 0)),
        allow("mprotect", 10, "guard pages of thread stacks")
            .when("the memory is not to be executable", bits(2, PROT_EXEC, 0)),
        allow("munmap", 11, "thread stacks, shrinking heaps"),
        allow("brk", 12, "libc's heap"),
        allow("mremap", 25, "realloc of large blocks"),
        allow("mincore", 27, "the VM looks for pages of a stack that are there"),
        allow("madvise", 28, "gives unused memory back"),
        allow("rt_sigaction", 13, "the VM's own signal handlers"),
        allow("rt_sigprocmask", 14, "as above"),
        allow("rt_sigreturn", 15, "the end of a signal handler"),
        allow("sigaltstack", 131, "stack overflow is noticed on a second stack"),
        allow("rt_sigsuspend", 130, "a thread that the VM suspends"),
        allow("tgkill", 234, "signals to threads and stubs: the PID namespace holds no other process"),
        allow("tkill", 200, "as above"),
        allow("futex", 202, "every lock"),
        allow("sched_yield", 24, "spinning locks"),
        allow("nanosleep", 35, "sleeping"),
        allow("clock_nanosleep", 230, "sleeping"),
        allow("clock_gettime", 228, "clocks of threads, which the vDSO does not tell"),
        allow("clock_getres", 229, "as above"),
        allow("gettimeofday", 96, "where the vDSO has no clock"),
        allow("getrandom", 318, "random numbers"),
        allow("getpid", 39, "telling threads from the process"),
        allow("gettid", 186, "as above"),
        allow("getppid", 110, "as above"),
        allow("getuid", 102, "the VM's properties"),
        allow("geteuid", 107, "as above"),
        allow("getgid", 104, "as above"),
        allow("getegid", 108, "as above"),
        allow("uname", 63, "crash reports"),
        allow("sysinfo", 99, "how much memory there is"),
        allow("times", 100, "how long the VM has run"),
        allow("getrusage", 98, "as above"),
        allow("getrlimit", 97, "limits of stacks and descriptors"),
        allow("prlimit64", 302, "reads limits").when("it is its own and not to be changed", isNull(0), isNull(2)),
        allow("sched_getaffinity", 204, "how many processors there are"),
        allow("getcpu", 309, "where the vDSO does not tell"),
        allow("membarrier", 324, "cheap memory barriers"),
        allow("rseq", 334, "a new thread registers with the kernel"),
        allow("set_robust_list", 273, "as above"),
        allow("prctl", 157, "names of threads").when("PR_SET_NAME or PR_GET_NAME", is(0, PR_SET_NAME, PR_GET_NAME)),
        allow("clone", 56, "new threads").when("it is a thread, as libc makes them", is(0, NEW_THREAD)),
        fail("clone3", 435, ENOSYS, "its flags cannot be seen from here; libc takes clone then"),
        allow("restart_syscall", 219, "going on after a stop"),
        allow("exit", 60, "the end of a thread"),
        allow("exit_group", 231, "the end"),
        // What it looks for in files, finding nothing.
        fail("open", 2, ENOENT, "looked for by the VM and libc (zones, /proc, /sys, crash files), never needed"),
        fail("stat", 4, ENOENT, "as above"),
        fail("lstat", 6, ENOENT, "as above"),
        fail("access", 21, ENOENT, "as above"),
        fail("faccessat", 269, ENOENT, "as above"),
        fail("faccessat2", 439, ENOENT, "as above"),
        fail("readlink", 89, ENOENT, "as above"),
        fail("statx", 332, ENOENT, "as above"),
        fail("statfs", 137, ENOENT, "as above"),
        fail("getcwd", 79, ENOENT, "as above"),
        fail("unlink", 87, ENOENT, "as above"),
        fail("setpriority", 141, EACCES, "priorities of threads are left as they are"),
        fail("sched_setscheduler", 144, EPERM, "as above"),
        fail("mbind", 237, EPERM, "memory of a certain node is not asked for"),
        fail("get_mempolicy", 239, EPERM, "as above"),
        fail("mlock", 149, EPERM, "nothing is locked"));
  }
}
