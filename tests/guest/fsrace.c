/* Several threads and processes change the same tree at once: nothing hangs, nothing is lost, nothing is there twice. */
#include "tmpdir.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/syscall.h>

static const char *const names[] = {"a", "b", "a/a", "a/b", "b/a", "b/b", "a/a/a", "b/b/b", "a/b/a", "b/a/b"};
#define COUNT (sizeof names / sizeof *names)

static unsigned pick(uint64_t *s, unsigned n) {
  *s = *s * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(*s >> 33) % n;
}

static void *change(void *arg) {
  uint64_t s = (uint64_t)arg;
  char buffer[512];
  for (int i = 0; i < 1500; i++) {
    const char *x = names[pick(&s, COUNT)], *y = names[pick(&s, COUNT)];
    struct stat st;
    int fd;
    switch (pick(&s, 9)) {
      case 0: mkdir(x, 0755); break;
      case 1: rmdir(x); break;
      case 2: rename(x, y); break;
      case 3: syscall(SYS_renameat2, AT_FDCWD, x, AT_FDCWD, y, 2); break;
      case 4: unlink(x); break;
      case 5: link(x, y); break;
      case 6: stat(x, &st); break;
      case 7:
        fd = open(x, O_RDWR | O_CREAT | (pick(&s, 2) ? O_EXCL : 0), 0644);
        if (fd >= 0) {
          if (write(fd, x, strlen(x)) < 0 || pread(fd, buffer, sizeof buffer, 0) < 0) failures++;
          close(fd);
        }
        break;
      default: {
        DIR *d = opendir(x);
        if (d) {
          while (readdir(d)) {}
          closedir(d);
        }
      }
    }
  }
  return NULL;
}

/* Every directory has as many links as it has subdirectories, and two. */
static void verify(const char *path) {
  DIR *d = opendir(path);
  CHECK(d != NULL);
  int subdirectories = 0;
  for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
    char below[PATH_MAX];
    struct stat st;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    snprintf(below, sizeof below, "%s/%s", path, e->d_name);
    OK(lstat(below, &st));
    EQ(e->d_ino, st.st_ino);
    if (S_ISDIR(st.st_mode)) {
      subdirectories++;
      verify(below);
    }
  }
  if (d) closedir(d);
  struct stat st;
  OK(stat(path, &st));
  CHECK((int)st.st_nlink == subdirectories + 2 || st.st_nlink == 1);
}

int main(void) {
  tmpdir_enter();
  alarm(100);
  pid_t pid = fork();
  pthread_t t[4];
  for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, change, (void *)(i * 77 + (pid == 0)));
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  if (pid == 0) _exit(failures != 0);
  int status;
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
  verify(".");
  tmpdir_leave();
  DONE();
}
