package gvisor.host.seccomp;

/**
 * What a sandbox process may ask of the host once it has booted: memory, threads, the descriptors it was given, and its
 * own stub processes. No file can be opened, no program executed, no process or socket made. A call that is not listed
 * fails instead of killing, because the JVM tries some that it can do without.
 */
public final class SentryFilter {
  private static final int EPERM = 1, ENOENT = 2, ENOSYS = 38;

  private static final int NR_IOCTL = 16, NR_CLONE = 56, NR_CLONE3 = 435;
  private static final int CLONE_THREAD = 0x10000;

  /** Memory and threads of the JVM: mmap, mprotect, munmap, brk, mremap, msync, mincore, madvise and so on. */
  private static final int[] RUNTIME = {
    9, // mmap
    10, // mprotect
    11, // munmap
    12, // brk
    13, // rt_sigaction
    14, // rt_sigprocmask
    15, // rt_sigreturn
    24, // sched_yield
    25, // mremap
    26, // msync
    27, // mincore
    28, // madvise
    35, // nanosleep
    39, // getpid
    60, // exit
    96, // gettimeofday
    97, // getrlimit
    98, // getrusage
    99, // sysinfo
    100, // times
    102, // getuid
    104, // getgid
    107, // geteuid
    108, // getegid
    110, // getppid
    131, // sigaltstack
    157, // prctl
    186, // gettid
    200, // tkill
    202, // futex
    204, // sched_getaffinity
    219, // restart_syscall
    228, // clock_gettime
    229, // clock_getres
    230, // clock_nanosleep
    231, // exit_group
    273, // set_robust_list
    302, // prlimit64
    309, // getcpu
    318, // getrandom
    324, // membarrier
    334, // rseq
  };

  /** Descriptors that were handed over. */
  private static final int[] DESCRIPTORS = {
    0, // read
    1, // write
    3, // close
    5, // fstat
    7, // poll
    8, // lseek
    17, // pread64
    18, // pwrite64
    19, // readv
    20, // writev
    32, // dup
    33, // dup2
    44, // sendto
    45, // recvfrom
    46, // sendmsg
    47, // recvmsg
    48, // shutdown
    51, // getsockname
    52, // getpeername
    54, // setsockopt
    55, // getsockopt
    72, // fcntl
    74, // fsync
    75, // fdatasync
    77, // ftruncate
    232, // epoll_wait
    233, // epoll_ctl
    281, // epoll_pwait
    285, // fallocate
    288, // accept4
    290, // eventfd2
    291, // epoll_create1
    292, // dup3
    293, // pipe2
    295, // preadv
    296, // pwritev
    327, // preadv2
    328, // pwritev2
  };

  /** Stub processes, and kicking threads out of a virtual machine. */
  private static final int[] STUBS = {
    61, // wait4
    62, // kill
    101, // ptrace
    128, // rt_sigtimedwait
    203, // sched_setaffinity
    234, // tgkill
    247, // waitid
  };

  /**
   * Requests that {@code gvisor.host.Fd#terminalIoctl} passes on, TIOCSCTTY for the first process' terminal, and FIONBIO
   * and FIOCLEX of the JVM's sockets.
   */
  private static final int[] TERMINAL_REQUESTS = {
    0x5401, 0x5402, 0x5403, 0x5404, 0x540e, 0x5411, 0x5413, 0x5414, 0x541b, 0x5421, 0x5451, 0x802c542a, 0x402c542b,
    0x402c542c, 0x402c542d
  };

  /**
   * What {@code gvisor.host.kvm} asks of a virtual machine that is there: KVM_RUN, KVM_CREATE_VCPU,
   * KVM_SET_USER_MEMORY_REGION, KVM_GET_SREGS, KVM_SET_SREGS, KVM_SET_MSRS, KVM_SET_SIGNAL_MASK, KVM_SET_CPUID2,
   * KVM_GET_XSAVE, KVM_SET_XSAVE, KVM_SET_XCRS, KVM_SET_DEVICE_ATTR.
   */
  private static final int[] MACHINE_REQUESTS = {
    0xae80, 0xae41, 0x4020ae46, 0x8138ae83, 0x4138ae84, 0x4008ae89, 0x4004ae8b, 0x4008ae90, 0x9000aea4, 0x5000aea5,
    0x4188aea7, 0x4018aee1
  };

  /** What the JVM looks for in files, finding nothing: open, stat, lstat, access, openat, newfstatat, readlink... */
  private static final int[] FILES = {2, 4, 6, 21, 79, 89, 257, 262, 267, 269, 332, 437, 439};

  private SentryFilter() {}

  /** The filter. */
  public static Bpf program() {
    Bpf bpf = new Bpf().requireX8664().load(Bpf.NUMBER);
    bpf.allow(RUNTIME).allow(DESCRIPTORS).allow(STUBS).fail(ENOENT, FILES);
    // clone3's arguments cannot be seen from here; libc then takes clone.
    bpf.fail(ENOSYS, NR_CLONE3);
    bpf.jumpEqual(NR_CLONE, 0, 4);
    bpf.loadArgument(0, false).jumpAnySet(CLONE_THREAD, 0, 1).ret(Bpf.ALLOW).ret(Bpf.ERRNO | EPERM);
    bpf.jumpEqual(NR_IOCTL, 0, 2 + 2 * (MACHINE_REQUESTS.length + TERMINAL_REQUESTS.length));
    bpf.loadArgument(1, false).allow(MACHINE_REQUESTS).allow(TERMINAL_REQUESTS).ret(Bpf.ERRNO | EPERM);
    return bpf.ret(Bpf.ERRNO | EPERM);
  }
}
