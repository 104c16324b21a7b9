/* /proc: files of the reader's own process, of its threads and children, of the system, and who may read what. */
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/vfs.h>

static char text[1 << 20];

/* The content of a file; its length. */
static long slurp(const char *path) {
  int fd = open(path, O_RDONLY);
  long have = 0;
  if (fd < 0) {
    printf("%s: cannot open: %s\n", path, strerror(errno));
    failures++;
    return text[0] = 0;
  }
  for (;;) {
    ssize_t n = read(fd, text + have, sizeof text - 1 - have);
    if (n < 0) {
      printf("%s: cannot read: %s\n", path, strerror(errno));
      failures++;
    }
    if (n <= 0) {
      break;
    }
    have += n;
  }
  close(fd);
  text[have] = 0;
  return have;
}

/* The rest of the line that starts with KEY; NULL when there is none. */
static char *field(const char *key) {
  size_t n = strlen(key);
  for (char *p = text; p != NULL && *p; p = strchr(p, '\n'), p = p ? p + 1 : p) {
    if (strncmp(p, key, n) == 0) {
      static char line[512];
      snprintf(line, sizeof line, "%.*s", (int)strcspn(p + n, "\n"), p + n);
      return line;
    }
  }
  printf("no field %s\n", key);
  failures++;
  return "";
}

static long number(const char *key) { return strtol(field(key), NULL, 0); }

static int has_entry(const char *dir, const char *name) {
  DIR *d = opendir(dir);
  int found = 0;
  if (d == NULL) {
    return 0;
  }
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    found |= strcmp(e->d_name, name) == 0;
  }
  closedir(d);
  return found;
}

static void self(void) {
  char link[PATH_MAX] = {0}, want[PATH_MAX];
  OK(readlink("/proc/self", link, sizeof link));
  EQ(getpid(), atoi(link));
  memset(link, 0, sizeof link);
  OK(readlink("/proc/thread-self", link, sizeof link));
  snprintf(want, sizeof want, "%d/task/%d", getpid(), gettid());
  CHECK(strcmp(want, link) == 0);
  snprintf(want, sizeof want, "%d", getpid());
  CHECK(has_entry("/proc", want));
  CHECK(has_entry("/proc/self/task", want));
  CHECK(has_entry("/proc", "self"));
  memset(link, 0, sizeof link);
  OK(readlink("/proc/self/cwd", link, sizeof link));
  CHECK(getcwd(want, sizeof want) != NULL);
  CHECK(strcmp(want, link) == 0);
  memset(link, 0, sizeof link);
  OK(readlink("/proc/self/root", link, sizeof link));
  CHECK(strcmp("/", link) == 0);
  memset(link, 0, sizeof link);
  CHECK(OK(readlink("/proc/self/exe", link, sizeof link)) > 1);
  CHECK(link[0] == '/');
  struct stat exe;
  OK(stat("/proc/self/exe", &exe));
  CHECK(S_ISREG(exe.st_mode));
  struct statfs fs;
  OK(statfs("/proc", &fs));
  EQ(0x9fa0, fs.f_type);
}

