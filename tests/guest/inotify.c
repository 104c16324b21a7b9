/* The inotify calls. */
#include "tmpdir.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

static int in;
static char buffer[65536];
static long have, at;

/* The next event; name NULL for none. */
static struct inotify_event *next(void) {
  if (at >= have) {
    have = read(in, buffer, sizeof buffer);
    at = 0;
    if (have <= 0) return NULL;
  }
  struct inotify_event *e = (struct inotify_event *)(buffer + at);
  at += sizeof *e + e->len;
  return e;
}

static uint32_t expect_(int line, int wd, uint32_t mask, const char *name) {
  struct inotify_event *e = next();
  if (!e || e->wd != wd || e->mask != mask || strcmp(e->len ? e->name : "", name ? name : "") != 0) {
    printf("inotify.c:%d: want wd %d mask %x %s, got wd %d mask %x %s\n", line, wd, mask, name ? name : "-",
           e ? e->wd : -1, e ? e->mask : 0, e && e->len ? e->name : "-");
    failures++;
  }
  return e ? e->cookie : 0;
}
#define EXPECT(wd, mask, name) expect_(__LINE__, wd, mask, name)
#define NOTHING() CHECK(next() == NULL)

int main(void) {
  tmpdir_enter();
  in = OK(inotify_init1(IN_NONBLOCK));
  OK(mkdir("d", 0755));
  int wd = OK(inotify_add_watch(in, "d", IN_ALL_EVENTS));
  CHECK(wd >= 1);
  NOTHING();
  EQ(EAGAIN, errno);
  int fd = OK(open("d/f", O_RDWR | O_CREAT, 0600));
  EXPECT(wd, IN_CREATE, "f");
  EXPECT(wd, IN_OPEN, "f");
  EQ(2, write(fd, "ab", 2));
  EXPECT(wd, IN_MODIFY, "f");
  char c;
  EQ(1, pread(fd, &c, 1, 0));
  EXPECT(wd, IN_ACCESS, "f");
  OK(ftruncate(fd, 1));
  EXPECT(wd, IN_MODIFY, "f");
  OK(fchmod(fd, 0644));
  EXPECT(wd, IN_ATTRIB, "f");
  struct pollfd p = {in, POLLIN, 0};
  EQ(0, poll(&p, 1, 0));
  OK(close(fd));
  EQ(1, poll(&p, 1, 0));
  int n;
  OK(ioctl(in, FIONREAD, &n));
  EQ(32, n);
  EXPECT(wd, IN_CLOSE_WRITE, "f");
  OK(rename("d/f", "d/g"));
  uint32_t a = EXPECT(wd, IN_MOVED_FROM, "f"), b = EXPECT(wd, IN_MOVED_TO, "g");
  CHECK(a != 0 && a == b);
  OK(mkdir("d/sub", 0755));
  EXPECT(wd, IN_CREATE | IN_ISDIR, "sub");
  OK(rmdir("d/sub"));
  EXPECT(wd, IN_DELETE | IN_ISDIR, "sub");
  int fw = OK(inotify_add_watch(in, "d/g", IN_MODIFY | IN_DELETE_SELF | IN_ATTRIB));
  CHECK(fw != wd);
  EQ(fw, inotify_add_watch(in, "d/g", IN_MODIFY | IN_DELETE_SELF | IN_ATTRIB));
  FAILS(EEXIST, inotify_add_watch(in, "d/g", IN_MODIFY | IN_MASK_CREATE));
  OK(unlink("d/g"));
  EXPECT(fw, IN_ATTRIB, NULL);
  EXPECT(fw, IN_DELETE_SELF, NULL);
  EXPECT(fw, IN_IGNORED, NULL);
  EXPECT(wd, IN_DELETE, "g");
  FAILS(EINVAL, inotify_rm_watch(in, fw));
  OK(inotify_rm_watch(in, wd));
  EXPECT(wd, IN_IGNORED, NULL);
  wd = OK(inotify_add_watch(in, "d", IN_CREATE | IN_ONESHOT));
  put_file("d/h", "x");
  put_file("d/i", "x");
  EXPECT(wd, IN_CREATE, "h");
  EXPECT(wd, IN_IGNORED, NULL);
  NOTHING();
  /* A buffer too small for the next event. */
  wd = OK(inotify_add_watch(in, "d", IN_CREATE));
  put_file("d/j", "x");
  char small[20];
  FAILS(EINVAL, read(in, small, sizeof small));
  EXPECT(wd, IN_CREATE, "j");
  OK(rename("d", "e"));
  put_file("e/k", "x");
  EXPECT(wd, IN_CREATE, "k");
  FAILS(ENOENT, inotify_add_watch(in, "none", IN_CREATE));
  FAILS(ENOTDIR, inotify_add_watch(in, "e/k", IN_CREATE | IN_ONLYDIR));
  FAILS(EINVAL, inotify_add_watch(in, "e", 0));
  FAILS(EFAULT, inotify_add_watch(in, BAD, IN_CREATE));
  FAILS(EBADF, inotify_add_watch(-1, "e", IN_CREATE));
  FAILS(EINVAL, inotify_add_watch(0, "e", IN_CREATE));
  FAILS(EINVAL, inotify_init1(1));
  OK(close(in));
  tmpdir_leave();
  DONE();
}
