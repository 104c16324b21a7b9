/* execve and execveat: man 2 execve, man 2 execveat. The program executes itself with a role as its first argument. */
#include "test.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

static const char *self;

static int status_of(pid_t p) {
  int st = 0;
  EQ(p, waitpid(p, &st, 0));
  return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

static int run(char *const argv[], char *const envp[]) {
  pid_t p = fork();
  if (p == 0) {
    execve(self, argv, envp);
    _exit(100);
  }
  return status_of(p);
}

static void arguments_and_environment(void) {
  char *argv[] = {"zero", "args", "one", "", "three", NULL};
  char *envp[] = {"A=1", "B=two", NULL};
  EQ(0, run(argv, envp));
}

static int role_args(int argc, char **argv, char **envp) {
  return argc == 5 && !strcmp(argv[0], "zero") && !strcmp(argv[2], "one") && !*argv[3] && !strcmp(argv[4], "three") &&
                 !argv[5] && !strcmp(envp[0], "A=1") && !strcmp(envp[1], "B=two") && !envp[2]
             ? 0
             : 1;
}

static void errors(void) {
  char *argv[] = {"x", NULL};
  FAILS(ENOENT, execve("/does/not/exist", argv, NULL));
  FAILS(EACCES, execve("/", argv, NULL));
  FAILS(EFAULT, execve(BAD, argv, NULL));
  FAILS(EFAULT, execve(self, BAD, NULL));
  FAILS(EFAULT, execve(self, argv, BAD));
  char *bad_string[] = {"x", BAD, NULL};
  FAILS(EFAULT, execve(self, bad_string, NULL));
  FAILS(ENOENT, execve("", argv, NULL));
  char name[] = "/tmp/execXXXXXX";
  int fd = OK(mkstemp(name));
  EQ(5, write(fd, "junk\n", 5));
  close(fd);
  FAILS(EACCES, execve(name, argv, NULL));
  OK(chmod(name, 0755));
  FAILS(ENOEXEC, execve(name, argv, NULL));
  OK(unlink(name));
  char *huge = malloc(200 * 1024);
  memset(huge, 'x', 200 * 1024 - 1);
  huge[200 * 1024 - 1] = 0;
  char *big[] = {"x", huge, NULL};
  FAILS(E2BIG, execve(self, big, NULL));
  free(huge);
}

static void handler(int sig) { (void)sig; }

static void what_survives(void) {
  int kept = OK(dup(0));
  int closed = OK(fcntl(0, F_DUPFD_CLOEXEC, 20));
  char a[16], b[16];
  sprintf(a, "%d", kept);
  sprintf(b, "%d", closed);
  pid_t p = fork();
  if (p == 0) {
    sigset_t set;
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGHUP);
    umask(0123);
    prctl(PR_SET_NAME, "renamed");
    char *argv[] = {"x", "survives", a, b, NULL};
    execve(self, argv, NULL);
    _exit(100);
  }
  EQ(0, status_of(p));
  close(kept);
  close(closed);
}

static int role_survives(char **argv) {
  struct sigaction one, two;
  sigset_t set, pend;
  char name[16];
  if (fcntl(atoi(argv[2]), F_GETFD) < 0) return 1;
  if (fcntl(atoi(argv[3]), F_GETFD) >= 0) return 2;
  sigaction(SIGUSR1, NULL, &one);
  sigaction(SIGUSR2, NULL, &two);
  if (one.sa_handler != SIG_DFL || two.sa_handler != SIG_IGN) return 3;
  sigprocmask(SIG_BLOCK, NULL, &set);
  sigpending(&pend);
  if (!sigismember(&set, SIGHUP) || !sigismember(&pend, SIGHUP)) return 4;
  if (umask(0) != 0123) return 5;
  prctl(PR_GET_NAME, name);
  return strcmp(name, "exec") ? 6 : 0;
}

static void *sleeper(void *arg) {
  for (;;) pause();
  return arg;
}

static void *execing(void *arg) {
  char pid[16];
  (void)arg;
  sprintf(pid, "%d", getpid());
  char *argv[] = {"x", "alone", pid, NULL};
  execve(self, argv, NULL);
  _exit(100);
}

