/* TCP over loopback. With TCP6 defined (tcp6.c) over ::1. */
#include "sock.h"

#ifdef TCP6
#define FAMILY AF_INET6
#define LOOP "::1"
#define ANY "::"
#define ELSEWHERE "2001:db8::1"
typedef struct sockaddr_in6 address;
#define ADDRESS in6
#else
#define FAMILY AF_INET
#define LOOP "127.0.0.1"
#define ANY "0.0.0.0"
#define ELSEWHERE "192.0.2.1"
typedef struct sockaddr_in address;
#define ADDRESS in4
#endif

static int listener(const char *where, int backlog) {
  int l = OK(socket(FAMILY, SOCK_STREAM, 0));
  address a = ADDRESS(where, 0);
  OK(bind(l, (void *)&a, sizeof a));
  OK(listen(l, backlog));
  return l;
}

/* A connected pair. */
static void tcp_pair(int *p) {
  int l = listener(LOOP, 5);
  address a = ADDRESS(LOOP, port_of(l));
  p[0] = OK(socket(FAMILY, SOCK_STREAM, 0));
  OK(connect(p[0], (void *)&a, sizeof a));
  p[1] = OK(accept(l, 0, 0));
  close(l);
}

static void creation(void) {
  FAILS(EPROTONOSUPPORT, socket(FAMILY, SOCK_STREAM, IPPROTO_UDP));
  FAILS(ESOCKTNOSUPPORT, socket(FAMILY, SOCK_SEQPACKET, 0));
  FAILS(EINVAL, socket(FAMILY, SOCK_STREAM, -1));
  FAILS(EPROTONOSUPPORT, socket(FAMILY, SOCK_RAW, 0));
  int s = OK(socket(FAMILY, SOCK_STREAM, IPPROTO_TCP)), p[2];
  EQ(SOCK_STREAM, int_option(s, SOL_SOCKET, SO_TYPE));
  EQ(IPPROTO_TCP, int_option(s, SOL_SOCKET, SO_PROTOCOL));
  EQ(FAMILY, int_option(s, SOL_SOCKET, SO_DOMAIN));
  EQ(POLLOUT | POLLHUP, ready(s, POLLIN | POLLOUT));
  FAILS(ENOTCONN, recv(s, p, 1, 0));
  FAILS(EPIPE, send(s, p, 1, MSG_NOSIGNAL));
  FAILS(ENOTCONN, shutdown(s, SHUT_RDWR));
  address a;
  socklen_t n = sizeof a;
  FAILS(ENOTCONN, getpeername(s, (void *)&a, &n));
  OK(getsockname(s, (void *)&a, &n));
  EQ(sizeof a, n);
  EQ(0, port_of(s));
  close(s);
  FAILS(EOPNOTSUPP, socketpair(FAMILY, SOCK_STREAM, 0, p));
}

