/* Calls that change the machine. Root asks only for what cannot be, so that nothing happens on a host; a user asks for
 * what could be. A kernel may be built without a part, and a container's root lacks capabilities: ENOSYS and EPERM are as
 * good an answer to root as Linux's own. */
#include "test.h"
#include <linux/reboot.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/swap.h>

/* As root: Linux's errno, or a refusal. */
#define REFUSED(want, call)                                                                                            \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    long r_ = (call);                                                                                                  \
    CHECK(r_ == -1 && (errno == (want) || errno == EPERM || errno == ENOSYS));                                         \
  } while (0)

/* As a user: no capability, or no such part of the kernel. */
#define FORBIDDEN(call) REFUSED(EPERM, call)

static long reboot_call(unsigned magic, unsigned magic2, unsigned cmd, void *arg) {
  return syscall(SYS_reboot, magic, magic2, cmd, arg);
}

static void as_root(void) {
  REFUSED(ENOENT, acct("/nowhere/at/all"));
  REFUSED(EISDIR, acct("/"));
  REFUSED(EFAULT, syscall(SYS_acct, BAD));
  REFUSED(ENOENT, swapon("/nowhere/at/all", 0));
  REFUSED(EINVAL, swapon("/dev/null", 0x7000000));
  REFUSED(EFAULT, syscall(SYS_swapon, BAD, 0));
  REFUSED(ENOENT, swapoff("/nowhere/at/all"));
  REFUSED(EFAULT, syscall(SYS_swapoff, BAD));
  REFUSED(EINVAL, iopl(4));
  REFUSED(EINVAL, iopl(-1));
  REFUSED(EINVAL, ioperm(-1UL, 10, 1));
  REFUSED(EINVAL, ioperm(65530, 100, 1));
  REFUSED(EFAULT, syscall(SYS_init_module, BAD, 100000UL, ""));
  REFUSED(ENOEXEC, syscall(SYS_init_module, "", 0UL, BAD));
  REFUSED(EBADF, syscall(SYS_finit_module, -1, "", 0));
  REFUSED(EINVAL, syscall(SYS_finit_module, 0, "", 0x1000));
  REFUSED(ENOENT, syscall(SYS_delete_module, "no_such_module", O_NONBLOCK));
  REFUSED(EFAULT, syscall(SYS_delete_module, BAD, O_NONBLOCK));
  REFUSED(EINVAL, reboot_call(0, 0, 0, NULL));
  REFUSED(EINVAL, reboot_call(LINUX_REBOOT_MAGIC1, 1, LINUX_REBOOT_CMD_RESTART, NULL));
  REFUSED(EINVAL, reboot_call(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 0x12345, NULL));
  REFUSED(EINVAL, syscall(SYS_kexec_load, 0, 0, NULL, 0x1000));
  REFUSED(EINVAL, syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0x1000));
  REFUSED(EINVAL, syscall(SYS_quotactl, 0x7fffffff, "/nowhere", 0, NULL));
  REFUSED(EBADF, syscall(SYS_quotactl_fd, -1, 0, 0, NULL));
}

static void log_calls(void) {
  char b[64];
  FAILS(EINVAL, klogctl(99, NULL, 0));
  FAILS(EINVAL, klogctl(-1, NULL, 0));
  FAILS(EINVAL, klogctl(3, NULL, 10));
  FAILS(EINVAL, klogctl(3, b, -1));
  FAILS(EINVAL, klogctl(8, NULL, 0));
  FAILS(EINVAL, klogctl(8, NULL, 9));
  CHECK(OK(klogctl(10, NULL, 0)) >= 4096);
  CHECK(OK(klogctl(9, NULL, 0)) >= 0);
  EQ(0, klogctl(3, b, 0));
  CHECK(OK(klogctl(3, b, sizeof b)) <= (long)sizeof b);
  EQ(0, klogctl(0, NULL, 0));
  EQ(0, klogctl(1, NULL, 0));
  FAILS(EFAULT, syscall(SYS_syslog, 3, (void *)0xffff800000000000, 64));
}

static void as_user(void) {
  FORBIDDEN(acct("/tmp/none"));
  FORBIDDEN(acct(NULL));
  FORBIDDEN(swapon("/tmp/none", 0));
  FORBIDDEN(swapoff("/tmp/none"));
  FORBIDDEN(iopl(3));
  FORBIDDEN(ioperm(0x80, 1, 1));
  FORBIDDEN(syscall(SYS_init_module, "", 0UL, ""));
  FORBIDDEN(syscall(SYS_finit_module, 0, "", 0));
  FORBIDDEN(syscall(SYS_delete_module, "no_such_module", O_NONBLOCK));
  FORBIDDEN(reboot_call(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL));
  FORBIDDEN(syscall(SYS_kexec_load, 0, 0, NULL, 0));
  FORBIDDEN(syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0));
  FAILS(EPERM, syscall(SYS_vhangup));
  FAILS(EPERM, chroot("/"));
  FAILS(EPERM, sethostname("x", 1));
  FAILS(EPERM, setdomainname("x", 1));
  FAILS(EPERM, klogctl(2, "", 0));
  FAILS(EPERM, klogctl(5, NULL, 0));
  FAILS(EPERM, klogctl(8, NULL, 4));
}

int main(void) {
  as_root();
  log_calls();
  pid_t p = OK(fork());
  if (p == 0) {
    failures = 0;
    if (setgid(1234) || setuid(1234)) _exit(2);
    as_user();
    _exit(failures != 0);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  DONE();
}
