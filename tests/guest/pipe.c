/* pipe(2), fifos, their limits and their ends. */
#include "tmpdir.h"
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

static volatile sig_atomic_t pipes;
static void on_pipe(int s) { (void)s, pipes++; }

static void basics(void) {
  int p[2];
  char b[16];
  OK(pipe(p));
  EQ(3, write(p[1], "abc", 3));
  int n;
  OK(ioctl(p[0], FIONREAD, &n));
  EQ(3, n);
  EQ(2, read(p[0], b, 2));
  EQ(1, read(p[0], b, 16));
  FAILS(EBADF, read(p[1], b, 1));
  FAILS(EBADF, write(p[0], b, 1));
  FAILS(ESPIPE, lseek(p[0], 0, SEEK_SET));
  FAILS(ESPIPE, pread(p[0], b, 1, 0));
  FAILS(ESPIPE, pwrite(p[1], b, 1, 0));
  FAILS(EFAULT, write(p[1], BAD, 1));
  struct stat st;
  OK(fstat(p[0], &st));
  CHECK(S_ISFIFO(st.st_mode));
  EQ(O_RDONLY, fcntl(p[0], F_GETFL));
  EQ(O_WRONLY, fcntl(p[1], F_GETFL));
  OK(close(p[1]));
  EQ(0, read(p[0], b, 1));
  OK(close(p[0]));
  OK(pipe(p));
  OK(close(p[0]));
  signal(SIGPIPE, on_pipe);
  FAILS(EPIPE, write(p[1], "x", 1));
  EQ(1, pipes);
  OK(close(p[1]));
  FAILS(EFAULT, syscall(SYS_pipe, BAD));
  FAILS(EINVAL, pipe2(p, 1));
  OK(pipe2(p, O_CLOEXEC | O_NONBLOCK));
  EQ(FD_CLOEXEC, fcntl(p[0], F_GETFD));
  FAILS(EAGAIN, read(p[0], b, 1));
  EQ(65536, fcntl(p[0], F_GETPIPE_SZ));
  OK(close(p[0]));
  OK(close(p[1]));
}

static void atomicity(void) {
  int p[2];
  static char b[200000];
  OK(pipe2(p, O_NONBLOCK));
  EQ(65536, write(p[1], b, sizeof b));
  FAILS(EAGAIN, write(p[1], b, 1));
  EQ(4095, read(p[0], b, 4095));
  FAILS(EAGAIN, write(p[1], b, 4096));
  EQ(1, read(p[0], b, 1));
  EQ(4096, write(p[1], b, 4096));
  EQ(1 << 17, fcntl(p[0], F_SETPIPE_SZ, 1 << 17));
  EQ(65536, write(p[1], b, sizeof b));
  FAILS(EBUSY, fcntl(p[0], F_SETPIPE_SZ, 4096));
  OK(close(p[0]));
  OK(close(p[1]));
}

static void *drain(void *arg) {
  int fd = *(int *)arg;
  char b[10000];
  long sum = 0;
  for (long n; (n = read(fd, b, sizeof b)) > 0; sum += n) {
    for (long i = 0; i < n; i++)
      if (b[i] != (char)((sum + i) % 251)) {
        printf("pipe: wrong byte at %ld\n", sum + i);
        failures++;
        return (void *)-1;
      }
  }
  return (void *)sum;
}

static void blocking(void) {
  int p[2];
  OK(pipe(p));
  pthread_t t;
  pthread_create(&t, NULL, drain, &p[0]);
  static char b[1 << 20];
  for (int i = 0; i < 1 << 20; i++) b[i] = i % 251;
  /* A blocking write is not short. */
  EQ(1 << 20, write(p[1], b, sizeof b));
  OK(close(p[1]));
  void *sum;
  pthread_join(t, &sum);
  EQ(1 << 20, (long)sum);
  OK(close(p[0]));
}

static void packets(void) {
  int p[2];
  char b[100];
  OK(pipe2(p, O_DIRECT));
  EQ(3, write(p[1], "abc", 3));
  EQ(2, write(p[1], "de", 2));
  EQ(2, read(p[0], b, 2));
  EQ(2, read(p[0], b, 100));
  CHECK(memcmp(b, "de", 2) == 0);
  OK(close(p[0]));
  OK(close(p[1]));
}

static void readiness(void) {
  int p[2];
  OK(pipe(p));
  struct pollfd f[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
  EQ(1, poll(f, 2, 0));
  EQ(0, f[0].revents);
  EQ(POLLOUT, f[1].revents);
  EQ(1, write(p[1], "x", 1));
  EQ(2, poll(f, 2, 0));
  EQ(POLLIN, f[0].revents);
  OK(close(p[1]));
  EQ(1, poll(f, 1, 0));
  EQ(POLLIN | POLLHUP, f[0].revents);
  char c;
  EQ(1, read(p[0], &c, 1));
  EQ(1, poll(f, 1, -1));
  EQ(POLLHUP, f[0].revents);
  OK(close(p[0]));
  OK(pipe(p));
  OK(close(p[0]));
  f[0].fd = p[1], f[0].events = POLLOUT;
  EQ(1, poll(f, 1, -1));
  EQ(POLLOUT | POLLERR, f[0].revents);
  OK(close(p[1]));
}

static void *open_writer(void *arg) {
  (void)arg;
  usleep(20000);
  return (void *)(long)open("fifo", O_WRONLY);
}

static void fifos(void) {
  OK(mkfifo("fifo", 0600));
  FAILS(ENXIO, open("fifo", O_WRONLY | O_NONBLOCK));
  int r = OK(open("fifo", O_RDONLY | O_NONBLOCK));
  char b[8];
  EQ(0, read(r, b, 1));
  struct pollfd f = {r, POLLIN, 0};
  EQ(0, poll(&f, 1, 0));
  int w = OK(open("fifo", O_WRONLY | O_NONBLOCK));
  FAILS(EAGAIN, read(r, b, 1));
  EQ(2, write(w, "hi", 2));
  EQ(2, read(r, b, 8));
  OK(close(w));
  EQ(1, poll(&f, 1, 0));
  EQ(POLLHUP, f.revents);
  OK(close(r));
  pthread_t t;
  pthread_create(&t, NULL, open_writer, NULL);
  r = OK(open("fifo", O_RDONLY));
  void *writer;
  pthread_join(t, &writer);
  w = (int)(long)writer;
  CHECK(w >= 0);
  EQ(1, write(w, "z", 1));
  EQ(1, read(r, b, 8));
  OK(close(r));
  OK(close(w));
  int rw = OK(open("fifo", O_RDWR));
  EQ(1, write(rw, "q", 1));
  EQ(1, read(rw, b, 8));
  OK(close(rw));
}

static void on_alarm(int s) { (void)s; }

static void interrupted(void) {
  int p[2];
  char c;
  OK(pipe(p));
  struct sigaction sa = {.sa_handler = on_alarm};
  OK(sigaction(SIGALRM, &sa, NULL));
  alarm(1);
  FAILS(EINTR, read(p[0], &c, 1));
  OK(close(p[0]));
  OK(close(p[1]));
}

int main(void) {
  tmpdir_enter();
  basics();
  atomicity();
  blocking();
  packets();
  readiness();
  fifos();
  interrupted();
  tmpdir_leave();
  DONE();
}