static void binding(void) {
  int s = OK(socket(FAMILY, SOCK_STREAM, 0)), t = OK(socket(FAMILY, SOCK_STREAM, 0)), on = 1;
  address a = ADDRESS(LOOP, 0), b = ADDRESS(ELSEWHERE, 0);
  FAILS(EADDRNOTAVAIL, bind(s, (void *)&b, sizeof b));
  FAILS(EINVAL, bind(s, (void *)&a, 8));
  FAILS(EFAULT, bind(s, BAD, sizeof a));
  FAILS(EINVAL, bind(s, (void *)&a, 200));
  ((struct sockaddr *)&a)->sa_family = AF_UNIX;
  FAILS(EAFNOSUPPORT, bind(s, (void *)&a, sizeof a));
  ((struct sockaddr *)&a)->sa_family = FAMILY;
  OK(bind(s, (void *)&a, sizeof a));
  int port = port_of(s);
  CHECK(port >= 1024);
  FAILS(EINVAL, bind(s, (void *)&a, sizeof a));
  a = ADDRESS(LOOP, port);
  FAILS(EADDRINUSE, bind(t, (void *)&a, sizeof a));
  address any = ADDRESS(ANY, port);
  FAILS(EADDRINUSE, bind(t, (void *)&any, sizeof any));
  /* Both allow it, and nobody listens. */
  setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  FAILS(EADDRINUSE, bind(t, (void *)&a, sizeof a));
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  OK(bind(t, (void *)&a, sizeof a));
  OK(listen(s, 1));
  FAILS(EADDRINUSE, listen(t, 1));
  close(t);
  t = OK(socket(FAMILY, SOCK_STREAM, 0));
  setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  FAILS(EADDRINUSE, bind(t, (void *)&a, sizeof a));
  close(s);
  OK(bind(t, (void *)&a, sizeof a));
  close(t);
  /* Two listeners share a port. */
  s = OK(socket(FAMILY, SOCK_STREAM, 0));
  t = OK(socket(FAMILY, SOCK_STREAM, 0));
  setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  setsockopt(t, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  a = ADDRESS(LOOP, 0);
  OK(bind(s, (void *)&a, sizeof a));
  a = ADDRESS(LOOP, port_of(s));
  OK(bind(t, (void *)&a, sizeof a));
  OK(listen(s, 5));
  OK(listen(t, 5));
  for (int i = 0; i < 4; i++) {
    int c = OK(socket(FAMILY, SOCK_STREAM, 0));
    OK(connect(c, (void *)&a, sizeof a));
    close(c);
  }
  CHECK((ready_soon(s, POLLIN) | ready_soon(t, POLLIN)) & POLLIN);
  close(s);
  close(t);
  /* Listening binds. */
  s = OK(socket(FAMILY, SOCK_STREAM, 0));
  OK(listen(s, 0));
  CHECK(port_of(s) > 0);
  close(s);
  if (getuid() == 0 && !fork()) {
    if (setresuid(1000, 1000, 1000))
      _exit(2);
    s = socket(FAMILY, SOCK_STREAM, 0);
    a = ADDRESS(LOOP, 80);
    _exit(bind(s, (void *)&a, sizeof a) == -1 && errno == EACCES ? 0 : 1);
  }
  int status = 0;
  wait(&status);
  EQ(0, status);
}

static void connecting(void) {
  int l = listener(ANY, 5), s, c = OK(socket(FAMILY, SOCK_STREAM, 0));
  address a = ADDRESS(LOOP, port_of(l)), b, e = ADDRESS(ELSEWHERE, 80);
  socklen_t n = sizeof b;
  EQ(0, ready(l, POLLIN | POLLOUT));
  FAILS(EISCONN, connect(l, (void *)&a, sizeof a));
  FAILS(EINVAL, accept(c, 0, 0));
  FAILS(EINVAL, connect(c, (void *)&a, 8));
  FAILS(EFAULT, connect(c, BAD, sizeof a));
  OK(connect(c, (void *)&a, sizeof a));
  EQ(POLLIN, ready_soon(l, POLLIN));
  s = OK(accept(l, (void *)&b, &n));
  EQ(sizeof b, n);
  EQ(port_of(c), ntohs(((struct sockaddr_in *)&b)->sin_port));
  FAILS(EISCONN, connect(c, (void *)&a, sizeof a));
  n = sizeof b;
  OK(getsockname(s, (void *)&b, &n));
  CHECK(!memcmp(&a, &b, sizeof a));
  n = sizeof b;
  OK(getpeername(c, (void *)&b, &n));
  CHECK(!memcmp(&a, &b, sizeof a));
  n = sizeof b;
  OK(getsockname(c, (void *)&b, &n));
  a = ADDRESS(LOOP, port_of(c));
  CHECK(!memcmp(&a, &b, sizeof a));
  EQ(POLLOUT, ready(c, POLLIN | POLLOUT));
  close(c);
  close(s);
  /* Without waiting. */
  a = ADDRESS(LOOP, port_of(l));
  c = OK(socket(FAMILY, SOCK_STREAM | SOCK_NONBLOCK, 0));
  FAILS(EINPROGRESS, connect(c, (void *)&a, sizeof a));
  EQ(POLLOUT, ready_soon(c, POLLOUT));
  EQ(0, so_error(c));
  OK(connect(c, (void *)&a, sizeof a));
  FAILS(EISCONN, connect(c, (void *)&a, sizeof a));
  close(accept(l, 0, 0));
  close(c);
  /* Nobody listens. */
  int port = port_of(l);
  close(l);
  a = ADDRESS(LOOP, port);
  c = OK(socket(FAMILY, SOCK_STREAM, 0));
  FAILS(ECONNREFUSED, connect(c, (void *)&a, sizeof a));
  EQ(0, so_error(c));
  FAILS(ECONNREFUSED, connect(c, (void *)&a, sizeof a));
  nonblocking(c, 1);
  FAILS(EINPROGRESS, connect(c, (void *)&a, sizeof a));
  EQ(POLLOUT | POLLERR | POLLHUP, ready_soon(c, POLLOUT));
  EQ(ECONNREFUSED, so_error(c));
  EQ(0, so_error(c));
  FAILS(ECONNABORTED, connect(c, (void *)&a, sizeof a));
  close(c);
  (void)e;
  /* An accepted connection remembers who it was with. */
  l = listener(LOOP, 5);
  a = ADDRESS(LOOP, port_of(l));
  c = OK(socket(FAMILY, SOCK_STREAM, 0));
  OK(connect(c, (void *)&a, sizeof a));
  close(c);
  usleep(1000);
  n = sizeof b;
  s = OK(accept(l, (void *)&b, &n));
  char x;
  EQ(0, read(s, &x, 1));
  close(s);
  FAILS(EAGAIN, (nonblocking(l, 1), accept(l, 0, 0)));
  nonblocking(l, 0);
  struct timeval t = {0, 30000};
  setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  FAILS(EAGAIN, accept(l, 0, 0));
  close(l);
  /* Disconnect. */
  int p[2];
  tcp_pair(p);
  memset(&a, 0, sizeof a);
  OK(connect(p[0], (void *)&a, sizeof a));
  FAILS(ECONNRESET, read(p[1], &x, 1));
  n = sizeof b;
  FAILS(ENOTCONN, getpeername(p[0], (void *)&b, &n));
  close(p[0]);
  close(p[1]);
}

static void data(void) {
  int p[2], q;
  char b[64];
  tcp_pair(p);
  EQ(5, send(p[0], "hello", 5, 0));
  EQ(POLLIN | POLLOUT, ready_soon(p[1], POLLIN | POLLOUT));
  OK(ioctl(p[1], FIONREAD, &q));
  EQ(5, q);
  EQ(2, recv(p[1], b, 2, MSG_PEEK));
  EQ(5, recv(p[1], b, 64, 0));
  FAILS(EAGAIN, recv(p[1], b, 1, MSG_DONTWAIT));
  FAILS(EFAULT, send(p[0], BAD, 10, 0));
  write(p[0], "12345678", 8);
  usleep(1000);
  /* MSG_TRUNC throws bytes away. */
  EQ(3, recv(p[1], 0, 3, MSG_TRUNC));
  EQ(5, recv(p[1], b, 64, 0));
  CHECK(!memcmp(b, "45678", 5));
  struct sockaddr_storage from;
  socklen_t n = sizeof from;
  write(p[0], "x", 1);
  EQ(1, recvfrom(p[1], b, 64, 0, (void *)&from, &n));
  EQ(0, n);
  address a = ADDRESS(LOOP, 1);
  /* A destination is ignored. */
  EQ(1, sendto(p[0], "y", 1, 0, (void *)&a, sizeof a));
  EQ(1, recv(p[1], b, 64, 0));
  OK(ioctl(p[0], TIOCOUTQ, &q));
  EQ(0, q);
  if (!fork()) {
    for (int i = 0; i < 3; i++) {
      usleep(10000);
      write(p[0], "abc", 3);
    }
    _exit(0);
  }
  EQ(9, recv(p[1], b, 9, MSG_WAITALL));
  wait(0);
  /* A large amount both ways. */
  static char big[4 << 20];
  pid_t child = fork();
  if (!child) {
    close(p[0]);
    long total = 0, r;
    while ((r = read(p[1], big, 65536)) > 0)
      if (write(p[1], big, r) != r)
        _exit(1);
      else
        total += r;
    _exit(total == sizeof big ? 0 : 2);
  }
  close(p[1]);
  if (!fork()) {
    for (unsigned i = 0; i < sizeof big; i++)
      big[i] = i ^ i >> 9;
    if (write(p[0], big, sizeof big) != sizeof big)
      _exit(1);
    shutdown(p[0], SHUT_WR);
    _exit(0);
  }
  unsigned pos = 0, wrong = 0;
  long r;
  while ((r = read(p[0], big, 100000)) > 0)
    for (int i = 0; i < r; i++, pos++)
      wrong += big[i] != (char)(pos ^ pos >> 9);
  EQ(sizeof big, pos);
  EQ(0, wrong);
  int status;
  wait(&status);
  EQ(0, status);
  wait(&status);
  EQ(0, status);
  close(p[0]);
}

static void ends(void) {
  int p[2];
  char b[8];
  signal(SIGPIPE, SIG_IGN);
  tcp_pair(p);
  /* Half close. */
  write(p[0], "last", 4);
  OK(shutdown(p[0], SHUT_WR));
  FAILS(EPIPE, write(p[0], "x", 1));
  EQ(POLLIN | POLLOUT | POLLRDHUP, ready_soon(p[1], POLLIN | POLLOUT | POLLRDHUP));
  EQ(4, recv(p[1], b, 8, MSG_WAITALL));
  EQ(0, read(p[1], b, 8));
  EQ(3, write(p[1], "yes", 3));
  usleep(1000);
  EQ(3, read(p[0], b, 8));
  close(p[1]);
  usleep(1000);
  EQ(0, read(p[0], b, 8));
  EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP, ready(p[0], POLLIN | POLLOUT | POLLRDHUP));
  close(p[0]);
  /* Closed in order: the first write goes out, the next one knows. */
  tcp_pair(p);
  close(p[1]);
  usleep(1000);
  EQ(0, read(p[0], b, 8));
  EQ(1, write(p[0], "x", 1));
  usleep(1000);
  FAILS(EPIPE, write(p[0], "x", 1));
  close(p[0]);
  /* Closed with something unread. */
  tcp_pair(p);
  write(p[0], "unread", 6);
  usleep(1000);
  close(p[1]);
  usleep(1000);
  EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR, ready(p[0], POLLIN | POLLOUT | POLLRDHUP));
  FAILS(ECONNRESET, read(p[0], b, 8));
  EQ(0, read(p[0], b, 8));
  FAILS(EPIPE, write(p[0], "x", 1));
  close(p[0]);
  /* Linger of no time: a reset, behind what was sent before. */
  tcp_pair(p);
  struct linger l = {1, 0};
  OK(setsockopt(p[1], SOL_SOCKET, SO_LINGER, &l, sizeof l));
  close(p[1]);
  usleep(1000);
  EQ(ECONNRESET, so_error(p[0]));
  EQ(0, read(p[0], b, 8));
  close(p[0]);
  /* Reading can be shut down here. */
  tcp_pair(p);
  OK(shutdown(p[0], SHUT_RD));
  EQ(0, read(p[0], b, 8));
  EQ(POLLIN | POLLOUT | POLLRDHUP, ready(p[0], POLLIN | POLLOUT | POLLRDHUP));
  EQ(1, write(p[1], "x", 1));
  close(p[0]);
  close(p[1]);
  /* A listener that closes resets who was not accepted. */
  int s = listener(LOOP, 5), c = OK(socket(FAMILY, SOCK_STREAM, 0));
  address a = ADDRESS(LOOP, port_of(s));
  OK(connect(c, (void *)&a, sizeof a));
  close(s);
  usleep(1000);
  FAILS(ECONNRESET, read(c, b, 8));
  close(c);
  /* shutdown wakes who waits in accept. */
  s = listener(LOOP, 5);
  if (!fork()) {
    usleep(30000);
    shutdown(s, SHUT_RD);
    _exit(0);
  }
  FAILS(EINVAL, accept(s, 0, 0));
  wait(0);
  close(s);
}

