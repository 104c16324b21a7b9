/* What the socket programs share. */
#ifndef SOCK_H
#define SOCK_H
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

/* Readiness now. */
static inline int ready(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = events};
  int n = poll(&p, 1, 0);
  return n < 0 ? -1 : p.revents;
}

/* Readiness within a second. */
static inline int ready_soon(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = events};
  int n = poll(&p, 1, 1000);
  return n < 0 ? -1 : p.revents;
}

static inline int so_error(int fd) {
  int e = -1;
  socklen_t n = sizeof e;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) ? -1 : e;
}

static inline int int_option(int fd, int level, int name) {
  int v = -1;
  socklen_t n = sizeof v;
  return getsockopt(fd, level, name, &v, &n) ? -1 : v;
}

static inline void nonblocking(int fd, int on) {
  int f = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, on ? f | O_NONBLOCK : f & ~O_NONBLOCK);
}

static inline struct sockaddr_in in4(const char *address, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, address, &a.sin_addr);
  return a;
}

static inline struct sockaddr_in6 in6(const char *address, int port) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  inet_pton(AF_INET6, address, &a.sin6_addr);
  return a;
}

static inline int port_of(int fd) {
  struct sockaddr_storage s;
  socklen_t n = sizeof s;
  if (getsockname(fd, (void *)&s, &n))
    return -1;
  return ntohs(s.ss_family == AF_INET ? ((struct sockaddr_in *)&s)->sin_port : ((struct sockaddr_in6 *)&s)->sin6_port);
}

/* A handler that does nothing, without SA_RESTART: a blocked call fails with EINTR. */
/* A TCP socket that listens on 127.0.0.1, at a port of its own. */
static inline int tcp_listener(void) {
  int s = OK(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = in4("127.0.0.1", 0);
  OK(bind(s, (struct sockaddr *)&a, sizeof a));
  OK(listen(s, 8));
  return s;
}

static void on_signal(int s) { (void)s; }

static inline void interrupt_after_ms(int ms, int flags) {
  struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};
  sigaction(SIGALRM, &sa, 0);
  struct itimerval t = {.it_value = {ms / 1000, ms % 1000 * 1000}};
  setitimer(ITIMER_REAL, &t, 0);
}

static inline long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
#endif