static void other_threads_die(void) {
  pid_t p = fork();
  if (p == 0) {
    pthread_t t;
    for (int i = 0; i < 4; i++) pthread_create(&t, NULL, sleeper, NULL);
    pthread_create(&t, NULL, execing, NULL);
    for (;;) pause();
  }
  EQ(0, status_of(p));
}

static int role_alone(char **argv) {
  return getpid() == atoi(argv[2]) && syscall(SYS_gettid) == getpid() && syscall(SYS_tgkill, getpid(), getpid(), 0) == 0
             ? 0
             : 1;
}

static void by_descriptor(void) {
  int fd = OK(open(self, O_RDONLY | O_CLOEXEC));
  int path = OK(open(self, O_PATH | O_CLOEXEC));
  char *argv[] = {"x", "true", NULL};
  for (int i = 0; i < 2; i++) {
    pid_t p = fork();
    if (p == 0) {
      syscall(SYS_execveat, i ? path : fd, "", argv, NULL, AT_EMPTY_PATH);
      _exit(100);
    }
    EQ(0, status_of(p));
  }
  FAILS(ENOENT, syscall(SYS_execveat, fd, "", argv, NULL, 0));
  FAILS(EINVAL, syscall(SYS_execveat, fd, "x", argv, NULL, 0x10));
  FAILS(EBADF, syscall(SYS_execveat, -1, "x", argv, NULL, 0));
  FAILS(ENOTDIR, syscall(SYS_execveat, fd, "x", argv, NULL, 0));
  OK(unlink("/tmp/exec-link") == 0 || errno == ENOENT ? 0 : -1);
  OK(symlink(self, "/tmp/exec-link"));
  FAILS(ELOOP, syscall(SYS_execveat, AT_FDCWD, "/tmp/exec-link", argv, NULL, AT_SYMLINK_NOFOLLOW));
  OK(unlink("/tmp/exec-link"));
}

static void vfork_exec(void) {
  for (int i = 0; i < 20; i++) {
    char *argv[] = {"x", "true", NULL};
    pid_t p = vfork();
    if (p == 0) {
      execve(self, argv, NULL);
      _exit(100);
    }
    EQ(0, status_of(p));
  }
}

static void set_user_id(void) {
  if (getuid() != 0) return;
  char name[] = "/tmp/suidXXXXXX";
  int out = OK(mkstemp(name)), in = OK(open(self, O_RDONLY));
  char buf[65536];
  ssize_t n;
  while ((n = read(in, buf, sizeof buf)) > 0) EQ(n, write(out, buf, n));
  OK(fchown(out, 34567, 0));
  OK(fchmod(out, 04755));
  close(out);
  close(in);
  for (int nnp = 0; nnp < 2; nnp++) {
    pid_t p = fork();
    if (p == 0) {
      char *argv[] = {"x", "euid", NULL};
      if (nnp) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      if (setresuid(45678, 45678, 45678)) _exit(101);
      execve(name, argv, NULL);
      _exit(100);
    }
    EQ(nnp ? 2 : 1, status_of(p));
  }
  OK(unlink(name));
}

static int role_euid(void) { return geteuid() == 34567 && getuid() == 45678 ? 1 : 2; }

int main(int argc, char **argv, char **envp) {
  static char path[4096];
  if (argc > 1) {
    if (!strcmp(argv[1], "args")) return role_args(argc, argv, envp);
    if (!strcmp(argv[1], "survives")) return role_survives(argv);
    if (!strcmp(argv[1], "alone")) return role_alone(argv);
    if (!strcmp(argv[1], "euid")) return role_euid();
    if (!strcmp(argv[1], "true")) return 0;
  }
  ssize_t n = OK(readlink("/proc/self/exe", path, sizeof path - 1));
  path[n] = 0;
  self = path;
  arguments_and_environment();
  errors();
  what_survives();
  other_threads_die();
  by_descriptor();
  vfork_exec();
  set_user_id();
  DONE();
}
