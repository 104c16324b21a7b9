/* Calls that this project refuses, that Linux removed, or that it never had. Their arguments cannot be, so that Linux
 * refuses them as well, whatever it is built with: the errno is Linux's or ENOSYS, nothing happens, and nothing dies. */
#include "test.h"

#define REFUSED(want, call)                                                                                            \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    long r_ = (call);                                                                                                  \
    CHECK(r_ == -1 && (errno == (want) || errno == ENOSYS));                                                           \
  } while (0)

static void removed(void) {
  FAILS(ENOSYS, syscall(SYS__sysctl, NULL));
  FAILS(ENOSYS, syscall(SYS_create_module, "m", 1));
  FAILS(ENOSYS, syscall(SYS_get_kernel_syms, NULL));
  FAILS(ENOSYS, syscall(SYS_query_module, "m", 0, NULL, 0, NULL));
  FAILS(ENOSYS, syscall(SYS_nfsservctl, 0, NULL, NULL));
  FAILS(ENOSYS, syscall(SYS_getpmsg, 0, NULL, NULL, NULL, NULL));
  FAILS(ENOSYS, syscall(SYS_putpmsg, 0, NULL, NULL, 0, 0));
  FAILS(ENOSYS, syscall(SYS_afs_syscall, 0, 0, 0, 0, 0));
  FAILS(ENOSYS, syscall(SYS_tuxcall, 0, 0, 0));
  FAILS(ENOSYS, syscall(SYS_security, 0, 0, 0));
  FAILS(ENOSYS, syscall(SYS_vserver, 0, 0, 0));
  FAILS(ENOSYS, syscall(SYS_uselib, "/none"));
  FAILS(ENOSYS, syscall(SYS_set_thread_area, NULL));
  FAILS(ENOSYS, syscall(SYS_get_thread_area, NULL));
  FAILS(ENOSYS, syscall(SYS_epoll_ctl_old, 0, 0, 0, NULL));
  FAILS(ENOSYS, syscall(SYS_epoll_wait_old, 0, NULL, 0, 0));
  FAILS(ENOSYS, syscall(400));
  FAILS(ENOSYS, syscall(511));
  FAILS(ENOSYS, syscall(100000));
  FAILS(ENOSYS, syscall(-1));
  REFUSED(ENOENT, syscall(SYS_lookup_dcookie, 0, NULL, 0));
  REFUSED(EINVAL, syscall(SYS_ustat, -1UL, NULL));
  REFUSED(EINVAL, syscall(SYS_sysfs, 99, 0, 0));
}

static void built_without(void) {
  char b[16];
  /* Its result is an int in an unsigned register. */
  int ldt = syscall(SYS_modify_ldt, 99, b, sizeof b);
  CHECK(ldt == -ENOSYS || (ldt == -1 && errno == ENOSYS));
  REFUSED(EINVAL, syscall(SYS_remap_file_pages, b, 4096UL, 1, 0UL, 0));
  REFUSED(EINVAL, syscall(SYS_add_key, "no such type", "d", b, -1UL, 0));
  REFUSED(ENOKEY, syscall(SYS_request_key, "user", "conformance: none", NULL, 0));
  REFUSED(EOPNOTSUPP, syscall(SYS_keyctl, 0xffff, 0, 0, 0, 0));
  REFUSED(EINVAL, syscall(SYS_fanotify_init, -1, 0));
  REFUSED(EINVAL, syscall(SYS_fanotify_mark, -1, 0, 0, -1, "/"));
  REFUSED(EFAULT, syscall(SYS_io_uring_setup, 1, BAD));
  REFUSED(EBADF, syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
  REFUSED(EINVAL, syscall(SYS_io_uring_register, -1, 0, NULL, 0));
  REFUSED(EINVAL, syscall(SYS_open_tree, -1, "", -1));
  REFUSED(EINVAL, syscall(SYS_move_mount, -1, "", -1, "", -1));
  REFUSED(EINVAL, syscall(SYS_fsopen, "none", -1));
  REFUSED(EINVAL, syscall(SYS_fsconfig, -1, 99, NULL, NULL, 0));
  REFUSED(EINVAL, syscall(SYS_fsmount, -1, -1, 0));
  REFUSED(EINVAL, syscall(SYS_fspick, -1, "", -1));
  REFUSED(EINVAL, syscall(SYS_mount_setattr, -1, "", -1, NULL, 0));
}

/* What a kernel has and lets nobody use: the errno says so. */
static void forbidden(void) {
  errno = 0;
  CHECK(syscall(SYS_userfaultfd, -1) == -1 && (errno == EINVAL || errno == EPERM || errno == ENOSYS));
  CHECK(syscall(SYS_bpf, 9999, NULL, 0) == -1 && (errno == EINVAL || errno == EPERM || errno == ENOSYS));
  char attr[128] = {[4] = 127};
  CHECK(syscall(SYS_perf_event_open, attr, 0, -1, -1, 1UL << 40) == -1
        && (errno == EINVAL || errno == ENOENT || errno == EACCES || errno == ENOSYS));
  int mount_id;
  char handle[64] = {0};
  CHECK(syscall(SYS_name_to_handle_at, AT_FDCWD, "/", handle, &mount_id, 0x7) == -1
        && (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS));
  CHECK(syscall(SYS_open_by_handle_at, -1, handle, 0) == -1
        && (errno == EBADF || errno == EINVAL || errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS));
  CHECK(syscall(SYS_rseq, NULL, 0, 0, 0) == -1 && (errno == EINVAL || errno == ENOSYS));
}

int main(void) {
  removed();
  built_without();
  forbidden();
  DONE();
}
