/* AF_UNIX SOCK_SEQPACKET. */
#include "sock.h"

int main(void) {
  int p[2];
  char b[16];
  signal(SIGPIPE, SIG_IGN);
  OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p));
  write(p[0], "one", 3);
  write(p[0], "two22", 5);
  EQ(3, read(p[1], b, 16));
  EQ(2, read(p[1], b, 2));
  FAILS(EAGAIN, recv(p[1], b, 16, MSG_DONTWAIT));
  write(p[0], "trunc", 5);
  struct iovec v = {b, 2};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  EQ(5, recvmsg(p[1], &m, MSG_TRUNC | MSG_PEEK));
  CHECK(m.msg_flags & MSG_TRUNC);
  EQ(2, recvmsg(p[1], &m, 0));
  static char big[300000];
  FAILS(EMSGSIZE, send(p[0], big, sizeof big, 0));
  int n = 0;
  while (send(p[0], big, 5000, MSG_DONTWAIT) == 5000)
    n++;
  EQ(EAGAIN, errno);
  CHECK(n > 5);
  while (recv(p[1], big, sizeof big, MSG_DONTWAIT) > 0)
    n--;
  EQ(0, n);
  OK(shutdown(p[0], SHUT_WR));
  EQ(0, read(p[1], b, 1));
  FAILS(EPIPE, write(p[0], "x", 1));
  close(p[0]);
  FAILS(EPIPE, write(p[1], "x", 1));
  EQ(POLLIN | POLLOUT | POLLHUP, ready(p[1], POLLIN | POLLOUT));
  close(p[1]);

  struct sockaddr_un a = {.sun_family = AF_UNIX};
  socklen_t an = 3 + sprintf(a.sun_path + 1, "seq.%d", getpid());
  int l = OK(socket(AF_UNIX, SOCK_SEQPACKET, 0)), c = OK(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  FAILS(ENOTCONN, send(c, "x", 1, MSG_NOSIGNAL));
  FAILS(ENOTCONN, recv(c, b, 1, 0));
  OK(bind(l, (void *)&a, an));
  OK(listen(l, 5));
  OK(connect(c, (void *)&a, an));
  EQ(4, write(c, "ping", 4));
  int s = OK(accept(l, 0, 0));
  EQ(4, read(s, b, 16));
  EQ(4, write(s, "pong", 4));
  write(s, "more", 4);
  EQ(4, read(c, b, 16));
  close(c);
  FAILS(ECONNRESET, read(s, b, 16));
  EQ(0, read(s, b, 16));
  close(s);
  close(l);
  DONE();
}
