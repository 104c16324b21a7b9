/* man 2 personality: what it changes in uname, that it is inherited, and what exec takes away. */
#include "test.h"
#include <sys/personality.h>
#include <sys/utsname.h>

#ifndef UNAME26
#define UNAME26 0x0020000
#endif

static unsigned long now(void) { return personality(0xffffffff); }

static const char *machine(void) {
  static struct utsname u;
  OK(uname(&u));
  return u.machine;
}

static int child(void (*test)(void)) {
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

static void check_machine(void) {
  EQ(PER_LINUX32, now());
  CHECK(strcmp("i686", machine()) == 0);
}

static void linux32(void) {
  CHECK(strcmp("x86_64", machine()) == 0);
  EQ(PER_LINUX, personality(PER_LINUX32));
  EQ(PER_LINUX32, now());
  CHECK(strcmp("i686", machine()) == 0);
  EQ(0, child(check_machine));
  EQ(PER_LINUX32, personality(PER_LINUX));
  CHECK(strcmp("x86_64", machine()) == 0);
}

static void old_release(void) {
  struct utsname u, v;
  OK(uname(&u));
  OK(personality(UNAME26));
  OK(uname(&v));
  int major = 0, minor = 0, n = 0;
  CHECK(sscanf(u.release, "%d.%d%n", &major, &minor, &n) == 2 && major >= 4);
  char want[100];
  snprintf(want, sizeof want, "2.6.%d", minor + 60);
  CHECK(strncmp(want, v.release, strlen(want)) == 0);
  /* What follows the third number is kept. */
  const char *rest = u.release + n;
  if (*rest == '.') rest += 1 + strspn(rest + 1, "0123456789");
  CHECK(strcmp(v.release + strlen(want), rest) == 0);
  CHECK(strcmp(u.version, v.version) == 0);
}

static void stored(void) {
  EQ(0, now());
  EQ(0, personality(ADDR_NO_RANDOMIZE | SHORT_INODE));
  EQ(ADDR_NO_RANDOMIZE | SHORT_INODE, now());
  /* 32 bits of it are looked at. */
  EQ(ADDR_NO_RANDOMIZE | SHORT_INODE, syscall(SYS_personality, 0xffffffffUL));
  EQ(0, child(old_release));
}

int main(int argc, char **argv) {
  if (argc > 1) return strcmp("i686", machine()) == 0 && now() == (PER_LINUX32 | ADDR_NO_RANDOMIZE) ? 0 : 1;
  EQ(0, child(linux32));
  EQ(0, child(old_release));
  EQ(0, child(stored));
  /* A program that is started has it. */
  pid_t p = OK(fork());
  if (p == 0) {
    personality(PER_LINUX32 | ADDR_NO_RANDOMIZE);
    execl(argv[0], argv[0], "again", (char *)NULL);
    execl("/proc/self/exe", argv[0], "again", (char *)NULL);
    _exit(9);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  DONE();
}