static void urgent(void) {
  int p[2], mark;
  char b[8];
  tcp_pair(p);
  FAILS(EINVAL, recv(p[1], b, 1, MSG_OOB));
  write(p[0], "ab", 2);
  EQ(1, send(p[0], "!", 1, MSG_OOB));
  write(p[0], "cd", 2);
  usleep(1000);
  EQ(POLLIN | POLLPRI, ready_soon(p[1], POLLIN | POLLPRI));
  EQ(1, recv(p[1], b, 1, MSG_OOB));
  EQ('!', b[0]);
  FAILS(EINVAL, recv(p[1], b, 1, MSG_OOB));
  EQ(2, read(p[1], b, 8));
  OK(ioctl(p[1], SIOCATMARK, &mark));
  EQ(1, mark);
  EQ(2, read(p[1], b, 8));
  CHECK(!memcmp(b, "cd", 2));
  close(p[0]);
  close(p[1]);
}

static void flow(void) {
  int p[2];
  static char big[1 << 20];
  tcp_pair(p);
  nonblocking(p[0], 1);
  long total = 0, n;
  while ((n = write(p[0], big, sizeof big)) > 0) {
    total += n;
    if (total > 100 << 20)
      break;
    usleep(1000);
  }
  EQ(EAGAIN, errno);
  CHECK(total > 10000);
  EQ(0, ready(p[0], POLLOUT));
  nonblocking(p[1], 1);
  long got = 0;
  while (got < total && ready_soon(p[1], POLLIN) == POLLIN && (n = read(p[1], big, sizeof big)) > 0)
    got += n;
  EQ(total, got);
  EQ(POLLOUT, ready_soon(p[0], POLLOUT));
  close(p[0]);
  close(p[1]);
}

