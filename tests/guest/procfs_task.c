/* man 5 proc, the rarer files of /proc/[pid]: where pages are, what is mapped, timers, dump filter, audit ids, and that
 * every one can be read. Runs as root. */
#include "tmpdir.h"
#include <dirent.h>
#include <linux/mempolicy.h>
#include <sys/prctl.h>

static char text[1 << 18];

/* The content; its length, or -1 and errno. */
static long slurp(const char *path) {
  int fd = open(path, O_RDONLY);
  long have = 0, n;
  text[0] = 0;
  if (fd < 0) return -1;
  while ((n = read(fd, text + have, sizeof text - 1 - have)) > 0) have += n;
  int e = errno;
  close(fd);
  errno = e;
  text[have] = 0;
  return n < 0 ? n : have;
}

static int put(const char *path, const char *value) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return -1;
  int n = write(fd, value, strlen(value)), e = errno;
  close(fd);
  errno = e;
  return n < 0 ? -1 : 0;
}

static int child_status(void (*test)(void)) {
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

static void names(void) {
  static const char *const common[] = {
      "attr",     "auxv",       "cgroup",      "cmdline",       "comm",          "cpuset",
        "cwd",        "environ",     "exe",           "fd",            "fdinfo",
      "gid_map",  "io",         "limits",      "loginuid",      "maps",          "mem",
      "mountinfo", "mounts",    "net",         "ns",            "numa_maps",     "oom_adj",
      "oom_score", "oom_score_adj", "pagemap", "personality",   "projid_map",    "root",
      "sched",    "schedstat",  "sessionid",   "setgroups",     "smaps",         "smaps_rollup",
      "stack",    "stat",       "statm",       "status",        "syscall",       "uid_map",
      "wchan",    "clear_refs"};
  static const char *const process[] = {"autogroup", "coredump_filter", "map_files", "mountstats", "task", "timers", "timerslack_ns",
                                        "timens_offsets"};
  char path[80];
  struct stat st;
  for (unsigned i = 0; i < sizeof common / sizeof *common; i++) {
    snprintf(path, sizeof path, "/proc/self/%s", common[i]);
    EQ(0, lstat(path, &st));
    if (S_ISREG(st.st_mode) && (st.st_mode & 0400) && strcmp(common[i], "mem") && strcmp(common[i], "pagemap"))
      CHECK(slurp(path) >= 0);
    snprintf(path, sizeof path, "/proc/thread-self/%s", common[i]);
    EQ(0, lstat(path, &st));
  }
  for (unsigned i = 0; i < sizeof process / sizeof *process; i++) {
    snprintf(path, sizeof path, "/proc/self/%s", process[i]);
    EQ(0, lstat(path, &st));
    if (S_ISREG(st.st_mode)) CHECK(slurp(path) >= 0);
  }
}

#define PRESENT (1UL << 63)
#define FILE_PAGE (1UL << 61)

static void pagemap(void) {
  long page = sysconf(_SC_PAGESIZE);
  char *p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint64_t e[4] = {1, 1, 1, 1};
  int fd = OK(open("/proc/self/pagemap", O_RDONLY));
  off_t at = (uintptr_t)p / page * 8;
  p[0] = 1;
  p[2 * page] = 1;
  EQ(32, pread(fd, e, 32, at));
  CHECK(e[0] & PRESENT);
  EQ(0, e[1] & PRESENT);
  CHECK(e[2] & PRESENT);
  EQ(0, e[3] & PRESENT);
  EQ(0, e[0] & FILE_PAGE);
  EQ(8, pread(fd, e, 8, at + 16));
  CHECK(e[0] & PRESENT);
  /* Whole entries only. */
  FAILS(EINVAL, pread(fd, e, 7, at));
  FAILS(EINVAL, pread(fd, e, 8, at + 1));
  EQ(0, pread(fd, e, 0, at));
  FAILS(EFAULT, syscall(SYS_pread64, fd, BAD, 8, at));
  EQ(at, lseek(fd, at, SEEK_SET));
  EQ(16, read(fd, e, 16));
  EQ(at + 16, lseek(fd, 0, SEEK_CUR));
  /* Nothing is mapped at 0; the program is, from a file. */
  EQ(8, pread(fd, e, 8, 0));
  EQ(0, e[0]);
  EQ(8, pread(fd, e, 8, (uintptr_t)pagemap / page * 8));
  CHECK((e[0] & (PRESENT | FILE_PAGE)) == (PRESENT | FILE_PAGE));
  /* The end of the address space is the end of the file. */
  EQ(0, pread(fd, e, 8, 1L << 60));
  OK(munmap(p, page));
  EQ(8, pread(fd, e, 8, at));
  EQ(0, e[0] & PRESENT);
  close(fd);
}

static char *line_of(uintptr_t addr) {
  char start[24];
  int n = snprintf(start, sizeof start, "%lx ", (unsigned long)addr);
  for (char *p = text; *p; p = strchr(p, '\n') + 1) {
    if (strncmp(p, start, n) == 0) {
      static char line[600];
      snprintf(line, sizeof line, "%.*s", (int)strcspn(p, "\n"), p);
      return line;
    }
  }
  return "";
}

static void numa_maps(void) {
  long page = sysconf(_SC_PAGESIZE);
  char *p = mmap(NULL, 8 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(p + page, 4 * page, PROT_READ | PROT_WRITE);
  p += page;
  p[0] = p[page] = 1;
  CHECK(slurp("/proc/self/numa_maps") > 0);
  char *line = line_of((uintptr_t)p);
  CHECK(strstr(line, " default anon=2 dirty=2 ") != NULL);
  CHECK(strstr(line, " N0=2 kernelpagesize_kB=4") != NULL);
  unsigned long first = 1;
  if (syscall(SYS_mbind, p, 4 * page, MPOL_BIND, &first, 64, 0) == 0) {
    slurp("/proc/self/numa_maps");
    CHECK(strstr(line_of((uintptr_t)p), " bind:0 ") != NULL);
    OK(syscall(SYS_mbind, p, 4 * page, MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, &first, 64, 0));
    slurp("/proc/self/numa_maps");
    CHECK(strstr(line_of((uintptr_t)p), " interleave=static:0 ") != NULL);
  }
  CHECK(strstr(text, " stack ") != NULL);
  CHECK(strstr(text, " file=/") != NULL);
}

static void map_files(void) {
  long page = sysconf(_SC_PAGESIZE);
  put_file("mapped", "content");
  int fd = OK(open("mapped", O_RDWR));
  OK(ftruncate(fd, 3 * page));
  char *p = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, page), *anon;
  anon = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char path[120], got[PATH_MAX] = {0}, want[PATH_MAX];
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)p, (long)p + 2 * page);
  long n = OK(readlink(path, got, sizeof got));
  CHECK(getcwd(want, sizeof want) != NULL);
  CHECK(n > 7 && strncmp(got, want, strlen(want)) == 0 && strcmp(got + n - 7, "/mapped") == 0);
  struct stat one, two;
  OK(lstat(path, &one));
  CHECK(S_ISLNK(one.st_mode));
  EQ(0600, one.st_mode & 0777); /* As the file was opened, whatever the mapping allows. */
  EQ(64, one.st_size);
  OK(stat(path, &one));
  OK(fstat(fd, &two));
  EQ(two.st_ino, one.st_ino);
  int readonly = OK(open("mapped", O_RDONLY));
  char *r = mmap(NULL, page, PROT_READ, MAP_SHARED, readonly, 0);
  close(readonly);
  snprintf(got, sizeof got, "/proc/self/map_files/%lx-%lx", (long)r, (long)r + page);
  OK(lstat(got, &one));
  EQ(0400, one.st_mode & 0777);
  /* The file itself is behind it, whatever became of its name. */
  OK(unlink("mapped"));
  int again = OK(open(path, O_RDONLY));
  char b[8] = {0};
  EQ(7, pread(again, b, 7, 0));
  CHECK(strcmp(b, "content") == 0);
  close(again);
  n = OK(readlink(path, got, sizeof got - 1));
  got[n] = 0;
  CHECK(strstr(got, "mapped (deleted)") != NULL);
  int found = 0, others = 0;
  DIR *d = opendir("/proc/self/map_files");
  CHECK(d != NULL);
  for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
    found += strcmp(e->d_name, strrchr(path, '/') + 1) == 0;
    unsigned long from, to;
    others += e->d_name[0] != '.' && (sscanf(e->d_name, "%lx-%lx", &from, &to) != 2 || from >= to);
    others += sscanf(e->d_name, "%lx-%lx", &from, &to) == 2 && from == (unsigned long)anon;
  }
  if (d) closedir(d);
  EQ(1, found);
  EQ(0, others);
  /* Neither another range, nor another way to write it, nor what has no file. */
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)p, (long)p + page);
  FAILS(ENOENT, lstat(path, &one));
  snprintf(path, sizeof path, "/proc/self/map_files/0%lx-%lx", (long)p, (long)p + 2 * page);
  FAILS(ENOENT, lstat(path, &one));
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (long)anon, (long)anon + page);
  FAILS(ENOENT, lstat(path, &one));
  FAILS(ENOENT, lstat("/proc/self/map_files/x", &one));
  FAILS(ENOENT, lstat("/proc/self/map_files/1000", &one));
  close(fd);
}

