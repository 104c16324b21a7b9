/* A program that runs is not written to, and what is written to does not run (ETXTBSY). */
#include "tmpdir.h"

static void copy(const char *from, const char *to) {
  char b[65536];
  int in = OK(open(from, O_RDONLY)), out = OK(open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755));
  for (long n; (n = read(in, b, sizeof b)) > 0;) EQ(n, write(out, b, n));
  OK(close(in));
  OK(close(out));
}

int main(int argc, char **argv) {
  if (argc > 1) {
    /* The copy: says that it runs, and waits to be told to end. */
    char c = 'r';
    return write(4, &c, 1) == 1 && read(3, &c, 1) >= 0 ? 0 : 1;
  }
  tmpdir_enter();
  copy("/proc/self/exe", "prog");
  int w = OK(open("prog", O_WRONLY));
  FAILS(ETXTBSY, execl("prog", "prog", "x", NULL));
  OK(close(w));
  int to[2], from[2];
  OK(pipe(to));
  OK(pipe(from));
  pid_t pid = fork();
  if (pid == 0) {
    int r = dup2(to[0], 50), o = dup2(from[1], 51);
    dup2(r, 3);
    dup2(o, 4);
    for (int i = 5; i < 60; i++) close(i);
    execl("prog", "prog", "x", NULL);
    _exit(99);
  }
  OK(close(to[0]));
  OK(close(from[1]));
  char c = 0;
  EQ(1, read(from[0], &c, 1));
  EQ('r', c);
  FAILS(ETXTBSY, open("prog", O_WRONLY));
  FAILS(ETXTBSY, open("prog", O_RDWR | O_TRUNC));
  FAILS(ETXTBSY, truncate("prog", 0));
  OK(close(OK(open("prog", O_RDONLY))));
  OK(rename("prog", "other"));
  OK(close(to[1]));
  int status;
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
  OK(close(OK(open("other", O_WRONLY))));
  tmpdir_leave();
  DONE();
}
