package gvisor.host.libc;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;

/**
 * The host's system calls under the names of libc's functions, with pointers and {@code size_t} as {@code long}. A
 * failure is -1 with the reason in {@link #errno()}; {@link #check(long)} turns it into an exception.
 *
 * <p>Two ways lead there ({@link HostCalls}): a process that makes a few hundred calls and ends goes through JNA; one
 * that makes millions has {@code -Dgvisor.host.calls=foreign} on its command line.
 */
public final class Libc {
  private static final int NR_READ = 0, NR_WRITE = 1, NR_CLOSE = 3, NR_POLL = 7, NR_LSEEK = 8;
  private static final int NR_PREAD64 = 17, NR_PWRITE64 = 18, NR_MADVISE = 28;
  private static final int NR_SOCKET = 41, NR_CONNECT = 42, NR_SENDTO = 44, NR_RECVFROM = 45, NR_SENDMSG = 46;
  private static final int NR_RECVMSG = 47, NR_SHUTDOWN = 48, NR_BIND = 49, NR_LISTEN = 50, NR_SOCKETPAIR = 53;
  private static final int NR_SETSOCKOPT = 54, NR_GETSOCKOPT = 55, NR_FCNTL = 72, NR_FSYNC = 74, NR_FDATASYNC = 75;
  private static final int NR_FTRUNCATE = 77, NR_MOUNT = 165, NR_UMOUNT2 = 166, NR_SCHED_SETAFFINITY = 203;
  private static final int NR_SCHED_GETAFFINITY = 204, NR_EPOLL_WAIT = 232, NR_EPOLL_CTL = 233, NR_OPENAT = 257;
  private static final int NR_FALLOCATE = 285, NR_ACCEPT4 = 288, NR_EVENTFD2 = 290, NR_EPOLL_CREATE1 = 291;
  private static final int NR_PIPE2 = 293, NR_MEMFD_CREATE = 319, NR_PREADV2 = 327, NR_PWRITEV2 = 328;

  private static final int AT_FDCWD = -100;
  private static final int SIGSET_SIZE = 8;
  private static final int MAX_ERRNO = 4095;

  private static final HostCalls CALLS =
      System.getProperty("gvisor.host.calls", "").equals("foreign") ? new ForeignCalls() : new JnaCalls();

  /** The error number of each thread's last failed call. */
  private static final ThreadLocal<int[]> LAST_ERROR = ThreadLocal.withInitial(() -> new int[1]);

  private Libc() {}

  /** {@code int open(const char *path, int flags, mode_t mode)}. */
  public static int open(long path, int flags, int mode) {
    return (int) call(NR_OPENAT, AT_FDCWD, path, flags, mode);
  }

  /** {@code int close(int fd)}. */
  public static int close(int fd) {
    return (int) call(NR_CLOSE, fd);
  }

  /** {@code ssize_t read(int fd, void *buf, size_t count)}. */
  public static long read(int fd, long buf, long count) {
    return call(NR_READ, fd, buf, count);
  }

  /** {@code ssize_t write(int fd, const void *buf, size_t count)}. */
  public static long write(int fd, long buf, long count) {
    return call(NR_WRITE, fd, buf, count);
  }

  /** {@code ssize_t pread(int fd, void *buf, size_t count, off_t offset)}. */
  public static long pread(int fd, long buf, long count, long offset) {
    return call(NR_PREAD64, fd, buf, count, offset);
  }

  /** {@code ssize_t pwrite(int fd, const void *buf, size_t count, off_t offset)}. */
  public static long pwrite(int fd, long buf, long count, long offset) {
    return call(NR_PWRITE64, fd, buf, count, offset);
  }

  /** {@code ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags)}. */
  public static long preadv2(int fd, long iov, int count, long offset, int flags) {
    return call(NR_PREADV2, fd, iov, count, offset, 0, flags);
  }

  /** {@code ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)}. */
  public static long pwritev2(int fd, long iov, int count, long offset, int flags) {
    return call(NR_PWRITEV2, fd, iov, count, offset, 0, flags);
  }

  /** {@code off_t lseek(int fd, off_t offset, int whence)}. */
  public static long lseek(int fd, long offset, int whence) {
    return call(NR_LSEEK, fd, offset, whence);
  }

  /** {@code int ftruncate(int fd, off_t length)}. */
  public static int ftruncate(int fd, long length) {
    return (int) call(NR_FTRUNCATE, fd, length);
  }

  /** {@code int fallocate(int fd, int mode, off_t offset, off_t length)}. */
  public static int fallocate(int fd, int mode, long offset, long length) {
    return (int) call(NR_FALLOCATE, fd, mode, offset, length);
  }

  /** {@code int fsync(int fd)}. */
  public static int fsync(int fd) {
    return (int) call(NR_FSYNC, fd);
  }

  /** {@code int fdatasync(int fd)}. */
  public static int fdatasync(int fd) {
    return (int) call(NR_FDATASYNC, fd);
  }