static void dump_filter(void) {
  CHECK(slurp("/proc/self/coredump_filter") == 9);
  OK(put("/proc/self/coredump_filter", "0x7f\n"));
  slurp("/proc/self/coredump_filter");
  CHECK(strcmp("0000007f\n", text) == 0);
  pid_t p = OK(fork());
  if (p == 0) {
    slurp("/proc/self/coredump_filter");
    _exit(strcmp("0000007f\n", text) != 0);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  OK(put("/proc/self/coredump_filter", "16"));
  slurp("/proc/self/coredump_filter");
  CHECK(strcmp("00000010\n", text) == 0);
  FAILS(EINVAL, put("/proc/self/coredump_filter", "all"));
}

/* What pam_loginuid does. */
static void audit_ids(void) {
  FAILS(EINVAL, put("/proc/self/loginuid", "root"));
  slurp("/proc/self/loginuid");
  if (strcmp(text, "4294967295") != 0) {
    printf("a login user id is set already\n");
    return;
  }
  slurp("/proc/self/sessionid");
  CHECK(strcmp(text, "4294967295") == 0);
  OK(put("/proc/self/loginuid", "1234"));
  slurp("/proc/self/loginuid");
  CHECK(strcmp(text, "1234") == 0);
  slurp("/proc/self/sessionid");
  CHECK(strcmp(text, "4294967295") != 0);
  pid_t parent = getpid(), p = OK(fork());
  if (p == 0) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/loginuid", parent);
    if (slurp("/proc/self/loginuid") < 0 || strcmp(text, "1234") != 0) _exit(1);
    if (put(path, "5") != -1 || errno != EPERM) _exit(2);
    if (setgid(1234) || setuid(1234)) _exit(3);
    _exit(put("/proc/self/loginuid", "5") == -1 ? 0 : 4);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
}

static void slack(void) {
  slurp("/proc/self/timerslack_ns");
  EQ(atol(text), prctl(PR_GET_TIMERSLACK));
  OK(put("/proc/self/timerslack_ns", "70000\n"));
  EQ(70000, prctl(PR_GET_TIMERSLACK));
  OK(put("/proc/self/timerslack_ns", "0"));
  slurp("/proc/self/timerslack_ns");
  EQ(50000, atol(text));
  FAILS(EINVAL, put("/proc/self/timerslack_ns", "much"));
}

static void timers(void) {
  EQ(0, slurp("/proc/self/timers"));
  timer_t t;
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_ptr = (void *)0xabc};
  OK(timer_create(CLOCK_MONOTONIC, &ev, &t));
  CHECK(slurp("/proc/self/timers") > 0);
  char want[200];
  snprintf(want, sizeof want, "signal: %d/0000000000000abc\nnotify: signal/pid.%d\nClockID: 1\n", SIGUSR2, getpid());
  CHECK(strncmp(text, "ID: ", 4) == 0);
  CHECK(strstr(text, want) != NULL);
  OK(timer_delete(t));
  EQ(0, slurp("/proc/self/timers"));
}

