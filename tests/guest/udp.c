/* UDP over loopback. */
#include "sock.h"

static int bound(int family) {
  int s = OK(socket(family, SOCK_DGRAM, 0));
  if (family == AF_INET) {
    struct sockaddr_in a = in4("127.0.0.1", 0);
    OK(bind(s, (void *)&a, sizeof a));
  } else {
    struct sockaddr_in6 a = in6("::1", 0);
    OK(bind(s, (void *)&a, sizeof a));
  }
  return s;
}

static void basics(void) {
  int s = bound(AF_INET), c = OK(socket(AF_INET, SOCK_DGRAM, 0)), q;
  struct sockaddr_in a = in4("127.0.0.1", port_of(s)), from, zero = in4("127.0.0.1", 0);
  socklen_t n = sizeof from;
  char b[32];
  EQ(POLLOUT, ready(c, POLLIN | POLLOUT));
  FAILS(EDESTADDRREQ, send(c, "x", 1, 0));
  FAILS(ENOTCONN, getpeername(c, (void *)&from, &n));
  EQ(5, sendto(c, "hello", 5, 0, (void *)&a, sizeof a));
  CHECK(port_of(c) > 0);
  EQ(POLLIN | POLLOUT, ready_soon(s, POLLIN | POLLOUT));
  OK(ioctl(s, FIONREAD, &q));
  EQ(5, q);
  n = sizeof from;
  EQ(5, recvfrom(s, b, 32, MSG_PEEK, (void *)&from, &n));
  EQ(3, recvfrom(s, b, 3, 0, (void *)&from, &n));
  EQ(sizeof from, n);
  EQ(port_of(c), ntohs(from.sin_port));
  EQ(htonl(INADDR_LOOPBACK), from.sin_addr.s_addr);
  FAILS(EAGAIN, recv(s, b, 32, MSG_DONTWAIT));
  EQ(0, sendto(c, "", 0, 0, (void *)&a, sizeof a));
  EQ(0, recv(s, b, 32, 0));
  sendto(c, "trunc", 5, 0, (void *)&a, sizeof a);
  EQ(5, recv(s, b, 2, MSG_TRUNC));
  sendto(c, "trunc", 5, 0, (void *)&a, sizeof a);
  struct iovec v = {b, 2};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = 5};
  EQ(2, recvmsg(s, &m, 0));
  EQ(MSG_TRUNC, m.msg_flags);
  EQ(sizeof from, m.msg_namelen);
  static char big[70000];
  FAILS(EMSGSIZE, sendto(c, big, 65508, 0, (void *)&a, sizeof a));
  EQ(65507, sendto(c, big, 65507, 0, (void *)&a, sizeof a));
  EQ(65507, recv(s, big, sizeof big, 0));
  FAILS(EINVAL, sendto(c, "x", 1, 0, (void *)&zero, sizeof zero));
  FAILS(EINVAL, sendto(c, "x", 1, 0, (void *)&a, 8));
  FAILS(EFAULT, sendto(c, "x", 1, 0, BAD, sizeof a));
  a.sin_family = AF_UNIX;
  FAILS(EAFNOSUPPORT, sendto(c, "x", 1, 0, (void *)&a, sizeof a));
  a.sin_family = AF_INET;
  FAILS(EOPNOTSUPP, listen(s, 1));
  FAILS(EOPNOTSUPP, accept(s, 0, 0));
  /* Other addresses of this machine. */
  struct sockaddr_in two = in4("127.0.0.2", 0), any = in4("0.0.0.0", port_of(s));
  int t = OK(socket(AF_INET, SOCK_DGRAM, 0));
  FAILS(EADDRINUSE, bind(t, (void *)&any, sizeof any));
  two.sin_port = htons(port_of(s));
  OK(bind(t, (void *)&two, sizeof two));
  EQ(1, sendto(c, "2", 1, 0, (void *)&two, sizeof two));
  EQ(1, recv(t, b, 32, 0));
  FAILS(EAGAIN, recv(s, b, 32, MSG_DONTWAIT));
  EQ(1, sendto(c, "0", 1, 0, (void *)&any, sizeof any));
  EQ(1, recv(s, b, 32, 0));
  close(s);
  close(c);
  close(t);
}

static void connected(void) {
  int s = bound(AF_INET), c = bound(AF_INET), o = bound(AF_INET);
  struct sockaddr_in a = in4("127.0.0.1", port_of(s)), b = in4("127.0.0.1", port_of(c)), p;
  char x[8];
  OK(connect(c, (void *)&a, sizeof a));
  socklen_t n = sizeof p;
  OK(getpeername(c, (void *)&p, &n));
  CHECK(!memcmp(&p, &a, sizeof p));
  EQ(1, send(c, "x", 1, 0));
  EQ(1, recv(s, x, 8, 0));
  /* Only the peer gets through. */
  EQ(1, sendto(o, "o", 1, 0, (void *)&b, sizeof b));
  FAILS(EAGAIN, recv(c, x, 8, MSG_DONTWAIT));
  EQ(1, sendto(s, "s", 1, 0, (void *)&b, sizeof b));
  EQ(1, recv(c, x, 8, 0));
  /* Nobody at the port: the next call is told. */
  close(s);
  EQ(1, send(c, "x", 1, 0));
  EQ(POLLIN | POLLOUT | POLLERR, ready_soon(c, POLLIN | POLLOUT) | POLLIN);
  FAILS(ECONNREFUSED, send(c, "x", 1, 0));
  EQ(1, send(c, "x", 1, 0));
  usleep(1000);
  FAILS(ECONNREFUSED, recv(c, x, 8, MSG_DONTWAIT));
  EQ(1, send(c, "x", 1, 0));
  usleep(1000);
  EQ(ECONNREFUSED, so_error(c));
  /* Who is not connected is not. */
  EQ(1, sendto(o, "x", 1, 0, (void *)&a, sizeof a));
  usleep(1000);
  EQ(0, so_error(o));
  p.sin_family = AF_UNSPEC;
  OK(connect(c, (void *)&p, sizeof p));
  n = sizeof p;
  FAILS(ENOTCONN, getpeername(c, (void *)&p, &n));
  FAILS(EDESTADDRREQ, send(c, "x", 1, 0));
  FAILS(ENOTCONN, shutdown(o, SHUT_RD));
  EQ(0, recv(o, x, 8, 0));
  close(c);
  close(o);
}