static void status(void) {
  slurp("/proc/self/status");
  EQ(getpid(), number("Pid:"));
  EQ(getpid(), number("Tgid:"));
  EQ(getppid(), number("PPid:"));
  EQ(1, number("Threads:"));
  EQ(0, number("TracerPid:"));
  CHECK(strstr(field("State:"), "R (running)") != NULL);
  CHECK(number("VmSize:") > 0);
  CHECK(number("VmRSS:") > 0);
  CHECK(number("FDSize:") >= 3);
  int uid, euid, suid, fsuid;
  EQ(4, sscanf(field("Uid:"), "%d %d %d %d", &uid, &euid, &suid, &fsuid));
  EQ(getuid(), uid);
  EQ(geteuid(), euid);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  signal(SIGUSR2, SIG_IGN);
  slurp("/proc/self/status");
  EQ(1UL << (SIGUSR1 - 1), strtoul(field("SigBlk:"), NULL, 16));
  CHECK((strtoul(field("SigPnd:"), NULL, 16) & (1UL << (SIGUSR1 - 1))) != 0);
  CHECK((strtoul(field("SigIgn:"), NULL, 16) & (1UL << (SIGUSR2 - 1))) != 0);
  CHECK(field("CapEff:")[0] != 0);
  field("NoNewPrivs:");
  field("Seccomp:");
  field("Cpus_allowed:");
  field("voluntary_ctxt_switches:");
  signal(SIGUSR1, SIG_IGN);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void stat_file(void) {
  long n = slurp("/proc/self/stat");
  CHECK(n > 0);
  int pid, ppid, pgrp, session;
  char comm[64], state;
  EQ(6, sscanf(text, "%d (%63[^)]) %c %d %d %d", &pid, comm, &state, &ppid, &pgrp, &session));
  EQ(getpid(), pid);
  EQ(getppid(), ppid);
  EQ(getpgrp(), pgrp);
  EQ(getsid(0), session);
  EQ('R', state);
  int fields = 2;
  for (char *p = strrchr(text, ')'); p != NULL && *p; p++) {
    fields += *p == ' ';
  }
  EQ(52, fields);
  slurp("/proc/self/statm");
  unsigned long v[7];
  EQ(7, sscanf(text, "%lu %lu %lu %lu %lu %lu %lu", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6));
  CHECK(v[0] > 0 && v[1] > 0 && v[0] >= v[1]);
}

static void comm(void) {
  OK(prctl(PR_SET_NAME, "a test"));
  slurp("/proc/self/comm");
  CHECK(strcmp(text, "a test\n") == 0);
  int fd = OK(open("/proc/self/comm", O_WRONLY));
  EQ(5, write(fd, "other", 5));
  close(fd);
  char name[16];
  OK(prctl(PR_GET_NAME, name));
  CHECK(strcmp("other", name) == 0);
}

static void memory(char **argv) {
  long n = slurp("/proc/self/cmdline");
  CHECK(n > 0 && strcmp(text, argv[0]) == 0);
  EQ(strlen(argv[0]) + 1, n);
  n = slurp("/proc/self/environ");
  CHECK(n >= 0);
  if (environ[0] != NULL) {
    CHECK(strcmp(text, environ[0]) == 0);
  }
  n = slurp("/proc/self/auxv");
  CHECK(n > 32 && n % 16 == 0);
  unsigned long *aux = (unsigned long *)text;
  int found = 0;
  for (long i = 0; i < n / 8; i += 2) {
    if (aux[i] == AT_PHDR) {
      EQ(getauxval(AT_PHDR), aux[i + 1]);
      found = 1;
    }
  }
  CHECK(found);
  EQ(0, aux[n / 8 - 2]);
  /* Mappings: ours are there, with their rights and names. */
  char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED && none != MAP_FAILED);
  slurp("/proc/self/maps");
  char key[64];
  snprintf(key, sizeof key, "%lx-", (unsigned long)shared);
  char *line = strstr(text, key);
  CHECK(line != NULL && strstr(line, " rw-s ") != NULL && strstr(line, " rw-s ") - line < 40);
  snprintf(key, sizeof key, "-%lx ---p", (unsigned long)none + 4096);
  CHECK(strstr(text, key) != NULL);
  CHECK(strstr(text, "[stack]") != NULL);
  CHECK(strstr(text, "[heap]") != NULL || sbrk(0) == NULL);
  CHECK(strstr(text, " r-xp ") != NULL);
  munmap(shared, 8192);
  snprintf(key, sizeof key, "%lx-", (unsigned long)shared);
  slurp("/proc/self/maps");
  CHECK(strstr(text, key) == NULL);
  slurp("/proc/self/smaps");
  CHECK(strstr(text, "VmFlags:") != NULL && strstr(text, "Rss:") != NULL);
  slurp("/proc/self/smaps_rollup");
  CHECK(number("Rss:") > 0);
  /* The memory itself. */
  volatile int cell = 42, got = 0;
  int fd = OK(open("/proc/self/mem", O_RDWR));
  EQ(4, pread(fd, (void *)&got, 4, (off_t)&cell));
  EQ(42, got);
  int new = 43;
  EQ(4, pwrite(fd, &new, 4, (off_t)&cell));
  EQ(43, cell);
  munmap(none, 4096);
  FAILS(EIO, pread(fd, (void *)&got, 4, (off_t)none));
  close(fd);
}

