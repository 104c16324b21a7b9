/* Sockets as files: names, splice and sendfile, flags, and threads that share one. */
#include "sock.h"
#include <pthread.h>
#include <sys/sendfile.h>

static void names(void) {
  int s = OK(socket(AF_UNIX, SOCK_STREAM, 0));
  char link[64], text[64];
  struct stat st;
  sprintf(link, "/proc/self/fd/%d", s);
  long n = OK(readlink(link, text, sizeof text - 1));
  text[n] = 0;
  OK(fstat(s, &st));
  char want[64];
  sprintf(want, "socket:[%lu]", (unsigned long)st.st_ino);
  CHECK(!strcmp(text, want));
  FAILS(ENXIO, open(link, O_RDWR));
  struct stat viaproc;
  OK(stat(link, &viaproc));
  EQ(st.st_ino, viaproc.st_ino);
  int on = 1;
  OK(ioctl(s, FIONBIO, &on));
  EQ(O_RDWR | O_NONBLOCK, fcntl(s, F_GETFL));
  on = 0;
  OK(ioctl(s, FIONBIO, &on));
  EQ(O_RDWR, fcntl(s, F_GETFL));
  OK(fcntl(s, F_SETOWN, getpid()));
  EQ(getpid(), fcntl(s, F_GETOWN));
  CHECK(mmap(0, 4096, PROT_READ, MAP_SHARED, s, 0) == MAP_FAILED);
  EQ(ENODEV, errno);
  FAILS(EINVAL, fsync(s));
  int d = OK(dup(s));
  OK(shutdown(d, SHUT_RDWR) == -1 ? (errno == ENOTCONN ? 0 : -1) : 0);
  close(d);
  close(s);
}

static void splicing(void) {
  int p[2], q[2];
  char b[64];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  OK(pipe(q));
  int f = OK(memfd_create("data", 0));
  write(f, "from a file", 11);
  off_t at = 5;
  EQ(6, sendfile(p[0], f, &at, 100));
  EQ(11, at);
  EQ(6, read(p[1], b, sizeof b));
  CHECK(!memcmp(b, "a file", 6));
  write(q[1], "from a pipe", 11);
  EQ(11, splice(q[0], 0, p[0], 0, 100, 0));
  EQ(11, read(p[1], b, sizeof b));
  write(p[0], "to a pipe", 9);
  EQ(9, splice(p[1], 0, q[1], 0, 100, 0));
  EQ(9, read(q[0], b, sizeof b));
  FAILS(EAGAIN, splice(p[1], 0, q[1], 0, 100, SPLICE_F_NONBLOCK));
  FAILS(EINVAL, splice(p[1], 0, p[0], 0, 100, 0));
  close(p[1]);
  EQ(0, splice(p[0], 0, q[1], 0, 100, 0));
  close(p[0]);
  close(q[0]);
  close(q[1]);
  close(f);
}

static int shared[2];
static long received;

static void *drain(void *unused) {
  char b[100];
  long n;
  while ((n = read(shared[1], b, sizeof b)) > 0)
    __atomic_add_fetch(&received, n, __ATOMIC_SEQ_CST);
  return unused;
}

static void *fill(void *unused) {
  static char b[1000];
  for (int i = 0; i < 300; i++)
    if (write(shared[0], b, sizeof b) != sizeof b)
      return "short";
  return unused;
}

static void threads(void) {
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, shared));
  pthread_t readers[3], writers[3];
  void *result;
  for (int i = 0; i < 3; i++) {
    pthread_create(&readers[i], 0, drain, 0);
    pthread_create(&writers[i], 0, fill, 0);
  }
  for (int i = 0; i < 3; i++) {
    pthread_join(writers[i], &result);
    CHECK(!result);
  }
  shutdown(shared[0], SHUT_WR);
  for (int i = 0; i < 3; i++)
    pthread_join(readers[i], 0);
  EQ(3 * 300 * 1000, received);
  close(shared[0]);
  close(shared[1]);
}

static int listening;

static void *accept_one(void *unused) {
  int c = accept(listening, 0, 0);
  if (c >= 0)
    close(c);
  return unused;
}

static void acceptors(void) {
  /* Several threads wait in accept; each connection goes to one. */
  listening = OK(socket(AF_INET, SOCK_STREAM, 0));
  OK(listen(listening, 10));
  struct sockaddr_in a = in4("127.0.0.1", port_of(listening));
  pthread_t t[4];
  for (int i = 0; i < 4; i++)
    pthread_create(&t[i], 0, accept_one, 0);
  usleep(20000);
  for (int i = 0; i < 4; i++) {
    int c = OK(socket(AF_INET, SOCK_STREAM, 0));
    OK(connect(c, (void *)&a, sizeof a));
    close(c);
  }
  for (int i = 0; i < 4; i++)
    pthread_join(t[i], 0);
  close(listening);
}

static void *shut_down_soon(void *fd) {
  usleep(20000);
  shutdown(*(int *)fd, SHUT_RDWR);
  return 0;
}

static void wake_by_shutdown(void) {
  int p[2];
  char b[1];
  pthread_t t;
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  pthread_create(&t, 0, shut_down_soon, &p[0]);
  EQ(0, read(p[0], b, 1));
  pthread_join(t, 0);
  close(p[0]);
  close(p[1]);
  OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
  pthread_create(&t, 0, shut_down_soon, &p[0]);
  EQ(0, read(p[0], b, 1));
  pthread_join(t, 0);
  close(p[0]);
  close(p[1]);
}

static void selecting(void) {
  int p[2];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  fd_set r, w, e;
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_ZERO(&e);
  FD_SET(p[0], &r);
  FD_SET(p[0], &w);
  FD_SET(p[0], &e);
  struct timeval t = {0, 0};
  EQ(1, select(p[0] + 1, &r, &w, &e, &t));
  CHECK(FD_ISSET(p[0], &w) && !FD_ISSET(p[0], &r) && !FD_ISSET(p[0], &e));
  close(p[1]);
  FD_SET(p[0], &r);
  FD_ZERO(&w);
  EQ(1, select(p[0] + 1, &r, &w, 0, 0));
  close(p[0]);
}

int main(void) {
  names();
  splicing();
  threads();
  acceptors();
  wake_by_shutdown();
  selecting();
  DONE();
}
