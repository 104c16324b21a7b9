/* AF_UNIX SOCK_STREAM: names, connections, data, ends, readiness. */
#include "sock.h"

static char dir[] = "/tmp/unix_stream.XXXXXX";

static socklen_t path_address(struct sockaddr_un *a, const char *name) {
  a->sun_family = AF_UNIX;
  snprintf(a->sun_path, sizeof a->sun_path, "%s/%s", dir, name);
  return offsetof(struct sockaddr_un, sun_path) + strlen(a->sun_path) + 1;
}

static socklen_t abstract_address(struct sockaddr_un *a, const char *name) {
  a->sun_family = AF_UNIX;
  int n = snprintf(a->sun_path + 1, sizeof a->sun_path - 1, "%s.%d", name, getpid());
  a->sun_path[0] = 0;
  return offsetof(struct sockaddr_un, sun_path) + 1 + n;
}

static void creation(void) {
  FAILS(EAFNOSUPPORT, socket(-1, SOCK_STREAM, 0));
  FAILS(EAFNOSUPPORT, socket(45, SOCK_STREAM, 0));
  FAILS(EAFNOSUPPORT, socket(46, SOCK_STREAM, 0));
  FAILS(EINVAL, socket(AF_UNIX, 0xf, 0));
  FAILS(EINVAL, socket(AF_UNIX, SOCK_STREAM | 0x10000, 0));
  FAILS(ESOCKTNOSUPPORT, socket(AF_UNIX, SOCK_RDM, 0));
  FAILS(EPROTONOSUPPORT, socket(AF_UNIX, SOCK_STREAM, 7));
  int s = OK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX));
  EQ(FD_CLOEXEC, fcntl(s, F_GETFD));
  EQ(O_RDWR | O_NONBLOCK, fcntl(s, F_GETFL));
  struct stat st;
  OK(fstat(s, &st));
  CHECK(S_ISSOCK(st.st_mode));
  EQ(0777, st.st_mode & 0777);
  FAILS(ESPIPE, lseek(s, 0, SEEK_SET));
  FAILS(ESPIPE, pread(s, &st, 1, 0));
  FAILS(EINVAL, ftruncate(s, 0));
  close(s);
  FAILS(EBADF, bind(-1, 0, 0));
  int null = open("/dev/null", O_RDWR);
  FAILS(ENOTSOCK, listen(null, 1));
  FAILS(ENOTSOCK, send(null, "x", 1, 0));
  close(null);
  FAILS(EFAULT, syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD));
}

static void pairs(void) {
  int p[2];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  char b[64];
  EQ(5, write(p[0], "hello", 5));
  EQ(3, read(p[1], b, 3));
  EQ(2, read(p[1], b + 3, 10));
  CHECK(!memcmp(b, "hello", 5));
  /* Several writes are one stream. */
  write(p[0], "ab", 2);
  write(p[0], "cd", 2);
  EQ(4, read(p[1], b, 64));
  /* Vectors. */
  struct iovec out[2] = {{"one", 3}, {"two", 3}}, in[2] = {{b, 4}, {b + 10, 4}};
  EQ(6, writev(p[1], out, 2));
  EQ(6, readv(p[0], in, 2));
  CHECK(!memcmp(b, "onet", 4) && !memcmp(b + 10, "wo", 2));
  /* Nothing of nothing. */
  EQ(0, write(p[0], "", 0));
  EQ(0, read(p[1], b, 0));
  nonblocking(p[1], 1);
  FAILS(EAGAIN, read(p[1], b, 1));
  nonblocking(p[1], 0);
  FAILS(EAGAIN, recv(p[1], b, 1, MSG_DONTWAIT));
  /* Peek, trunc, waitall. */
  write(p[0], "peek", 4);
  EQ(2, recv(p[1], b, 2, MSG_PEEK));
  EQ(4, recv(p[1], b, 64, MSG_PEEK));
  EQ(4, recv(p[1], b, 64, 0));
  if (!fork()) {
    usleep(20000);
    write(p[0], "12", 2);
    usleep(20000);
    write(p[0], "34", 2);
    _exit(0);
  }
  EQ(4, recv(p[1], b, 4, MSG_WAITALL));
  wait(0);
  /* Addresses of unnamed sockets. */
  struct sockaddr_un a;
  socklen_t n = sizeof a;
  OK(getsockname(p[0], (void *)&a, &n));
  EQ(2, n);
  EQ(AF_UNIX, a.sun_family);
  n = sizeof a;
  OK(getpeername(p[0], (void *)&a, &n));
  EQ(2, n);
  /* Errors. */
  FAILS(EFAULT, send(p[0], BAD, 1, 0));
  write(p[0], "x", 1);
  FAILS(EFAULT, recv(p[1], BAD, 1, 0));
  EQ(1, recv(p[1], b, 1, 0));
  FAILS(EISCONN, sendto(p[0], "x", 1, 0, (void *)&a, 2));
  FAILS(EINVAL, connect(p[0], (void *)&a, 1));
  FAILS(EINVAL, listen(p[0], 1));
  FAILS(EINVAL, accept(p[0], 0, 0));
  n = -1;
  FAILS(EINVAL, getsockname(p[0], (void *)&a, &n));
  n = sizeof a;
  FAILS(EFAULT, getsockname(p[0], BAD, &n));
  FAILS(EFAULT, getsockname(p[0], (void *)&a, BAD));
  struct ucred c;
  n = sizeof c;
  OK(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &c, &n));
  EQ(getpid(), c.pid);
  EQ(geteuid(), c.uid);
  EQ(getegid(), c.gid);
  int q;
  write(p[0], "12345", 5);
  OK(ioctl(p[1], FIONREAD, &q));
  EQ(5, q);
  FAILS(EFAULT, ioctl(p[1], FIONREAD, BAD));
  FAILS(ENOTTY, ioctl(p[1], 0x1234, &q));
  close(p[0]);
  close(p[1]);
}