static void descriptors(void) {
  char path[64], link[PATH_MAX] = {0};
  int fds[2];
  int fd = OK(open("/proc/version", O_RDONLY | O_CLOEXEC));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  OK(readlink(path, link, sizeof link));
  CHECK(strcmp("/proc/version", link) == 0);
  struct stat st;
  OK(lstat(path, &st));
  EQ(S_IFLNK | 0500, st.st_mode);
  snprintf(path, sizeof path, "%d", fd);
  CHECK(has_entry("/proc/self/fd", path));
  CHECK(has_entry("/proc/self/fdinfo", path));
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  EQ(3, read(fd, link, 3));
  slurp(path);
  EQ(3, number("pos:"));
  CHECK((strtol(field("flags:"), NULL, 8) & O_CLOEXEC) != 0);
  close(fd);
  FAILS(ENOENT, open(path, O_RDONLY));
  OK(pipe(fds));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
  memset(link, 0, sizeof link);
  OK(readlink(path, link, sizeof link));
  CHECK(strncmp("pipe:[", link, 6) == 0);
  /* A pipe opened again is the same pipe. */
  int again = OK(open(path, O_RDONLY | O_NONBLOCK));
  EQ(1, write(fds[1], "x", 1));
  EQ(1, read(again, link, 1));
  close(again);
  close(fds[0]);
  close(fds[1]);
  /* An unlinked file is still reached. */
  fd = OK(open("procfs.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600));
  EQ(3, write(fd, "abc", 3));
  OK(unlink("procfs.tmp"));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  memset(link, 0, sizeof link);
  OK(readlink(path, link, sizeof link));
  CHECK(strstr(link, "procfs.tmp (deleted)") != NULL);
  again = OK(open(path, O_RDONLY));
  EQ(3, read(again, link, 8));
  close(again);
  close(fd);
  FAILS(ENOENT, open("/proc/self/fd/9999", O_RDONLY));
  FAILS(ENOENT, open("/proc/self/fd/x", O_RDONLY));
}

static int stage[2], go[2];

static void *thread(void *arg) {
  prctl(PR_SET_NAME, "worker");
  *(pid_t *)arg = gettid();
  char c = 0;
  if (write(stage[1], &c, 1) != 1 || read(go[0], &c, 1) != 1) {
    abort();
  }
  return NULL;
}

static void threads(void) {
  pthread_t t;
  pid_t tid;
  char path[64], c;
  OK(pipe(stage));
  OK(pipe(go));
  EQ(0, pthread_create(&t, NULL, thread, &tid));
  EQ(1, read(stage[0], &c, 1));
  snprintf(path, sizeof path, "%d", tid);
  CHECK(has_entry("/proc/self/task", path));
  CHECK(!has_entry("/proc", path));
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
  slurp(path);
  CHECK(strcmp("worker\n", text) == 0);
  snprintf(path, sizeof path, "/proc/%d/status", tid);
  slurp(path);
  EQ(tid, number("Pid:"));
  EQ(getpid(), number("Tgid:"));
  slurp("/proc/self/status");
  EQ(2, number("Threads:"));
  EQ(1, write(go[1], &c, 1));
  pthread_join(t, NULL);
  snprintf(path, sizeof path, "/proc/self/task/%d", tid);
  for (int i = 0; i < 100 && access(path, F_OK) == 0; i++) {
    usleep(1000);
  }
  FAILS(ENOENT, access(path, F_OK));
}

static void children(void) {
  char path[64];
  int hold[2], fd, status;
  OK(pipe(hold));
  pid_t child = fork();
  if (child == 0) {
    char c;
    close(hold[1]);
    _exit(read(hold[0], &c, 1) != 0);
  }
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", getpid(), getpid());
  if (access(path, F_OK) == 0) {
    slurp(path);
    EQ(child, atoi(text));
  }
  snprintf(path, sizeof path, "/proc/%d", child);
  int dir = OK(open(path, O_RDONLY | O_DIRECTORY));
  snprintf(path, sizeof path, "/proc/%d/status", child);
  fd = OK(open(path, O_RDONLY));
  close(hold[1]);
  siginfo_t info;
  OK(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
  slurp(path);
  CHECK(strstr(field("State:"), "Z (zombie)") != NULL);
  snprintf(path, sizeof path, "/proc/%d/cmdline", child);
  EQ(0, slurp(path));
  EQ(child, waitpid(child, &status, 0));
  FAILS(ENOENT, open(path, O_RDONLY));
  FAILS(ESRCH, read(fd, text, 16));
  CHECK(openat(dir, "stat", O_RDONLY) == -1 && (errno == ENOENT || errno == ESRCH));
  close(fd);
  close(dir);
}

static void permissions(void) {
  if (geteuid() != 0) {
    return;
  }
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    char path[64];
    failures = 0;
    OK(setresgid(1234, 1234, 1234));
    OK(setresuid(1234, 1234, 1234));
    const char *closed[] = {"environ", "mem", "auxv", "io"};
    for (int i = 0; i < 4; i++) {
      snprintf(path, sizeof path, "/proc/%d/%s", parent, closed[i]);
      FAILS(EACCES, open(path, O_RDONLY));
    }
    snprintf(path, sizeof path, "/proc/%d/maps", parent);
    FAILS(EACCES, open(path, O_RDONLY));
    snprintf(path, sizeof path, "/proc/%d/fd", parent);
    FAILS(EACCES, open(path, O_RDONLY | O_DIRECTORY));
    char link[8];
    snprintf(path, sizeof path, "/proc/%d/exe", parent);
    FAILS(EACCES, readlink(path, link, sizeof link));
    snprintf(path, sizeof path, "/proc/%d/cwd", parent);
    FAILS(EACCES, readlink(path, link, sizeof link));
    const char *open_to_all[] = {"status", "stat", "statm", "cmdline", "comm", "limits", "oom_score"};
    for (int i = 0; i < 7; i++) {
      snprintf(path, sizeof path, "/proc/%d/%s", parent, open_to_all[i]);
      close(OK(open(path, O_RDONLY)));
    }
    FAILS(EACCES, open("/proc/sys/kernel/hostname", O_WRONLY));
    fflush(stdout);
    _exit(failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  FAILS(EPERM, chmod("/proc/self/status", 0777));
  FAILS(EACCES, open("/proc/self/status", O_RDONLY | O_CREAT | O_EXCL | O_WRONLY, 0600) == -1 && errno == EEXIST
                    ? (errno = EACCES, -1) : 0);
  CHECK(mkdir("/proc/x", 0755) == -1);
}

static void process_files(void) {
  const char *files[] = {"cgroup",   "limits",    "mountinfo",     "mounts",      "mountstats",  "oom_score",
                         "io",       "personality", "schedstat",   "sessionid",   "setgroups",   "uid_map",
                         "gid_map",  "wchan",     "loginuid",      "timerslack_ns", "coredump_filter", "sched",
                         "net/dev",  "net/unix",  "net/tcp",       "net/udp",     "net/route"};
  char path[128];
  for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "/proc/self/%s", files[i]);
    if (access(path, F_OK) != 0) {
      /* Not every kernel is built with each of them. */
      continue;
    }
    slurp(path);
  }
  slurp("/proc/self/mounts");
  CHECK(strstr(text, " / ") != NULL);
  CHECK(strstr(text, "/proc proc ") != NULL);
  slurp("/proc/mounts");
  CHECK(strstr(text, " / ") != NULL);
  slurp("/proc/self/limits");
  CHECK(strstr(text, "Max open files") != NULL);
  slurp("/proc/self/oom_score_adj");
  int old = atoi(text);
  int fd = OK(open("/proc/self/oom_score_adj", O_WRONLY));
  EQ(3, write(fd, "500", 3));
  FAILS(EINVAL, write(fd, "5000", 4));
  close(fd);
  slurp("/proc/self/oom_score_adj");
  EQ(500, atoi(text));
  fd = OK(open("/proc/self/oom_score_adj", O_WRONLY));
  if (geteuid() == 0 && dprintf(fd, "%d", old) < 0) {
    /* Without CAP_SYS_RESOURCE it can only rise. */
    EQ(EACCES, errno);
  }
  close(fd);
  const char *spaces[] = {"ipc", "mnt", "net", "pid", "user", "uts"};
  for (int i = 0; i < 6; i++) {
    char link[64] = {0}, want[16];
    snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
    OK(readlink(path, link, sizeof link - 1));
    snprintf(want, sizeof want, "%s:[", spaces[i]);
    CHECK(strncmp(want, link, strlen(want)) == 0);
    struct stat st;
    OK(stat(path, &st));
    EQ(strtoull(link + strlen(want), NULL, 10), st.st_ino);
    CHECK(S_ISREG(st.st_mode));
    int ns = OK(open(path, O_RDONLY));
    FAILS(EINVAL, read(ns, link, 1));
    close(ns);
  }
}

static void system_files(void) {
  const char *files[] = {"cmdline", "cpuinfo", "devices", "filesystems", "loadavg", "meminfo", "stat", "swaps",
                         "uptime",  "version", "partitions", "sys/kernel/hostname", "sys/kernel/osrelease",
                         "sys/kernel/random/boot_id", "sys/kernel/random/uuid", "sys/kernel/pid_max",
                         "sys/fs/file-max", "sys/fs/pipe-max-size", "sys/vm/overcommit_memory",
                         "sys/vm/max_map_count", "sys/kernel/ngroups_max", "sys/kernel/cap_last_cap"};
  char path[128];
  for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "/proc/%s", files[i]);
    CHECK(slurp(path) > 0 || strcmp(files[i], "partitions") == 0);
  }
  slurp("/proc/meminfo");
  CHECK(number("MemTotal:") > 1024);
  CHECK(number("MemFree:") <= number("MemTotal:"));
  CHECK(number("MemAvailable:") > 0);
  slurp("/proc/cpuinfo");
  CHECK(strstr(text, "processor\t: 0\n") != NULL);
  slurp("/proc/stat");
  CHECK(strncmp(text, "cpu  ", 5) == 0);
  CHECK(number("btime ") > 1000000000);
  slurp("/proc/filesystems");
  CHECK(strstr(text, "nodev\tproc\n") != NULL);
  CHECK(strstr(text, "nodev\ttmpfs\n") != NULL);
  double up, idle;
  slurp("/proc/uptime");
  EQ(2, sscanf(text, "%lf %lf", &up, &idle));
  struct timespec ts;
  char one[64], two[64];
  slurp("/proc/sys/kernel/random/uuid");
  EQ(37, strlen(text));
  strcpy(one, text);
  slurp("/proc/sys/kernel/random/uuid");
  CHECK(strcmp(one, text) != 0);
  slurp("/proc/sys/kernel/random/boot_id");
  strcpy(two, text);
  slurp("/proc/sys/kernel/random/boot_id");
  CHECK(strcmp(two, text) == 0);
  (void)ts;
}

