/* Socket options: values, ranges, lengths; interface ioctls. */
#include "sock.h"
#include <net/if.h>

static void socket_level(int s, int family) {
  int v, on = 1;
  socklen_t n;
  FAILS(ENOPROTOOPT, getsockopt(s, SOL_SOCKET, 12345, &v, (n = 4, &n)));
  FAILS(ENOPROTOOPT, setsockopt(s, SOL_SOCKET, 12345, &on, 4));
  FAILS(EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, 3));
  FAILS(EINVAL, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, -1));
  FAILS(EFAULT, setsockopt(s, SOL_SOCKET, SO_REUSEADDR, BAD, 4));
  FAILS(EFAULT, getsockopt(s, SOL_SOCKET, SO_REUSEADDR, BAD, (n = 4, &n)));
  FAILS(EFAULT, getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, BAD));
  FAILS(EINVAL, getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, (n = -1, &n)));
  FAILS(ENOPROTOOPT, setsockopt(s, SOL_SOCKET, SO_TYPE, &on, 4));
  FAILS(ENOPROTOOPT, setsockopt(s, SOL_SOCKET, SO_ERROR, &on, 4));
  FAILS(ENOPROTOOPT, setsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &on, 4));
  /* Cut to the room there is. */
  v = 0x55555555;
  n = 1;
  OK(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &n));
  EQ(1, n);
  CHECK((v & ~0xff) == 0x55555500);
  n = 100;
  char room[100];
  OK(getsockopt(s, SOL_SOCKET, SO_TYPE, room, &n));
  EQ(4, n);
  int flags[] = {SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_OOBINLINE, SO_DONTROUTE, SO_TIMESTAMP};
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
    EQ(0, int_option(s, SOL_SOCKET, flags[i]));
    v = 7;
    OK(setsockopt(s, SOL_SOCKET, flags[i], &v, 4));
    EQ(1, int_option(s, SOL_SOCKET, flags[i]));
    v = 0;
    OK(setsockopt(s, SOL_SOCKET, flags[i], &v, 4));
    EQ(0, int_option(s, SOL_SOCKET, flags[i]));
  }
  v = 10000;
  OK(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, 4));
  EQ(20000, int_option(s, SOL_SOCKET, SO_SNDBUF));
  OK(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, 4));
  EQ(20000, int_option(s, SOL_SOCKET, SO_RCVBUF));
  v = 0;
  OK(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, 4));
  EQ(4608, int_option(s, SOL_SOCKET, SO_SNDBUF));
  OK(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, 4));
  EQ(2304, int_option(s, SOL_SOCKET, SO_RCVBUF));
  struct linger l = {1, 5}, g;
  OK(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l));
  n = sizeof g;
  OK(getsockopt(s, SOL_SOCKET, SO_LINGER, &g, &n));
  EQ(1, g.l_onoff);
  EQ(5, g.l_linger);
  FAILS(EINVAL, setsockopt(s, SOL_SOCKET, SO_LINGER, &l, 4));
  l.l_onoff = 0;
  OK(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l));
  struct timeval t = {3, 0}, u;
  OK(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  n = sizeof u;
  OK(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &u, &n));
  EQ(sizeof u, n);
  EQ(3, u.tv_sec);
  n = sizeof u;
  OK(getsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &u, &n));
  EQ(0, u.tv_sec);
  EQ(1, int_option(s, SOL_SOCKET, SO_RCVLOWAT));
  EQ(1, int_option(s, SOL_SOCKET, SO_SNDLOWAT));
  FAILS(ENOPROTOOPT, setsockopt(s, SOL_SOCKET, SO_SNDLOWAT, &on, 4));
  v = 3;
  OK(setsockopt(s, SOL_SOCKET, SO_PRIORITY, &v, 4));
  EQ(3, int_option(s, SOL_SOCKET, SO_PRIORITY));
  if (family == AF_UNIX)
    FAILS(EOPNOTSUPP, setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, 4));
  else
    FAILS(EOPNOTSUPP, setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, 4));
  FAILS(ENODEV, setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "none0", 5));
  n = 16;
  OK(getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, room, &n));
  EQ(0, n);
}