static void ends(void) {
  int p[2];
  char b[8];
  signal(SIGPIPE, SIG_IGN);
  /* Half close. */
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  write(p[0], "last", 4);
  OK(shutdown(p[0], SHUT_WR));
  FAILS(EPIPE, write(p[0], "x", 1));
  EQ(POLLIN | POLLOUT | POLLRDHUP, ready(p[1], POLLIN | POLLOUT | POLLRDHUP));
  EQ(4, read(p[1], b, 8));
  EQ(0, read(p[1], b, 8));
  EQ(0, read(p[1], b, 8));
  EQ(2, write(p[1], "ok", 2));
  EQ(2, read(p[0], b, 8));
  OK(shutdown(p[1], SHUT_WR));
  EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP, ready(p[1], POLLIN | POLLOUT | POLLRDHUP));
  FAILS(EINVAL, shutdown(p[1], 3));
  close(p[0]);
  close(p[1]);
  /* The reader shuts down. */
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  OK(shutdown(p[1], SHUT_RD));
  FAILS(EPIPE, write(p[0], "x", 1));
  EQ(0, read(p[1], b, 1));
  close(p[0]);
  close(p[1]);
  /* The other end closes. */
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  write(p[1], "bye", 3);
  close(p[1]);
  EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP, ready(p[0], POLLIN | POLLOUT | POLLRDHUP));
  EQ(3, read(p[0], b, 8));
  EQ(0, read(p[0], b, 8));
  FAILS(EPIPE, write(p[0], "x", 1));
  FAILS(EPIPE, send(p[0], "x", 1, MSG_NOSIGNAL));
  close(p[0]);
  /* It closes with something unread: a reset. */
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  write(p[0], "unread", 6);
  close(p[1]);
  EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR, ready(p[0], POLLIN | POLLOUT | POLLRDHUP));
  FAILS(ECONNRESET, read(p[0], b, 8));
  EQ(0, read(p[0], b, 8));
  close(p[0]);
  /* SIGPIPE, unless it is not wanted. */
  signal(SIGPIPE, SIG_DFL);
  pid_t child = fork();
  if (!child) {
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    close(p[1]);
    if (send(p[0], "x", 1, MSG_NOSIGNAL) != -1 || errno != EPIPE)
      _exit(1);
    write(p[0], "x", 1);
    _exit(2);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void named(int is_abstract) {
  struct sockaddr_un a, b;
  socklen_t n = is_abstract ? abstract_address(&a, "named") : path_address(&a, "named"), m;
  int l = OK(socket(AF_UNIX, SOCK_STREAM, 0));
  EQ(POLLOUT | POLLHUP, ready(l, POLLIN | POLLOUT));
  FAILS(EINVAL, listen(l, 1));
  FAILS(is_abstract ? ECONNREFUSED : ENOENT, connect(l, (void *)&a, n));
  OK(bind(l, (void *)&a, n));
  m = is_abstract ? abstract_address(&b, "other") : path_address(&b, "other");
  FAILS(EINVAL, bind(l, (void *)&b, m));
  int l2 = OK(socket(AF_UNIX, SOCK_STREAM, 0));
  FAILS(EADDRINUSE, bind(l2, (void *)&a, n));
  FAILS(ECONNREFUSED, connect(l2, (void *)&a, n));
  m = sizeof b;
  memset(&b, 0x55, sizeof b);
  OK(getsockname(l, (void *)&b, &m));
  EQ(n, m);
  CHECK(!memcmp(&a, &b, n));
  /* Cut to the room there is; the length is the whole. */
  m = 4;
  memset(&b, 0x55, sizeof b);
  OK(getsockname(l, (void *)&b, &m));
  EQ(n, m);
  EQ(0x55, ((char *)&b)[4]);
  OK(listen(l, 1));
  EQ(1, int_option(l, SOL_SOCKET, SO_ACCEPTCONN));
  EQ(0, ready(l, POLLIN | POLLOUT));
  FAILS(EAGAIN, (nonblocking(l, 1), accept(l, 0, 0)));
  FAILS(EINVAL, accept4(l, 0, 0, 0x1000));
  FAILS(ENOTCONN, getpeername(l, (void *)&b, &m));
  FAILS(EINVAL, recv(l, &b, 1, MSG_DONTWAIT));
  FAILS(ENOTCONN, send(l, "x", 1, MSG_NOSIGNAL));
  /* Two fit behind a backlog of one, the third waits. */
  int c[3];
  for (int i = 0; i < 3; i++)
    c[i] = OK(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  OK(connect(c[0], (void *)&a, n));
  OK(connect(c[1], (void *)&a, n));
  FAILS(EAGAIN, connect(c[2], (void *)&a, n));
  EQ(POLLIN, ready(l, POLLIN | POLLOUT));
  /* Data may be there before accept. */
  EQ(5, write(c[0], "early", 5));
  m = sizeof b;
  int s = OK(accept4(l, (void *)&b, &m, SOCK_CLOEXEC | SOCK_NONBLOCK));
  EQ(2, m);
  EQ(FD_CLOEXEC, fcntl(s, F_GETFD));
  EQ(O_RDWR | O_NONBLOCK, fcntl(s, F_GETFL));
  char buf[8];
  EQ(5, read(s, buf, 8));
  m = sizeof b;
  OK(getpeername(c[0], (void *)&b, &m));
  EQ(n, m);
  m = sizeof b;
  OK(getsockname(s, (void *)&b, &m));
  EQ(n, m);
  FAILS(EISCONN, connect(c[0], (void *)&a, n));
  /* A blocking connect waits for room. */
  nonblocking(c[2], 0);
  OK(connect(c[2], (void *)&a, n));
  close(c[2]);
  int d = OK(socket(AF_UNIX, SOCK_STREAM, 0));
  if (!fork()) {
    usleep(30000);
    close(accept(l, 0, 0));
    _exit(0);
  }
  OK(connect(d, (void *)&a, n));
  wait(0);
  /* Wrong type, bad addresses. */
  int g = OK(socket(AF_UNIX, SOCK_DGRAM, 0));
  FAILS(is_abstract ? ECONNREFUSED : EPROTOTYPE, connect(g, (void *)&a, n));
  close(g);
  FAILS(EINVAL, connect(l2, (void *)&a, 111));
  FAILS(EINVAL, connect(l2, (void *)&a, 2));
  FAILS(EFAULT, connect(l2, BAD, 10));
  a.sun_family = AF_INET;
  FAILS(EINVAL, connect(l2, (void *)&a, n));
  FAILS(EINVAL, bind(l2, (void *)&a, n));
  a.sun_family = AF_UNIX;
  /* Who was not accepted is reset when the listener closes. */
  close(l);
  FAILS(ECONNRESET, read(d, buf, 8));
  EQ(0, read(d, buf, 8));
  close(d);
  FAILS(ECONNREFUSED, connect(l2, (void *)&a, n));
  if (!is_abstract) {
    struct stat st;
    OK(stat(a.sun_path, &st));
    CHECK(S_ISSOCK(st.st_mode));
    FAILS(ENXIO, open(a.sun_path, O_RDWR));
    FAILS(EADDRINUSE, bind(l2, (void *)&a, n));
    OK(unlink(a.sun_path));
    FAILS(ENOENT, connect(l2, (void *)&a, n));
  }
  OK(bind(l2, (void *)&a, n));
  for (int i = 0; i < 2; i++)
    close(c[i]);
  close(l2);
  close(s);
  if (!is_abstract)
    unlink(a.sun_path);
}

static void autobind(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  int s = OK(socket(AF_UNIX, SOCK_STREAM, 0));
  OK(bind(s, (void *)&a, 2));
  socklen_t n = sizeof a;
  OK(getsockname(s, (void *)&a, &n));
  EQ(2 + 6, n);
  EQ(0, a.sun_path[0]);
  for (int i = 1; i < 6; i++)
    CHECK(strchr("0123456789abcdef", a.sun_path[i]));
  close(s);
}

static void flow(void) {
  int p[2];
  static char big[1 << 20];
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  /* A non-blocking writer gets as far as the buffer. */
  nonblocking(p[0], 1);
  long n = write(p[0], big, sizeof big);
  CHECK(n > 1000 && n < (long)sizeof big);
  while (write(p[0], big, 4096) > 0)
    ;
  EQ(EAGAIN, errno);
  EQ(0, ready(p[0], POLLOUT));
  long total = 0, r;
  nonblocking(p[1], 1);
  while ((r = read(p[1], big, sizeof big)) > 0)
    total += r;
  CHECK(total >= n);
  EQ(POLLOUT, ready(p[0], POLLOUT));
  nonblocking(p[0], 0);
  nonblocking(p[1], 0);
  /* A blocking one writes all of it, and the bytes arrive in order. */
  pid_t child = fork();
  if (!child) {
    unsigned char *c = (unsigned char *)big;
    for (unsigned i = 0; i < sizeof big; i++)
      c[i] = i * 7 + (i >> 8);
    _exit(write(p[0], big, sizeof big) == sizeof big ? 0 : 1);
  }
  close(p[0]);
  unsigned pos = 0, bad = 0;
  unsigned char b[5000];
  while ((r = read(p[1], b, sizeof b)) > 0)
    for (int i = 0; i < r; i++, pos++)
      bad += b[i] != (unsigned char)(pos * 7 + (pos >> 8));
  EQ(sizeof big, pos);
  EQ(0, bad);
  int status;
  waitpid(child, &status, 0);
  EQ(0, status);
  close(p[1]);
}

static void waiting(void) {
  int p[2];
  char b[4];
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  struct timeval t = {0, 50000};
  OK(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  long before = now_ms();
  FAILS(EAGAIN, read(p[0], b, 1));
  CHECK(now_ms() - before >= 45);
  FAILS(EAGAIN, recv(p[0], b, 1, 0));
  /* With a timeout a signal gives EINTR even with SA_RESTART. */
  t.tv_sec = 10;
  setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  interrupt_after_ms(20, SA_RESTART);
  FAILS(EINTR, recv(p[0], b, 1, 0));
  t.tv_sec = 0;
  t.tv_usec = 0;
  setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  interrupt_after_ms(20, 0);
  FAILS(EINTR, recv(p[0], b, 1, 0));
  /* Restarted without one. */
  interrupt_after_ms(20, SA_RESTART);
  if (!fork()) {
    usleep(60000);
    write(p[1], "x", 1);
    _exit(0);
  }
  EQ(1, recv(p[0], b, 1, 0));
  wait(0);
  t.tv_usec = 1000000;
  FAILS(EDOM, setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  FAILS(EINVAL, setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, 8));
  t.tv_sec = 0;
  t.tv_usec = 50000;
  OK(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
  static char big[1 << 20];
  long n = write(p[0], big, sizeof big);
  CHECK(n > 0 && n < (long)sizeof big);
  FAILS(EAGAIN, write(p[0], big, sizeof big));
  close(p[0]);
  close(p[1]);
}

static void edge(void) {
  int p[2], e = epoll_create1(0);
  char b[8];
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
  OK(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
  EQ(1, epoll_wait(e, &ev, 1, 0));
  EQ(EPOLLOUT, ev.events);
  EQ(0, epoll_wait(e, &ev, 1, 0));
  write(p[1], "x", 1);
  EQ(1, epoll_wait(e, &ev, 1, 0));
  EQ(EPOLLIN | EPOLLOUT, ev.events);
  EQ(0, epoll_wait(e, &ev, 1, 0));
  write(p[1], "y", 1);
  EQ(1, epoll_wait(e, &ev, 1, 0));
  EQ(2, read(p[0], b, 8));
  close(p[1]);
  EQ(1, epoll_wait(e, &ev, 1, 0));
  EQ(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP, ev.events);
  close(p[0]);
  close(e);
}

int main(void) {
  mkdtemp(dir);
  creation();
  pairs();
  ends();
  named(0);
  named(1);
  autobind();
  flow();
  waiting();
  edge();
  rmdir(dir);
  DONE();
}