/* The reader goes on in what it began to read, and begins anew at the start. */
static void offsets(void) {
  char a[64], b[64];
  int fd = OK(open("/proc/self/status", O_RDONLY));
  EQ(10, read(fd, a, 10));
  EQ(0, lseek(fd, 0, SEEK_SET));
  EQ(10, pread(fd, b, 10, 0));
  CHECK(memcmp(a, b, 10) == 0);
  EQ(5, pread(fd, b, 5, 5));
  CHECK(memcmp(a + 5, b, 5) == 0);
  EQ(0, pread(fd, b, 5, 1 << 20));
  FAILS(EINVAL, lseek(fd, -1, SEEK_SET));
  FAILS(EFAULT, syscall(SYS_read, fd, BAD, 10));
  FAILS(EBADF, write(fd, "x", 1));
  close(fd);
  FAILS(EISDIR, open("/proc/self", O_WRONLY));
  FAILS(ENOENT, open("/proc/self/nothing", O_RDONLY));
  FAILS(ENOENT, open("/proc/99999999", O_RDONLY));
  FAILS(ENOENT, open("/proc/01", O_RDONLY));
}

int main(int argc, char **argv) {
  self();
  status();
  stat_file();
  comm();
  memory(argv);
  descriptors();
  threads();
  children();
  permissions();
  process_files();
  system_files();
  offsets();
  DONE();
}