static void range(int s, int level, int name, int least, int greatest) {
  int v = least - 1;
  FAILS(EINVAL, setsockopt(s, level, name, &v, 4));
  v = greatest + 1;
  if (v > greatest)
    FAILS(EINVAL, setsockopt(s, level, name, &v, 4));
  v = least;
  OK(setsockopt(s, level, name, &v, 4));
  EQ(least, int_option(s, level, name));
  v = greatest;
  OK(setsockopt(s, level, name, &v, 4));
  EQ(greatest, int_option(s, level, name));
}

static void tcp_level(void) {
  int s = OK(socket(AF_INET, SOCK_STREAM, 0)), v = 5;
  int flags[] = {TCP_NODELAY, TCP_CORK};
  for (int i = 0; i < 2; i++) {
    EQ(0, int_option(s, IPPROTO_TCP, flags[i]));
    OK(setsockopt(s, IPPROTO_TCP, flags[i], &v, 4));
    EQ(1, int_option(s, IPPROTO_TCP, flags[i]));
  }
  EQ(7200, int_option(s, IPPROTO_TCP, TCP_KEEPIDLE));
  EQ(75, int_option(s, IPPROTO_TCP, TCP_KEEPINTVL));
  EQ(9, int_option(s, IPPROTO_TCP, TCP_KEEPCNT));
  range(s, IPPROTO_TCP, TCP_KEEPIDLE, 1, 32767);
  range(s, IPPROTO_TCP, TCP_KEEPINTVL, 1, 32767);
  range(s, IPPROTO_TCP, TCP_KEEPCNT, 1, 127);
  range(s, IPPROTO_TCP, TCP_SYNCNT, 1, 127);
  EQ(536, int_option(s, IPPROTO_TCP, TCP_MAXSEG));
  v = 87;
  FAILS(EINVAL, setsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &v, 4));
  v = -1;
  FAILS(EINVAL, setsockopt(s, IPPROTO_TCP, TCP_USER_TIMEOUT, &v, 4));
  FAILS(ENOPROTOOPT, setsockopt(s, IPPROTO_TCP, 1000, &v, 4));
  FAILS(EINVAL, setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, 2));
  FAILS(ENOENT, setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "nothing", 7));
  char name[16];
  socklen_t n = 16;
  OK(getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
  OK(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
  n = 16;
  OK(getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
  CHECK(!strcmp(name, "reno"));
  struct tcp_info info;
  n = sizeof info;
  OK(getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &n));
  EQ(TCP_CLOSE, info.tcpi_state);
  OK(listen(s, 1));
  n = sizeof info;
  OK(getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &n));
  EQ(TCP_LISTEN, info.tcpi_state);
  close(s);
}

static void ip_level(void) {
  int s = OK(socket(AF_INET, SOCK_DGRAM, 0)), v;
  EQ(64, int_option(s, IPPROTO_IP, IP_TTL));
  v = 0;
  FAILS(EINVAL, setsockopt(s, IPPROTO_IP, IP_TTL, &v, 4));
  v = 256;
  FAILS(EINVAL, setsockopt(s, IPPROTO_IP, IP_TTL, &v, 4));
  v = 77;
  OK(setsockopt(s, IPPROTO_IP, IP_TTL, &v, 4));
  EQ(77, int_option(s, IPPROTO_IP, IP_TTL));
  v = 0x10;
  OK(setsockopt(s, IPPROTO_IP, IP_TOS, &v, 1));
  EQ(0x10, int_option(s, IPPROTO_IP, IP_TOS));
  EQ(1, int_option(s, IPPROTO_IP, IP_MULTICAST_TTL));
  EQ(1, int_option(s, IPPROTO_IP, IP_MULTICAST_LOOP));
  EQ(0, int_option(s, IPPROTO_IP, IP_PKTINFO));
  FAILS(ENOTCONN, getsockopt(s, IPPROTO_IP, IP_MTU, &v, &(socklen_t){4}));
  FAILS(ENOPROTOOPT, setsockopt(s, IPPROTO_IP, 1000, &v, 4));
  FAILS(EINVAL, setsockopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &(int){9}, 4));
  FAILS(ENOPROTOOPT, setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &v, 4));
  close(s);
  s = OK(socket(AF_INET6, SOCK_DGRAM, 0));
  EQ(64, int_option(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS));
  v = 256;
  FAILS(EINVAL, setsockopt(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &v, 4));
  v = 5;
  OK(setsockopt(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &v, 4));
  EQ(5, int_option(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS));
  EQ(0, int_option(s, IPPROTO_IPV6, IPV6_V6ONLY));
  OK(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &v, 4));
  EQ(1, int_option(s, IPPROTO_IPV6, IPV6_V6ONLY));
  close(s);
}