  /** {@code int ioctl(int fd, unsigned long request, void *argument)}. */
  public static int ioctl(int fd, long request, long argument) {
    return (int) call(Sys.NR_IOCTL, fd, request, argument);
  }

  /** {@code int fcntl(int fd, int op, long argument)}. */
  public static int fcntl(int fd, int op, long argument) {
    return (int) call(NR_FCNTL, fd, op, argument);
  }

  /** {@code int poll(struct pollfd *fds, nfds_t n, int timeout)}. */
  public static int poll(long fds, long count, int timeoutMillis) {
    return (int) call(NR_POLL, fds, count, timeoutMillis);
  }

  /** {@code int dup3(int from, int to, int flags)}. */
  public static int dup3(int from, int to, int flags) {
    return (int) call(Sys.NR_DUP3, from, to, flags);
  }

  /** {@code int pipe2(int fds[2], int flags)}. */
  public static int pipe2(long fds, int flags) {
    return (int) call(NR_PIPE2, fds, flags);
  }

  /** {@code int memfd_create(const char *name, unsigned int flags)}. */
  public static int memfd_create(long name, int flags) {
    return (int) call(NR_MEMFD_CREATE, name, flags);
  }

  /** {@code int eventfd(unsigned int value, int flags)}. */
  public static int eventfd(int value, int flags) {
    return (int) call(NR_EVENTFD2, value, flags);
  }

  /** {@code void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)}. */
  public static long mmap(long addr, long length, int prot, int flags, int fd, long offset) {
    return call(Sys.NR_MMAP, addr, length, prot, flags, fd, offset);
  }

  /** {@code int munmap(void *addr, size_t length)}. */
  public static int munmap(long addr, long length) {
    return (int) call(Sys.NR_MUNMAP, addr, length);
  }

  /** {@code int mprotect(void *addr, size_t length, int prot)}. */
  public static int mprotect(long addr, long length, int prot) {
    return (int) call(Sys.NR_MPROTECT, addr, length, prot);
  }

  /** {@code int madvise(void *addr, size_t length, int advice)}. */
  public static int madvise(long addr, long length, int advice) {
    return (int) call(NR_MADVISE, addr, length, advice);
  }

  /** {@code int epoll_create1(int flags)}. */
  public static int epoll_create1(int flags) {
    return (int) call(NR_EPOLL_CREATE1, flags);
  }

  /** {@code int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)}. */
  public static int epoll_ctl(int epfd, int op, int fd, long event) {
    return (int) call(NR_EPOLL_CTL, epfd, op, fd, event);
  }

  /** {@code int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)}. */
  public static int epoll_wait(int epfd, long events, int max, int timeoutMillis) {
    return (int) call(NR_EPOLL_WAIT, epfd, events, max, timeoutMillis);
  }

  /** {@code int socket(int domain, int type, int protocol)}. */
  public static int socket(int domain, int type, int protocol) {
    return (int) call(NR_SOCKET, domain, type, protocol);
  }

  /** {@code int socketpair(int domain, int type, int protocol, int sv[2])}. */
  public static int socketpair(int domain, int type, int protocol, long sv) {
    return (int) call(NR_SOCKETPAIR, domain, type, protocol, sv);
  }

  /** {@code int bind(int fd, const struct sockaddr *addr, socklen_t length)}. */
  public static int bind(int fd, long addr, int length) {
    return (int) call(NR_BIND, fd, addr, length);
  }

  /** {@code int listen(int fd, int backlog)}. */
  public static int listen(int fd, int backlog) {
    return (int) call(NR_LISTEN, fd, backlog);
  }

  /** {@code int connect(int fd, const struct sockaddr *addr, socklen_t length)}. */
  public static int connect(int fd, long addr, int length) {
    return (int) call(NR_CONNECT, fd, addr, length);
  }

  /** {@code int accept4(int fd, struct sockaddr *addr, socklen_t *length, int flags)}. */
  public static int accept4(int fd, long addr, long length, int flags) {
    return (int) call(NR_ACCEPT4, fd, addr, length, flags);
  }

  /** {@code int shutdown(int fd, int how)}. */
  public static int shutdown(int fd, int how) {
    return (int) call(NR_SHUTDOWN, fd, how);
  }

  /** {@code ssize_t recv(int fd, void *buf, size_t length, int flags)}. */
  public static long recv(int fd, long buf, long length, int flags) {
    return call(NR_RECVFROM, fd, buf, length, flags);
  }

  /** {@code ssize_t send(int fd, const void *buf, size_t length, int flags)}. */
  public static long send(int fd, long buf, long length, int flags) {
    return call(NR_SENDTO, fd, buf, length, flags);
  }

  /** {@code ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)}. */
  public static long sendmsg(int fd, long msg, int flags) {
    return call(NR_SENDMSG, fd, msg, flags);
  }

  /** {@code ssize_t recvmsg(int fd, struct msghdr *msg, int flags)}. */
  public static long recvmsg(int fd, long msg, int flags) {
    return call(NR_RECVMSG, fd, msg, flags);
  }

