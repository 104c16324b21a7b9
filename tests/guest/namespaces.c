/* man 2 setns, setdomainname, sethostname, chroot: always in a child with namespaces of its own. Runs as root. */
#include "tmpdir.h"
#include <sys/prctl.h>
#include <sys/utsname.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static int child_failures(void (*test)(void)) {
  pid_t p = OK(fork());
  if (p == 0) {
    failures = 0;
    test();
    _exit(failures != 0);
  }
  int st = -1;
  OK(waitpid(p, &st, 0));
  return st;
}

static const char *domain(void) {
  static struct utsname u;
  OK(uname(&u));
  return u.domainname;
}

/* Without it, a name that is set would be the host's. */
static void own_names(void) {
  if (unshare(CLONE_NEWUTS) != 0) {
    perror("unshare");
    _exit(9);
  }
}

static void names(void) {
  own_names();
  OK(setdomainname("example.org", 11));
  CHECK(strcmp("example.org", domain()) == 0);
  OK(setdomainname("short-and-more", 5));
  CHECK(strcmp("short", domain()) == 0);
  OK(setdomainname("", 0));
  CHECK(strcmp("", domain()) == 0);
  char longest[66];
  memset(longest, 'd', sizeof longest);
  OK(setdomainname(longest, 64));
  EQ(64, strlen(domain()));
  FAILS(EINVAL, setdomainname(longest, 65));
  FAILS(EINVAL, syscall(SYS_setdomainname, longest, -1));
  FAILS(EFAULT, syscall(SYS_setdomainname, BAD, 4));
  EQ(64, strlen(domain()));
  char b[80];
  OK(getdomainname(b, sizeof b));
  OK(sethostname("host", 4));
  OK(gethostname(b, sizeof b));
  CHECK(strcmp("host", b) == 0);
  FAILS(EINVAL, sethostname(longest, 65));
  FAILS(EFAULT, syscall(SYS_sethostname, BAD, 4));
}

/* A process in new namespaces that waits; both ends of a pipe tell when. */
static pid_t resident(int flags, const char *name) {
  int p[2];
  OK(pipe(p));
  pid_t pid = OK(fork());
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(flags) || sethostname(name, strlen(name)) || write(p[1], "x", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char c = 0;
  close(p[1]);
  EQ(1, read(p[0], &c, 1));
  close(p[0]);
  return pid;
}

static int ns_file(pid_t pid, const char *kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
  return OK(open(path, O_RDONLY));
}

static ino_t ns_of(const char *kind) {
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
  OK(stat(path, &st));
  return st.st_ino;
}

static ino_t ino_of(int fd) {
  struct stat st;
  OK(fstat(fd, &st));
  return st.st_ino;
}

static void by_file(void) {
  own_names();
  OK(sethostname("mine", 4));
  pid_t pid = resident(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET, "theirs");
  char b[80];
  int back = OK(open("/proc/self/ns/uts", O_RDONLY)), uts = ns_file(pid, "uts"), ipc = ns_file(pid, "ipc"),
      net = ns_file(pid, "net");
  ino_t mine = ns_of("uts");
  CHECK(ino_of(uts) != mine);
  OK(setns(uts, CLONE_NEWUTS));
  OK(gethostname(b, sizeof b));
  CHECK(strcmp("theirs", b) == 0);
  EQ(ino_of(uts), ns_of("uts"));
  OK(setns(back, 0)); /* Any kind. */
  OK(gethostname(b, sizeof b));
  CHECK(strcmp("mine", b) == 0);
  EQ(mine, ns_of("uts"));
  CHECK(ns_of("ipc") != ino_of(ipc));
  OK(setns(ipc, CLONE_NEWIPC));
  EQ(ino_of(ipc), ns_of("ipc"));
  CHECK(ns_of("net") != ino_of(net));
  OK(setns(net, CLONE_NEWNET));
  EQ(ino_of(net), ns_of("net"));
  /* The wrong kind, two kinds, no namespace, no file. */
  FAILS(EINVAL, setns(uts, CLONE_NEWIPC));
  FAILS(EINVAL, setns(uts, CLONE_NEWUTS | CLONE_NEWIPC));
  FAILS(EINVAL, setns(uts, CLONE_NEWUTS | CLONE_VM));
  int other = OK(open("/dev/null", O_RDONLY));
  FAILS(EINVAL, setns(other, 0));
  FAILS(EINVAL, setns(other, CLONE_NEWUTS));
  FAILS(EBADF, setns(-1, 0));
  FAILS(EBADF, setns(1000, CLONE_NEWUTS));
  /* The file keeps its namespace when nobody is in it any more. */
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  OK(setns(uts, CLONE_NEWUTS));
  OK(gethostname(b, sizeof b));
  CHECK(strcmp("theirs", b) == 0);
  /* Without the capability. */
  if (setgid(1234) || setuid(1234)) failures++;
  FAILS(EPERM, setns(back, CLONE_NEWUTS));
}

static void by_pidfd(void) {
  OK(unshare(CLONE_NEWUTS));
  pid_t pid = resident(CLONE_NEWUTS | CLONE_NEWIPC, "pidfd");
  int fd = OK(syscall(SYS_pidfd_open, pid, 0)), uts = ns_file(pid, "uts"), ipc = ns_file(pid, "ipc");
  FAILS(EINVAL, setns(fd, 0));
  FAILS(EINVAL, setns(fd, CLONE_VM));
  OK(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
  EQ(ino_of(uts), ns_of("uts"));
  EQ(ino_of(ipc), ns_of("ipc"));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  FAILS(ESRCH, setns(fd, CLONE_NEWUTS));
}

/* Processes made afterwards are in the PID namespace, the caller is not. */
static void pids(void) {
  int p[2];
  OK(pipe(p));
  pid_t holder = OK(fork());
  if (holder == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWPID)) _exit(1);
    pid_t first = fork();
    if (first == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (write(p[1], "x", 1) != 1) _exit(1);
      pause();
    }
    waitpid(first, NULL, 0);
    _exit(0);
  }
  char c;
  EQ(1, read(p[0], &c, 1));
  int ns = ns_file(holder, "pid_for_children");
  OK(setns(ns, CLONE_NEWPID));
  EQ(ino_of(ns), ns_of("pid_for_children"));
  CHECK(ino_of(ns) != ns_of("pid"));
  pid_t inside = OK(fork());
  if (inside == 0) _exit(getpid() == 2 && getppid() == 0 ? 0 : 1);
  int st;
  OK(waitpid(inside, &st, 0));
  EQ(0, st);
  kill(holder, SIGKILL);
  waitpid(holder, NULL, 0);
}

