/* Urgent data of TCP and of AF_UNIX streams: MSG_OOB, SO_OOBINLINE, SIOCATMARK, POLLPRI. */
#include "sock.h"
#include <poll.h>

static int at_mark(int fd) {
  int is = -1;
  OK(ioctl(fd, SIOCATMARK, &is));
  return is;
}

static void wait_for(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = events};
  EQ(1, poll(&p, 1, 5000));
}

static int pri(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLPRI};
  poll(&p, 1, 0);
  return (p.revents & POLLPRI) != 0;
}

static void beside_the_stream(int from, int to) {
  char buf[16] = {0}, c = 0;
  FAILS(EINVAL, recv(to, &c, 1, MSG_OOB));
  EQ(0, pri(to));
  write(from, "ab", 2);
  EQ(2, send(from, "cO", 2, MSG_OOB));
  wait_for(to, POLLPRI);
  write(from, "de", 2);
  EQ(1, recv(to, &c, 1, MSG_OOB | MSG_PEEK));
  EQ('O', c);
  /* A read stops at the mark. */
  EQ(3, recv(to, buf, sizeof buf, 0));
  CHECK(!memcmp(buf, "abc", 3));
  EQ(1, at_mark(to));
  struct iovec v = {&c, 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  c = 0;
  EQ(1, recvmsg(to, &m, MSG_OOB));
  EQ('O', c);
  EQ(MSG_OOB, m.msg_flags & MSG_OOB);
  FAILS(EINVAL, recv(to, &c, 1, MSG_OOB));
  EQ(0, pri(to));
  wait_for(to, POLLIN);
  EQ(2, recv(to, buf, sizeof buf, 0));
  CHECK(!memcmp(buf, "de", 2));
  EQ(0, at_mark(to));
  /* Who does not ask for it never sees it. */
  write(from, "1", 1);
  send(from, "O", 1, MSG_OOB);
  write(from, "2", 1);
  wait_for(to, POLLPRI);
  EQ(1, recv(to, buf, sizeof buf, 0));
  EQ(1, recv(to, buf, sizeof buf, 0));
  EQ('2', buf[0]);
}

static void in_the_stream(int from, int to) {
  char buf[16] = {0}, c;
  int on = 1;
  OK(setsockopt(to, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
  write(from, "ab", 2);
  send(from, "O", 1, MSG_OOB);
  write(from, "c", 1);
  wait_for(to, POLLPRI);
  FAILS(EINVAL, recv(to, &c, 1, MSG_OOB));
  EQ(2, recv(to, buf, sizeof buf, 0));
  EQ(1, at_mark(to));
  int n = recv(to, buf, sizeof buf, 0);
  CHECK(n == 1 || n == 2);
  EQ('O', buf[0]);
  if (n == 1)
    EQ(1, recv(to, buf + 1, 1, 0));
  EQ('c', buf[1]);
  EQ(0, at_mark(to));
}

int main(void) {
  int pair[2], on = 1;
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  if (send(pair[0], "x", 1, MSG_OOB) == -1 && errno == EOPNOTSUPP) {
    printf("no MSG_OOB on AF_UNIX in this kernel\n");
  } else {
    close(pair[0]);
    close(pair[1]);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    FAILS(EOPNOTSUPP, send(pair[0], "", 0, MSG_OOB));
    beside_the_stream(pair[0], pair[1]);
    in_the_stream(pair[0], pair[1]);
  }
  OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  FAILS(EOPNOTSUPP, send(pair[0], "x", 1, MSG_OOB));

  int l = tcp_listener(), c = OK(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = in4("127.0.0.1", port_of(l));
  OK(setsockopt(c, IPPROTO_TCP, 1, &on, sizeof on));
  OK(connect(c, (void *)&a, sizeof a));
  int d = OK(accept(l, 0, 0));
  beside_the_stream(c, d);
  in_the_stream(c, d);
  DONE();
}