static void edge(void) {
  int p[2], e = epoll_create1(0);
  tcp_pair(p);
  struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
  OK(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
  EQ(1, epoll_wait(e, &ev, 1, 1000));
  EQ(EPOLLOUT, ev.events);
  EQ(0, epoll_wait(e, &ev, 1, 0));
  write(p[1], "x", 1);
  EQ(1, epoll_wait(e, &ev, 1, 1000));
  EQ(EPOLLIN | EPOLLOUT, ev.events);
  EQ(0, epoll_wait(e, &ev, 1, 0));
  shutdown(p[1], SHUT_WR);
  EQ(1, epoll_wait(e, &ev, 1, 1000));
  EQ(EPOLLIN | EPOLLOUT | EPOLLRDHUP, ev.events);
  close(p[1]);
  close(p[0]);
  close(e);
}

#ifdef TCP6
static void both_families(void) {
  int on = 1, l = OK(socket(AF_INET6, SOCK_STREAM, 0)), c = OK(socket(AF_INET, SOCK_STREAM, 0)), s;
  struct sockaddr_in6 any = in6("::", 0), peer;
  OK(bind(l, (void *)&any, sizeof any));
  OK(listen(l, 5));
  struct sockaddr_in a = in4("127.0.0.1", port_of(l)), b = in4("0.0.0.0", port_of(l));
  OK(connect(c, (void *)&a, sizeof a));
  socklen_t n = sizeof peer;
  s = OK(accept(l, (void *)&peer, &n));
  EQ(sizeof peer, n);
  CHECK(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
  EQ(port_of(c), ntohs(peer.sin6_port));
  close(c);
  close(s);
  c = OK(socket(AF_INET, SOCK_STREAM, 0));
  FAILS(EADDRINUSE, bind(c, (void *)&b, sizeof b));
  close(c);
  /* An IPv6 socket reaches an IPv4 listener. */
  close(l);
  l = OK(socket(AF_INET, SOCK_STREAM, 0));
  b.sin_port = 0;
  OK(bind(l, (void *)&b, sizeof b));
  OK(listen(l, 5));
  c = OK(socket(AF_INET6, SOCK_STREAM, 0));
  struct sockaddr_in6 mapped = in6("::ffff:127.0.0.1", port_of(l)), six = in6("::1", port_of(l));
  FAILS(ECONNREFUSED, connect(c, (void *)&six, sizeof six));
  OK(connect(c, (void *)&mapped, sizeof mapped));
  close(c);
  /* IPv6 only. */
  c = OK(socket(AF_INET6, SOCK_STREAM, 0));
  OK(setsockopt(c, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
  FAILS(ENETUNREACH, connect(c, (void *)&mapped, sizeof mapped));
  any.sin6_port = htons(port_of(l));
  OK(bind(c, (void *)&any, sizeof any));
  FAILS(EINVAL, setsockopt(c, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
  close(c);
  close(l);
}
#endif

int main(void) {
  creation();
  binding();
  connecting();
  data();
  ends();
  urgent();
  flow();
  edge();
#ifdef TCP6
  both_families();
#endif
  DONE();
}
