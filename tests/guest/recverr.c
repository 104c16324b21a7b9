/* The error queue of UDP sockets: IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE. */
#include "sock.h"
#include <linux/errqueue.h>
#include <poll.h>

static int closed_port(int family) {
  int s = OK(socket(family, SOCK_DGRAM, 0));
  struct sockaddr_storage a = {.ss_family = family};
  socklen_t n = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  OK(bind(s, (void *)&a, n));
  OK(getsockname(s, (void *)&a, &n));
  close(s);
  return ((struct sockaddr_in *)&a)->sin_port;
}

static void refused(int family) {
  int v6 = family == AF_INET6, on = 1;
  int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, option = v6 ? IPV6_RECVERR : IP_RECVERR;
  int s = OK(socket(family, SOCK_DGRAM, 0));
  struct sockaddr_storage to = {.ss_family = family}, from;
  socklen_t n = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  ((struct sockaddr_in *)&to)->sin_port = closed_port(family);
  if (v6)
    ((struct sockaddr_in6 *)&to)->sin6_addr = in6addr_loopback;
  else
    ((struct sockaddr_in *)&to)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);

  /* Without the option a socket that is not connected hears nothing. */
  OK(sendto(s, "lost", 4, 0, (void *)&to, n));
  usleep(10000);
  char buf[64], control[256];
  struct iovec v = {buf, sizeof buf};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control,
                     .msg_name = &from, .msg_namelen = sizeof from};
  FAILS(EAGAIN, recvmsg(s, &m, MSG_ERRQUEUE));
  FAILS(EAGAIN, recv(s, buf, 1, MSG_DONTWAIT));

  OK(setsockopt(s, level, option, &on, sizeof on));
  OK(sendto(s, "message", 7, 0, (void *)&to, n));
  struct pollfd p = {.fd = s};
  EQ(1, poll(&p, 1, 5000));
  EQ(POLLERR, p.revents);
  FAILS(ECONNREFUSED, recv(s, buf, 1, MSG_DONTWAIT));
  EQ(7, recvmsg(s, &m, MSG_ERRQUEUE));
  CHECK(!memcmp(buf, "message", 7));
  EQ(MSG_ERRQUEUE, m.msg_flags & MSG_ERRQUEUE);
  EQ(n, m.msg_namelen);
  EQ(((struct sockaddr_in *)&to)->sin_port, ((struct sockaddr_in *)&from)->sin_port);
  int found = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
    if (c->cmsg_level == level && c->cmsg_type == option) {
      struct sock_extended_err *e = (void *)CMSG_DATA(c);
      found = 1;
      EQ(ECONNREFUSED, e->ee_errno);
      EQ(v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP, e->ee_origin);
      EQ(v6 ? 1 : 3, e->ee_type);
      EQ(v6 ? 4 : 3, e->ee_code);
      EQ(family, SO_EE_OFFENDER(e)->sa_family);
    }
  EQ(1, found);
  EQ(0, poll(&p, 1, 0));
  FAILS(EAGAIN, recvmsg(s, &m, MSG_ERRQUEUE));
  /* A short buffer. */
  OK(sendto(s, "message", 7, 0, (void *)&to, n));
  EQ(1, poll(&p, 1, 5000));
  v.iov_len = 3;
  m.msg_controllen = sizeof control;
  EQ(3, recvmsg(s, &m, MSG_ERRQUEUE));
  EQ(MSG_TRUNC, m.msg_flags & MSG_TRUNC);
  close(s);
}

int main(void) {
  refused(AF_INET);
  refused(AF_INET6);
  DONE();
}