static void references(void) {
  for (char c = '1'; c <= '5'; c++) {
    char s[3] = {c, '\n', 0};
    OK(put("/proc/self/clear_refs", s));
  }
  FAILS(EINVAL, put("/proc/self/clear_refs", "0"));
  FAILS(EINVAL, put("/proc/self/clear_refs", "6"));
  FAILS(EINVAL, put("/proc/self/clear_refs", "x"));
  /* 5 forgets the most memory there ever was. */
  long size = 64 << 20;
  char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 1, size);
  slurp("/proc/self/status");
  OK(munmap(p, size));
  slurp("/proc/self/status");
  long before = atol(strstr(text, "VmHWM:") + 6);
  CHECK(before >= size >> 10);
  OK(put("/proc/self/clear_refs", "5"));
  slurp("/proc/self/status");
  CHECK(atol(strstr(text, "VmHWM:") + 6) < size >> 10);
}

static void scheduling(void) {
  unsigned long run, wait, count;
  slurp("/proc/self/schedstat");
  EQ(3, sscanf(text, "%lu %lu %lu", &run, &wait, &count));
  CHECK(run > 0);
  if (slurp("/proc/self/autogroup") < 0) return;
  CHECK(strncmp(text, "/autogroup-", 11) == 0 && strstr(text, " nice 0\n") != NULL);
  OK(put("/proc/self/autogroup", "5"));
  slurp("/proc/self/autogroup");
  CHECK(strstr(text, " nice 5\n") != NULL);
  FAILS(EINVAL, put("/proc/self/autogroup", "20"));
  FAILS(EINVAL, put("/proc/self/autogroup", "x"));
}

