package gvisor.host.libc;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;

/**
 * libc as direct-mapped JNA methods; each is the C function of the same name with pointers and {@code size_t} as
 * {@code long}. Variadic functions are declared with the arguments used here: on x86-64 the call is the same.
 *
 * <p>A failure is -1 with the reason in {@link #errno()}; {@link #check(long)} turns it into an exception.
 */
public final class Libc {
  static {
    // Unless told, JNA runs ldconfig to learn where libraries are: 10 ms and a process, for nothing.
    if (System.getProperty("jna.platform.library.path") == null) {
      System.setProperty("jna.platform.library.path", "/lib");
    }
    Native.register(Libc.class, NativeLibrary.getProcess());
  }

  private Libc() {}

  /** {@code int open(const char *path, int flags, mode_t mode)}. */
  public static native int open(long path, int flags, int mode);

  /** {@code int close(int fd)}. */
  public static native int close(int fd);

  /** {@code ssize_t read(int fd, void *buf, size_t count)}. */
  public static native long read(int fd, long buf, long count);

  /** {@code ssize_t write(int fd, const void *buf, size_t count)}. */
  public static native long write(int fd, long buf, long count);

  /** {@code ssize_t pread(int fd, void *buf, size_t count, off_t offset)}. */
  public static native long pread(int fd, long buf, long count, long offset);

  /** {@code ssize_t pwrite(int fd, const void *buf, size_t count, off_t offset)}. */
  public static native long pwrite(int fd, long buf, long count, long offset);

  /** {@code ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags)}. */
  public static native long preadv2(int fd, long iov, int count, long offset, int flags);

  /** {@code ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)}. */
  public static native long pwritev2(int fd, long iov, int count, long offset, int flags);

  /** {@code off_t lseek(int fd, off_t offset, int whence)}. */
  public static native long lseek(int fd, long offset, int whence);

  /** {@code int ftruncate(int fd, off_t length)}. */
  public static native int ftruncate(int fd, long length);

  /** {@code int fallocate(int fd, int mode, off_t offset, off_t length)}. */
  public static native int fallocate(int fd, int mode, long offset, long length);

  /** {@code int fsync(int fd)}. */
  public static native int fsync(int fd);

  /** {@code int fdatasync(int fd)}. */
  public static native int fdatasync(int fd);

  /** {@code int ioctl(int fd, unsigned long request, void *argument)}. */
  public static native int ioctl(int fd, long request, long argument);

  /** {@code int fcntl(int fd, int op, long argument)}. */
  public static native int fcntl(int fd, int op, long argument);

  /** {@code int poll(struct pollfd *fds, nfds_t n, int timeout)}. */
  public static native int poll(long fds, long count, int timeoutMillis);

  /** {@code int dup3(int from, int to, int flags)}. */
  public static native int dup3(int from, int to, int flags);

  /** {@code int pipe2(int fds[2], int flags)}. */
  public static native int pipe2(long fds, int flags);

  /** {@code int memfd_create(const char *name, unsigned int flags)}. */
  public static native int memfd_create(long name, int flags);

  /** {@code int eventfd(unsigned int value, int flags)}. */
  public static native int eventfd(int value, int flags);

  /** {@code void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)}. */
  public static native long mmap(long addr, long length, int prot, int flags, int fd, long offset);

  /** {@code int munmap(void *addr, size_t length)}. */
  public static native int munmap(long addr, long length);

  /** {@code int mprotect(void *addr, size_t length, int prot)}. */
  public static native int mprotect(long addr, long length, int prot);

  /** {@code int madvise(void *addr, size_t length, int advice)}. */
  public static native int madvise(long addr, long length, int advice);

  /** {@code int epoll_create1(int flags)}. */
  public static native int epoll_create1(int flags);

  /** {@code int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)}. */
  public static native int epoll_ctl(int epfd, int op, int fd, long event);

  /** {@code int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)}. */
  public static native int epoll_wait(int epfd, long events, int max, int timeoutMillis);

  /** {@code int socket(int domain, int type, int protocol)}. */
  public static native int socket(int domain, int type, int protocol);

  /** {@code int socketpair(int domain, int type, int protocol, int sv[2])}. */
  public static native int socketpair(int domain, int type, int protocol, long sv);

  /** {@code int bind(int fd, const struct sockaddr *addr, socklen_t length)}. */
  public static native int bind(int fd, long addr, int length);

  /** {@code int listen(int fd, int backlog)}. */
  public static native int listen(int fd, int backlog);

  /** {@code int connect(int fd, const struct sockaddr *addr, socklen_t length)}. */
  public static native int connect(int fd, long addr, int length);

  /** {@code int accept4(int fd, struct sockaddr *addr, socklen_t *length, int flags)}. */
  public static native int accept4(int fd, long addr, long length, int flags);

  /** {@code int shutdown(int fd, int how)}. */
  public static native int shutdown(int fd, int how);

  /** {@code ssize_t recv(int fd, void *buf, size_t length, int flags)}. */
  public static native long recv(int fd, long buf, long length, int flags);

  /** {@code ssize_t send(int fd, const void *buf, size_t length, int flags)}. */
  public static native long send(int fd, long buf, long length, int flags);

  /** {@code ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)}. */
  public static native long sendmsg(int fd, long msg, int flags);

  /** {@code ssize_t recvmsg(int fd, struct msghdr *msg, int flags)}. */
  public static native long recvmsg(int fd, long msg, int flags);

  /** {@code int getsockopt(int fd, int level, int name, void *value, socklen_t *length)}. */
  public static native int getsockopt(int fd, int level, int name, long value, long length);

  /** {@code int setsockopt(int fd, int level, int name, const void *value, socklen_t length)}. */
  public static native int setsockopt(int fd, int level, int name, long value, int length);

  /** {@code int clock_gettime(clockid_t clock, struct timespec *out)}. */
  public static native int clock_gettime(int clock, long out);

  /** {@code int setgroups(size_t size, const gid_t *list)}, of every thread. */
  public static native int setgroups(long size, long list);

  /** {@code int setresgid(gid_t real, gid_t effective, gid_t saved)}, of every thread. */
  public static native int setresgid(int real, int effective, int saved);

  /** {@code int setresuid(uid_t real, uid_t effective, uid_t saved)}, of every thread. */
  public static native int setresuid(int real, int effective, int saved);

  /** {@code int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)}. */
  public static native int mount(long source, long target, long type, long flags, long data);

  /** {@code int umount2(const char *target, int flags)}. */
  public static native int umount2(long target, int flags);

  /** {@code int chdir(const char *path)}. */
  public static native int chdir(long path);

  /** {@code int kill(pid_t pid, int signal)}. */
  public static native int kill(int pid, int signal);

  /** {@code pid_t waitpid(pid_t pid, int *status, int options)}. */
  public static native int waitpid(int pid, long status, int options);

  /** {@code int prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)}. */
  public static native int prctl(int op, long a, long b, long c, long d);

  /** {@code int sigprocmask(int how, const sigset_t *set, sigset_t *old)}: of the calling thread, in fact. */
  public static native int sigprocmask(int how, long set, long old);

  /** {@code int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *mask)}. */
  public static native int sched_setaffinity(int tid, long size, long mask);

  /** {@code int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *mask)}. */
  public static native int sched_getaffinity(int tid, long size, long mask);

  /** {@code long syscall(long number, ...)}: for what libc has no function for. */
  public static native long syscall(long number, long a, long b, long c, long d, long e, long f);

  /** The reason of this thread's last failed call here. */
  public static Errno errno() {
    return Errno.of(Native.getLastError());
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
}
