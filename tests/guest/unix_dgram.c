/* AF_UNIX SOCK_DGRAM. */
#include "sock.h"

static socklen_t name(struct sockaddr_un *a, const char *tag) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  return 3 + sprintf(a->sun_path + 1, "dgram.%s.%d", tag, getpid());
}

static void pairs(void) {
  int p[2];
  char b[16];
  OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
  write(p[0], "one", 3);
  write(p[0], "", 0);
  write(p[0], "three", 5);
  int q;
  OK(ioctl(p[1], FIONREAD, &q));
  EQ(3, q);
  EQ(3, recv(p[1], b, 16, MSG_PEEK));
  EQ(2, recv(p[1], b, 2, 0));
  EQ(0, recv(p[1], b, 16, 0));
  EQ(5, recv(p[1], b, 2, MSG_TRUNC));
  FAILS(EAGAIN, recv(p[1], b, 16, MSG_DONTWAIT));
  write(p[0], "truncated", 9);
  struct iovec v = {b, 4};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  EQ(4, recvmsg(p[1], &m, 0));
  EQ(MSG_TRUNC, m.msg_flags);
  static char big[300000];
  FAILS(EMSGSIZE, send(p[0], big, sizeof big, 0));
  EQ(100000, send(p[0], big, 100000, 0));
  EQ(100000, recv(p[1], big, sizeof big, 0));
  /* The writer's own buffer bounds what is on its way. */
  int n = 0;
  while (send(p[0], big, 1000, MSG_DONTWAIT) == 1000)
    n++;
  EQ(EAGAIN, errno);
  CHECK(n > 10 && n < 1000);
  EQ(0, ready(p[0], POLLOUT));
  while (recv(p[1], big, sizeof big, MSG_DONTWAIT) > 0)
    ;
  EQ(POLLOUT, ready(p[0], POLLOUT));
  /* A closed peer is refused, without SIGPIPE, and then there is none. */
  close(p[1]);
  FAILS(ECONNREFUSED, send(p[0], "x", 1, 0));
  FAILS(ENOTCONN, send(p[0], "x", 1, 0));
  close(p[0]);
  OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
  OK(shutdown(p[0], SHUT_RDWR));
  FAILS(EPIPE, send(p[0], "x", 1, 0));
  FAILS(EPIPE, send(p[1], "x", 1, 0));
  EQ(0, recv(p[0], b, 1, 0));
  EQ(POLLIN | POLLRDHUP | POLLHUP, ready(p[0], POLLIN | POLLRDHUP));
  close(p[0]);
  close(p[1]);
}

static void named(void) {
  struct sockaddr_un a, c, from;
  socklen_t an = name(&a, "a"), cn = name(&c, "c"), n = sizeof from;
  int s = OK(socket(AF_UNIX, SOCK_DGRAM, 0)), t = OK(socket(AF_UNIX, SOCK_DGRAM, 0));
  char b[16];
  EQ(POLLOUT, ready(s, POLLIN | POLLOUT));
  FAILS(ENOTCONN, send(t, "x", 1, 0));
  FAILS(ECONNREFUSED, sendto(t, "x", 1, 0, (void *)&a, an));
  OK(bind(s, (void *)&a, an));
  EQ(1, sendto(t, "x", 1, 0, (void *)&a, an));
  EQ(1, recvfrom(s, b, 16, 0, (void *)&from, &n));
  EQ(0, n);
  OK(bind(t, (void *)&c, cn));
  EQ(1, sendto(t, "y", 1, 0, (void *)&a, an));
  n = sizeof from;
  EQ(1, recvfrom(s, b, 16, 0, (void *)&from, &n));
  EQ(cn, n);
  CHECK(!memcmp(&from, &c, cn));
  FAILS(EOPNOTSUPP, listen(s, 1));
  FAILS(EOPNOTSUPP, accept(s, 0, 0));
  /* Connected: others may not send to it. */
  OK(connect(s, (void *)&c, cn));
  n = sizeof from;
  OK(getpeername(s, (void *)&from, &n));
  EQ(cn, n);
  int u = OK(socket(AF_UNIX, SOCK_DGRAM, 0));
  FAILS(EPERM, sendto(u, "x", 1, 0, (void *)&a, an));
  FAILS(EPERM, connect(u, (void *)&a, an));
  EQ(1, send(s, "z", 1, 0));
  EQ(1, recv(t, b, 16, 0));
  a.sun_family = AF_UNSPEC;
  OK(connect(s, (void *)&a, 2));
  a.sun_family = AF_UNIX;
  FAILS(ENOTCONN, getpeername(s, (void *)&from, &n));
  /* A receiver that nobody is paired with takes few messages. */
  int sent = 0;
  while (sendto(u, "x", 1, MSG_DONTWAIT, (void *)&a, an) == 1)
    sent++;
  EQ(EAGAIN, errno);
  CHECK(sent >= 10 && sent < 1000);
  OK(connect(u, (void *)&a, an));
  EQ(0, ready(u, POLLOUT));
  int e = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLOUT};
  OK(epoll_ctl(e, EPOLL_CTL_ADD, u, &ev));
  EQ(0, epoll_wait(e, &ev, 1, 0));
  if (!fork()) {
    usleep(20000);
    for (int i = 0; i < sent; i++)
      recv(s, b, 16, 0);
    _exit(0);
  }
  EQ(1, epoll_wait(e, &ev, 1, 1000));
  EQ(1, send(u, "w", 1, 0));
  wait(0);
  /* A blocked sender goes on when there is room. */
  while (send(u, "x", 1, MSG_DONTWAIT) == 1)
    ;
  if (!fork()) {
    usleep(20000);
    recv(s, b, 16, 0);
    _exit(0);
  }
  EQ(1, send(u, "x", 1, 0));
  wait(0);
  close(e);
  close(s);
  FAILS(ECONNREFUSED, send(u, "x", 1, 0));
  close(t);
  close(u);
}

static void many(void) {
  int p[2];
  OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
  char b[3][8] = {"a", "bb", "ccc"};
  struct iovec v[3];
  struct mmsghdr m[3] = {0};
  for (int i = 0; i < 3; i++) {
    v[i] = (struct iovec){b[i], i + 1};
    m[i].msg_hdr.msg_iov = &v[i];
    m[i].msg_hdr.msg_iovlen = 1;
  }
  EQ(3, sendmmsg(p[0], m, 3, 0));
  EQ(2, m[1].msg_len);
  for (int i = 0; i < 3; i++)
    v[i].iov_len = 8;
  EQ(2, recvmmsg(p[1], m, 2, 0, 0));
  EQ(1, m[0].msg_len);
  EQ(1, recvmmsg(p[1], m, 3, MSG_WAITFORONE, 0));
  EQ(3, m[0].msg_len);
  FAILS(EAGAIN, recvmmsg(p[1], m, 3, MSG_DONTWAIT, 0));
  FAILS(EFAULT, recvmmsg(p[1], m, 1, MSG_DONTWAIT, BAD));
  struct timespec t = {0, 1000000000};
  FAILS(EINVAL, recvmmsg(p[1], m, 1, MSG_DONTWAIT, &t));
  FAILS(EFAULT, sendmmsg(p[0], BAD, 1, 0));
  EQ(0, sendmmsg(p[0], m, 0, 0));
  close(p[0]);
  close(p[1]);
}

int main(void) {
  pairs();
  named();
  many();
  DONE();
}