static void own_session(void) {
  OK(setsid());
  scheduling();
}

static void waiting(void) {
  int p[2];
  OK(pipe(p));
  pid_t child = OK(fork());
  if (child == 0) {
    char c;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    syscall(SYS_read, p[0], &c, 1);
    _exit(0);
  }
  usleep(100000);
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/syscall", child);
  long nr = -9, fd = -1, sp, pc;
  CHECK(slurp(path) > 0);
  EQ(4, sscanf(text, "%ld %lx %*x 0x1 %*x %*x %*x %lx %lx", &nr, &fd, &sp, &pc));
  EQ(SYS_read, nr);
  EQ(p[0], fd);
  CHECK(sp != 0 && pc != 0);
  slurp("/proc/self/syscall");
  CHECK(strncmp(text, "0 0x", 4) == 0); /* It reads. */
  snprintf(path, sizeof path, "/proc/%d/stack", child);
  CHECK(slurp(path) >= 0);
  kill(child, SIGKILL);
  OK(waitpid(child, NULL, 0));
}

/* Another's are for who may trace it. */
static void as_user(void) {
  char path[60];
  pid_t parent = getppid();
  if (setgid(1234) || setuid(1234)) failures++;
  static const char *const guarded[] = {"pagemap", "stack", "syscall", "io", "auxv", "environ", "personality",
                                        "map_files"};
  for (unsigned i = 0; i < sizeof guarded / sizeof *guarded; i++) {
    snprintf(path, sizeof path, "/proc/%d/%s", parent, guarded[i]);
    FAILS(EACCES, open(path, O_RDONLY));
  }
  static const char *const hidden[] = {"maps", "smaps", "numa_maps", "smaps_rollup"};
  for (unsigned i = 0; i < sizeof hidden / sizeof *hidden; i++) {
    snprintf(path, sizeof path, "/proc/%d/%s", parent, hidden[i]);
    CHECK(slurp(path) == -1 && errno == EACCES);
  }
  snprintf(path, sizeof path, "/proc/%d/coredump_filter", parent);
  FAILS(EACCES, open(path, O_WRONLY));
}

int main(void) {
  tmpdir_enter();
  names();
  pagemap();
  numa_maps();
  map_files();
  EQ(0, child_status(dump_filter));
  EQ(0, child_status(audit_ids));
  EQ(0, child_status(slack));
  timers();
  EQ(0, child_status(references));
  EQ(0, child_status(own_session));
  waiting();
  EQ(0, child_status(as_user));
  tmpdir_leave();
  DONE();
}
