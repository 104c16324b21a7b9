/* NETLINK_ROUTE: what getifaddrs and ip need. */
#include "sock.h"
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

static int sequence;

/* Sends one request; 0 or what send gives. */
static long request(int s, int type, int flags, const void *body, int len) {
  struct {
    struct nlmsghdr h;
    char body[256];
  } r = {0};
  r.h.nlmsg_len = NLMSG_LENGTH(len);
  r.h.nlmsg_type = type;
  r.h.nlmsg_flags = NLM_F_REQUEST | flags;
  r.h.nlmsg_seq = ++sequence;
  memcpy(r.body, body, len);
  return send(s, &r, r.h.nlmsg_len, 0);
}

/* Reads an answer: counts messages of a type until DONE; the error of an ERROR message is negative. */
static int answers(int s, int type, int *lo) {
  static char b[65536];
  int count = 0;
  for (;;) {
    int n = recv(s, b, sizeof b, 0);
    if (n <= 0)
      return -1000;
    for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
      if ((int)h->nlmsg_seq != sequence)
        return -1001;
      if (h->nlmsg_type == NLMSG_DONE)
        return count;
      if (h->nlmsg_type == NLMSG_ERROR)
        return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
      if (h->nlmsg_type != type)
        return -1002;
      count++;
      if (type == RTM_NEWLINK && lo) {
        struct ifinfomsg *i = NLMSG_DATA(h);
        int left = IFLA_PAYLOAD(h);
        for (struct rtattr *a = IFLA_RTA(i); RTA_OK(a, left); a = RTA_NEXT(a, left))
          if (a->rta_type == IFLA_IFNAME && !strcmp(RTA_DATA(a), "lo"))
            *lo = i->ifi_index;
      }
      if (!(h->nlmsg_flags & NLM_F_MULTI))
        return count;
    }
  }
}

static void dumps(void) {
  FAILS(ESOCKTNOSUPPORT, socket(AF_NETLINK, SOCK_STREAM, 0));
  FAILS(EPROTONOSUPPORT, socket(AF_NETLINK, SOCK_RAW, 77));
  int s = OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  struct sockaddr_nl a = {.nl_family = AF_NETLINK}, b;
  FAILS(EINVAL, bind(s, (void *)&a, 4));
  OK(bind(s, (void *)&a, sizeof a));
  socklen_t n = sizeof b;
  OK(getsockname(s, (void *)&b, &n));
  EQ(sizeof b, n);
  EQ(getpid(), b.nl_pid);
  EQ(POLLOUT, ready(s, POLLIN | POLLOUT));
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
  int lo = 0;
  CHECK(request(s, RTM_GETLINK, NLM_F_DUMP, &link, sizeof link) > 0);
  EQ(POLLIN | POLLOUT, ready(s, POLLIN | POLLOUT));
  CHECK(answers(s, RTM_NEWLINK, &lo) >= 1);
  EQ(1, lo);
  struct ifaddrmsg addr = {.ifa_family = AF_UNSPEC};
  CHECK(request(s, RTM_GETADDR, NLM_F_DUMP, &addr, sizeof addr) > 0);
  CHECK(answers(s, RTM_NEWADDR, 0) >= 2);
  addr.ifa_family = AF_INET;
  CHECK(request(s, RTM_GETADDR, NLM_F_DUMP, &addr, sizeof addr) > 0);
  CHECK(answers(s, RTM_NEWADDR, 0) >= 1);
  struct rtmsg route = {.rtm_family = AF_INET};
  CHECK(request(s, RTM_GETROUTE, NLM_F_DUMP, &route, sizeof route) > 0);
  CHECK(answers(s, RTM_NEWROUTE, 0) >= 1);
  link.ifi_index = 1;
  CHECK(request(s, RTM_GETLINK, 0, &link, sizeof link) > 0);
  lo = 0;
  EQ(1, answers(s, RTM_NEWLINK, &lo));
  EQ(1, lo);
  link.ifi_index = 9999;
  CHECK(request(s, RTM_GETLINK, 0, &link, sizeof link) > 0);
  EQ(-ENODEV, answers(s, RTM_NEWLINK, 0));
  CHECK(request(s, 1000, NLM_F_ACK, &link, sizeof link) > 0);
  EQ(-EOPNOTSUPP, answers(s, 0, 0));
  FAILS(EAGAIN, recv(s, &b, sizeof b, MSG_DONTWAIT));
  /* The length is known before the data is read. */
  link.ifi_index = 1;
  request(s, RTM_GETLINK, 0, &link, sizeof link);
  char c;
  int whole = OK(recv(s, &c, 1, MSG_PEEK | MSG_TRUNC));
  CHECK(whole > 32);
  struct sockaddr_nl from;
  n = sizeof from;
  EQ(1, recvfrom(s, &c, 1, 0, (void *)&from, &n));
  EQ(sizeof from, n);
  EQ(0, from.nl_pid);
  close(s);
}

static void libc(void) {
  struct ifaddrs *list, *i;
  OK(getifaddrs(&list));
  int seen = 0;
  for (i = list; i; i = i->ifa_next)
    if (!strcmp(i->ifa_name, "lo") && i->ifa_addr) {
      CHECK(i->ifa_flags & IFF_LOOPBACK);
      if (i->ifa_addr->sa_family == AF_INET) {
        EQ(htonl(INADDR_LOOPBACK), ((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr);
        EQ(htonl(0xff000000), ((struct sockaddr_in *)i->ifa_netmask)->sin_addr.s_addr);
        seen |= 1;
      } else if (i->ifa_addr->sa_family == AF_INET6)
        seen |= 2;
      else if (i->ifa_addr->sa_family == AF_PACKET)
        seen |= 4;
    }
  EQ(7, seen);
  freeifaddrs(list);
  struct if_nameindex *names = if_nameindex();
  CHECK(names && names[0].if_index == 1 && !strcmp(names[0].if_name, "lo"));
  if_freenameindex(names);
}

int main(void) {
  dumps();
  libc();
  int s = OK(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT));
  struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = 1};
  OK(bind(s, (void *)&a, sizeof a));
  char b[16];
  FAILS(EAGAIN, recv(s, b, 16, MSG_DONTWAIT));
  close(s);
  DONE();
}
