/* Raw ICMP sockets: an echo over loopback, as ping does it. Skipped without CAP_NET_RAW. */
#include "sock.h"
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

static unsigned short checksum(const void *data, int length) {
  const unsigned short *w = data;
  unsigned sum = 0;
  for (; length > 1; length -= 2)
    sum += *w++;
  if (length)
    sum += *(const unsigned char *)w;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static void four(void) {
  int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  if (s < 0 && (errno == EPERM || errno == EACCES))
    SKIP("needs CAP_NET_RAW");
  CHECK(s >= 0);
  struct sockaddr_in a = in4("127.0.0.1", 0), from;
  struct {
    struct icmphdr h;
    char data[24];
  } echo = {.h = {.type = ICMP_ECHO, .un.echo = {.id = htons(getpid()), .sequence = htons(7)}}, .data = "data of an echo"};
  echo.h.checksum = checksum(&echo, sizeof echo);
  EQ(sizeof echo, sendto(s, &echo, sizeof echo, 0, (void *)&a, sizeof a));
  int answered = 0;
  for (int i = 0; i < 100 && !answered && ready_soon(s, POLLIN) == POLLIN; i++) {
    char b[256];
    socklen_t n = sizeof from;
    long got = recvfrom(s, b, sizeof b, 0, (void *)&from, &n);
    struct iphdr *ip = (void *)b;
    struct icmphdr *h = (void *)(b + ip->ihl * 4);
    if (got < (long)(20 + sizeof echo) || h->un.echo.id != echo.h.un.echo.id)
      continue;
    EQ(4, ip->version);
    EQ(IPPROTO_ICMP, ip->protocol);
    EQ(got, ntohs(ip->tot_len));
    EQ(0, checksum(ip, ip->ihl * 4));
    EQ(htonl(INADDR_LOOPBACK), from.sin_addr.s_addr);
    if (h->type == ICMP_ECHOREPLY) {
      EQ(htons(7), h->un.echo.sequence);
      EQ(0, checksum(h, got - ip->ihl * 4));
      CHECK(!memcmp(h + 1, echo.data, sizeof echo.data));
      answered = 1;
    }
  }
  EQ(1, answered);
  /* Types that are not wanted stay away. */
  unsigned not_wanted = ~0u;
  OK(setsockopt(s, SOL_RAW, 1, &not_wanted, sizeof not_wanted));
  EQ(sizeof echo, sendto(s, &echo, sizeof echo, 0, (void *)&a, sizeof a));
  usleep(2000);
  FAILS(EAGAIN, recv(s, &echo, sizeof echo, MSG_DONTWAIT));
  FAILS(EDESTADDRREQ, send(s, &echo, sizeof echo, 0));
  close(s);
}

static void six(void) {
  int s = OK(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  struct sockaddr_in6 a = in6("::1", 0);
  struct {
    struct icmp6_hdr h;
    char data[8];
  } echo = {.h = {.icmp6_type = ICMP6_ECHO_REQUEST}};
  echo.h.icmp6_id = htons(getpid());
  struct icmp6_filter f;
  ICMP6_FILTER_SETBLOCKALL(&f);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
  OK(setsockopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof f));
  EQ(sizeof echo, sendto(s, &echo, sizeof echo, 0, (void *)&a, sizeof a));
  int answered = 0;
  for (int i = 0; i < 100 && !answered && ready_soon(s, POLLIN) == POLLIN; i++) {
    struct icmp6_hdr h[8];
    long got = recv(s, h, sizeof h, 0);
    answered = got == sizeof echo && h->icmp6_type == ICMP6_ECHO_REPLY && h->icmp6_id == echo.h.icmp6_id;
  }
  EQ(1, answered);
  close(s);
}

int main(void) {
  four();
  six();
  DONE();
}