static void low_water(void) {
  int p[2], v = 4;
  char b[8];
  socketpair(AF_UNIX, SOCK_STREAM, 0, p);
  OK(setsockopt(p[1], SOL_SOCKET, SO_RCVLOWAT, &v, 4));
  EQ(4, int_option(p[1], SOL_SOCKET, SO_RCVLOWAT));
  if (!fork()) {
    write(p[0], "ab", 2);
    usleep(20000);
    write(p[0], "cd", 2);
    _exit(0);
  }
  EQ(4, recv(p[1], b, 8, 0));
  wait(0);
  close(p[0]);
  close(p[1]);
}

static void interfaces(void) {
  int s = OK(socket(AF_INET, SOCK_DGRAM, 0));
  struct ifreq r = {0};
  strcpy(r.ifr_name, "lo");
  OK(ioctl(s, SIOCGIFINDEX, &r));
  EQ(1, r.ifr_ifindex);
  OK(ioctl(s, SIOCGIFFLAGS, &r));
  EQ(IFF_UP | IFF_LOOPBACK | IFF_RUNNING, r.ifr_flags);
  OK(ioctl(s, SIOCGIFADDR, &r));
  EQ(htonl(INADDR_LOOPBACK), ((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr);
  OK(ioctl(s, SIOCGIFNETMASK, &r));
  EQ(htonl(0xff000000), ((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr);
  OK(ioctl(s, SIOCGIFMTU, &r));
  EQ(65536, r.ifr_mtu);
  OK(ioctl(s, SIOCGIFHWADDR, &r));
  EQ(772, r.ifr_hwaddr.sa_family);
  memset(&r, 0, sizeof r);
  r.ifr_ifindex = 1;
  OK(ioctl(s, SIOCGIFNAME, &r));
  CHECK(!strcmp(r.ifr_name, "lo"));
  r.ifr_ifindex = 9999;
  FAILS(ENODEV, ioctl(s, SIOCGIFNAME, &r));
  strcpy(r.ifr_name, "none0");
  FAILS(ENODEV, ioctl(s, SIOCGIFFLAGS, &r));
  FAILS(EFAULT, ioctl(s, SIOCGIFFLAGS, BAD));
  struct ifreq all[16];
  struct ifconf c = {.ifc_len = sizeof all, .ifc_req = all};
  OK(ioctl(s, SIOCGIFCONF, &c));
  CHECK(c.ifc_len >= (int)sizeof all[0]);
  CHECK(!strcmp(all[0].ifr_name, "lo"));
  int whole = c.ifc_len;
  c.ifc_req = 0;
  OK(ioctl(s, SIOCGIFCONF, &c));
  EQ(whole, c.ifc_len);
  CHECK(if_nametoindex("lo") == 1);
  close(s);
}

int main(void) {
  int s = OK(socket(AF_INET, SOCK_STREAM, 0));
  socket_level(s, AF_INET);
  close(s);
  s = OK(socket(AF_UNIX, SOCK_STREAM, 0));
  socket_level(s, AF_UNIX);
  close(s);
  s = OK(socket(AF_INET6, SOCK_DGRAM, 0));
  socket_level(s, AF_INET6);
  close(s);
  tcp_level();
  ip_level();
  low_water();
  interfaces();
  DONE();
}