static void options(void) {
  int s = bound(AF_INET), on = 1;
  struct sockaddr_in a = in4("127.0.0.1", port_of(s)), broadcast = in4("255.255.255.255", port_of(s));
  FAILS(EACCES, sendto(s, "x", 1, 0, (void *)&broadcast, sizeof broadcast));
  OK(setsockopt(s, IPPROTO_IP, IP_PKTINFO, &on, sizeof on));
  OK(setsockopt(s, IPPROTO_IP, IP_RECVTTL, &on, sizeof on));
  OK(setsockopt(s, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
  int ttl = 33;
  OK(setsockopt(s, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl));
  EQ(1, sendto(s, "x", 1, 0, (void *)&a, sizeof a));
  char control[256], b[8];
  struct iovec v = {b, 8};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  EQ(1, recvmsg(s, &m, 0));
  int seen = 0;
  for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
    if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SO_TIMESTAMP) {
      struct timeval *t = (void *)CMSG_DATA(h);
      CHECK(labs(t->tv_sec - time(0)) < 5);
      seen |= 1;
    } else if (h->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo *i = (void *)CMSG_DATA(h);
      EQ(1, i->ipi_ifindex);
      EQ(htonl(INADDR_LOOPBACK), i->ipi_addr.s_addr);
      seen |= 2;
    } else if (h->cmsg_type == IP_TTL) {
      EQ(33, *(int *)CMSG_DATA(h));
      seen |= 4;
    }
  }
  EQ(7, seen);
  /* No room for all of it. */
  sendto(s, "x", 1, 0, (void *)&a, sizeof a);
  m.msg_controllen = CMSG_SPACE(sizeof(struct timeval));
  EQ(1, recvmsg(s, &m, 0));
  CHECK(m.msg_flags & MSG_CTRUNC);
  EQ(CMSG_SPACE(sizeof(struct timeval)), m.msg_controllen);
  close(s);
}

static void six(void) {
  int s = bound(AF_INET6), c = OK(socket(AF_INET6, SOCK_DGRAM, 0)), on = 1;
  struct sockaddr_in6 a = in6("::1", port_of(s)), from;
  OK(setsockopt(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on));
  OK(setsockopt(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on));
  EQ(1, sendto(c, "x", 1, 0, (void *)&a, sizeof a));
  char control[256], b[8];
  struct iovec v = {b, 8};
  struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1,
                     .msg_control = control, .msg_controllen = sizeof control};
  EQ(1, recvmsg(s, &m, 0));
  EQ(sizeof from, m.msg_namelen);
  CHECK(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr));
  EQ(port_of(c), ntohs(from.sin6_port));
  int seen = 0;
  for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
    if (h->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo *i = (void *)CMSG_DATA(h);
      CHECK(IN6_IS_ADDR_LOOPBACK(&i->ipi6_addr));
      EQ(1, i->ipi6_ifindex);
      seen |= 1;
    } else if (h->cmsg_type == IPV6_HOPLIMIT) {
      EQ(64, *(int *)CMSG_DATA(h));
      seen |= 2;
    }
  }
  EQ(3, seen);
  close(s);
  close(c);
  /* Both families on one port. */
  s = OK(socket(AF_INET6, SOCK_DGRAM, 0));
  a = in6("::", 0);
  OK(bind(s, (void *)&a, sizeof a));
  c = OK(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in four = in4("127.0.0.1", port_of(s));
  EQ(1, sendto(c, "4", 1, 0, (void *)&four, sizeof four));
  socklen_t n = sizeof from;
  EQ(1, recvfrom(s, b, 8, 0, (void *)&from, &n));
  CHECK(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
  EQ(1, sendto(s, "6", 1, 0, (void *)&from, n));
  EQ(1, recv(c, b, 8, 0));
  close(s);
  close(c);
}

static void loss(void) {
  /* What does not fit the receiver is lost, and the sender does not wait. */
  int s = bound(AF_INET), small = 4096;
  OK(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &small, sizeof small));
  struct sockaddr_in a = in4("127.0.0.1", port_of(s));
  static char b[1000];
  for (int i = 0; i < 100; i++)
    EQ(1000, sendto(s, b, 1000, 0, (void *)&a, sizeof a));
  int n = 0;
  usleep(1000);
  while (recv(s, b, 1000, MSG_DONTWAIT) == 1000)
    n++;
  CHECK(n >= 1 && n < 100);
  close(s);
}

int main(void) {
  basics();
  connected();
  options();
  six();
  loss();
  DONE();
}