static void mounts(void) {
  int p[2];
  OK(pipe(p));
  pid_t pid = OK(fork());
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNS) || write(p[1], "x", 1) != 1) _exit(1);
    pause();
  }
  char c;
  EQ(1, read(p[0], &c, 1));
  int ns = ns_file(pid, "mnt");
  CHECK(ino_of(ns) != ns_of("mnt"));
  OK(setns(ns, CLONE_NEWNS));
  EQ(ino_of(ns), ns_of("mnt"));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

static void roots(void) {
  OK(chmod(".", 0755));
  OK(mkdir("jail", 0755));
  OK(mkdir("jail/inner", 0755));
  put_file("jail/file", "inside");
  put_file("outside", "outside");
  int outside = OK(open(".", O_RDONLY | O_DIRECTORY));
  FAILS(ENOENT, chroot("nowhere"));
  FAILS(ENOTDIR, chroot("outside"));
  FAILS(EFAULT, chroot(BAD));
  char long_name[300];
  memset(long_name, 'n', sizeof long_name);
  long_name[299] = 0;
  FAILS(ENAMETOOLONG, chroot(long_name));
  OK(symlink("loop", "loop"));
  FAILS(ELOOP, chroot("loop"));
  OK(chroot("jail"));
  /* The root moves, the working directory does not. */
  EQ(0, access("/file", F_OK));
  EQ(0, access("outside", F_OK));
  OK(chdir("/"));
  char cwd[100];
  CHECK(getcwd(cwd, sizeof cwd) && strcmp(cwd, "/") == 0);
  EQ(0, access("/../../file", F_OK));
  FAILS(ENOENT, access("/outside", F_OK));
  OK(chroot("inner"));
  FAILS(ENOENT, access("/file", F_OK));
  /* A descriptor from before leads out: a working directory that the root does not contain has no path. */
  OK(fchdir(outside));
  EQ(0, access("outside", F_OK));
  long n = syscall(SYS_getcwd, cwd, sizeof cwd);
  CHECK(n > 0 && strncmp(cwd, "(unreachable)", 13) == 0);
  OK(fchdir(outside));
  if (setgid(1234) || setuid(1234)) failures++;
  FAILS(EPERM, chroot("."));
}

int main(void) {
  tmpdir_enter();
  EQ(0, child_failures(names));
  EQ(0, child_failures(by_file));
  EQ(0, child_failures(by_pidfd));
  EQ(0, child_failures(pids));
  EQ(0, child_failures(mounts));
  EQ(0, child_failures(roots));
  tmpdir_leave();
  DONE();
}