  /** {@code int getsockopt(int fd, int level, int name, void *value, socklen_t *length)}. */
  public static int getsockopt(int fd, int level, int name, long value, long length) {
    return (int) call(NR_GETSOCKOPT, fd, level, name, value, length);
  }

  /** {@code int setsockopt(int fd, int level, int name, const void *value, socklen_t length)}. */
  public static int setsockopt(int fd, int level, int name, long value, int length) {
    return (int) call(NR_SETSOCKOPT, fd, level, name, value, length);
  }

  /** {@code int clock_gettime(clockid_t clock, struct timespec *out)}. */
  public static int clock_gettime(int clock, long out) {
    return (int) call(Sys.NR_CLOCK_GETTIME, clock, out);
  }

  /** {@code int setgroups(size_t size, const gid_t *list)}, of every thread: libc sees to that, the kernel does not. */
  public static int setgroups(long size, long list) {
    return (int) result(CALLS.function("setgroups", size, list, 0));
  }

  /** {@code int setresgid(gid_t real, gid_t effective, gid_t saved)}, of every thread. */
  public static int setresgid(int real, int effective, int saved) {
    return (int) result(CALLS.function("setresgid", real, effective, saved));
  }

  /** {@code int setresuid(uid_t real, uid_t effective, uid_t saved)}, of every thread. */
  public static int setresuid(int real, int effective, int saved) {
    return (int) result(CALLS.function("setresuid", real, effective, saved));
  }

  /** {@code int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)}. */
  public static int mount(long source, long target, long type, long flags, long data) {
    return (int) call(NR_MOUNT, source, target, type, flags, data);
  }

  /** {@code int umount2(const char *target, int flags)}. */
  public static int umount2(long target, int flags) {
    return (int) call(NR_UMOUNT2, target, flags);
  }

  /** {@code int chdir(const char *path)}. */
  public static int chdir(long path) {
    return (int) call(Sys.NR_CHDIR, path);
  }

  /** {@code int kill(pid_t pid, int signal)}. */
  public static int kill(int pid, int signal) {
    return (int) call(Sys.NR_KILL, pid, signal);
  }

  /** {@code pid_t waitpid(pid_t pid, int *status, int options)}. */
  public static int waitpid(int pid, long status, int options) {
    return (int) call(Sys.NR_WAIT4, pid, status, options);
  }

  /** {@code int prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)}. */
  public static int prctl(int op, long a, long b, long c, long d) {
    return (int) call(Sys.NR_PRCTL, op, a, b, c, d);
  }

  /** {@code int sigprocmask(int how, const sigset_t *set, sigset_t *old)}, with sets of 8 bytes: of the calling thread. */
  public static int sigprocmask(int how, long set, long old) {
    return (int) call(Sys.NR_RT_SIGPROCMASK, how, set, old, SIGSET_SIZE);
  }

  /** {@code int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *mask)}. */
  public static int sched_setaffinity(int tid, long size, long mask) {
    return (int) call(NR_SCHED_SETAFFINITY, tid, size, mask);
  }

  /** {@code int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *mask)}. */
  public static int sched_getaffinity(int tid, long size, long mask) {
    return (int) Math.min(0, call(NR_SCHED_GETAFFINITY, tid, size, mask));
  }

  /** {@code long syscall(long number, ...)}: for what libc has no function for. */
  public static long syscall(long number, long a, long b, long c, long d, long e, long f) {
    return result(CALLS.syscall(number, a, b, c, d, e, f));
  }

  /** The reason of this thread's last failed call here. */
  public static Errno errno() {
    return Errno.of(LAST_ERROR.get()[0]);
  }

  /** {@code result}, unless it is -1: then the reason is thrown. */
  public static long check(long result) throws ErrnoException {
    if (result == -1) {
      throw errno().error();
    }
    return result;
  }

  /** {@code result}, unless it is -1: then the reason is thrown. */
  public static int check(int result) throws ErrnoException {
    if (result == -1) {
      throw errno().error();
    }
    return result;
  }

  private static long call(int number, long a) {
    return result(CALLS.syscall(number, a, 0, 0, 0, 0, 0));
  }

  private static long call(int number, long a, long b) {
    return result(CALLS.syscall(number, a, b, 0, 0, 0, 0));
  }

  private static long call(int number, long a, long b, long c) {
    return result(CALLS.syscall(number, a, b, c, 0, 0, 0));
  }

  private static long call(int number, long a, long b, long c, long d) {
    return result(CALLS.syscall(number, a, b, c, d, 0, 0));
  }

  private static long call(int number, long a, long b, long c, long d, long e) {
    return result(CALLS.syscall(number, a, b, c, d, e, 0));
  }

  private static long call(int number, long a, long b, long c, long d, long e, long f) {
    return result(CALLS.syscall(number, a, b, c, d, e, f));
  }

  private static long result(long result) {
    if (result < 0 && result >= -MAX_ERRNO) {
      LAST_ERROR.get()[0] = (int) -result;
      return -1;
    }
    return result;
  }
}
