/* Files in memory, through /dev/shm or whatever tmpfs there is: sparse files, sharing, many files. */
#include "tmpdir.h"
#include <pthread.h>

static int shared;

static void *writer(void *arg) {
  long id = (long)arg;
  char page[4096];
  memset(page, 'a' + id, sizeof page);
  for (int i = 0; i < 200; i++) {
    if (pwrite(shared, page, sizeof page, (i * 4 + id) * 4096L) != 4096) return (void *)1;
  }
  return NULL;
}

static void concurrent(void) {
  shared = OK(open("shared", O_RDWR | O_CREAT, 0600));
  pthread_t t[4];
  for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, writer, (void *)i);
  for (int i = 0; i < 4; i++) {
    void *r;
    pthread_join(t[i], &r);
    EQ(0, (long)r);
  }
  char page[4096];
  for (int i = 0; i < 800; i++) {
    EQ(4096, pread(shared, page, 4096, i * 4096L));
    CHECK(page[0] == 'a' + i % 4 && page[4095] == 'a' + i % 4);
  }
  OK(close(shared));
}

static void truncated_under_mapping(void) {
  int fd = OK(open("m", O_RDWR | O_CREAT, 0600));
  OK(ftruncate(fd, 3 * 4096));
  char *p = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(p != MAP_FAILED);
  memset(p, 'm', 3 * 4096);
  OK(ftruncate(fd, 100));
  EQ('m', p[99]);
  EQ(0, p[100]);
  pid_t pid = fork();
  if (pid == 0) {
    p[4096] = 1;
    _exit(0);
  }
  int status;
  OK(waitpid(pid, &status, 0));
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  OK(ftruncate(fd, 3 * 4096));
  EQ(0, p[4096]);
  p[8192] = 'q';
  char c;
  EQ(1, pread(fd, &c, 1, 8192));
  EQ('q', c);
  OK(munmap(p, 3 * 4096));
  OK(close(fd));
}

static void far_away(void) {
  int fd = OK(open("far", O_RDWR | O_CREAT, 0600));
  off_t far = 1ll << 38;
  EQ(1, pwrite(fd, "f", 1, far));
  struct stat st;
  OK(fstat(fd, &st));
  EQ(far + 1, st.st_size);
  CHECK(st.st_blocks <= 64);
  char c = 1;
  EQ(1, pread(fd, &c, 1, far - 1));
  EQ(0, c);
  EQ(1, pread(fd, &c, 1, far));
  EQ('f', c);
  EQ(far & -4096, lseek(fd, 4096, SEEK_DATA) & -4096);
  OK(ftruncate(fd, 0));
  OK(fstat(fd, &st));
  EQ(0, st.st_blocks);
  OK(close(fd));
}

static void private_copy(void) {
  put_file("p", "original");
  int fd = OK(open("p", O_RDWR));
  char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  CHECK(p != MAP_FAILED && memcmp(p, "original", 8) == 0);
  memcpy(p, "changed!", 8);
  char b[8];
  EQ(8, pread(fd, b, 8, 0));
  CHECK(memcmp(b, "original", 8) == 0);
  OK(munmap(p, 4096));
  OK(close(fd));
}

static void gone_but_mapped(void) {
  put_file("g", "still here");
  int fd = OK(open("g", O_RDWR));
  char *p = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  OK(close(fd));
  OK(unlink("g"));
  CHECK(memcmp(p, "still here", 10) == 0);
  OK(munmap(p, 4096));
}

int main(void) {
  tmpdir_enter();
  concurrent();
  truncated_under_mapping();
  far_away();
  private_copy();
  gone_but_mapped();
  tmpdir_leave();
  DONE();
}
