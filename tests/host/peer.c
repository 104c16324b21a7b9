/* One end of a conversation over a Unix socket or a fifo, for two programs in two kernels: both ends check what Linux
 * promises. Passes on the host with both ends there.
 *
 *   peer serve TYPE PATH [foreign]      binds PATH, waits for the other, talks
 *   peer connect TYPE PATH [foreign]    connects to it, talks
 *   peer receive PATH | send PATH       a datagram socket's reader, and who writes to it
 *   peer refused TYPE PATH              connecting is ECONNREFUSED
 *   peer wait PATH                      connects and reads until the end
 *   peer backlog PATH | backlog-client PATH    a listener that accepts late, and who waits for it
 *   peer fifo-none PATH                 nobody reads the fifo
 *   peer fifo-write PATH | fifo-read PATH
 *
 * TYPE is stream or seqpacket. foreign: the other end is in another kernel: descriptors do not pass.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CHECK(c) do { if (!(c)) { \
  fprintf(stderr, "%s:%d: %s (errno %d, %s)\n", __FILE__, __LINE__, #c, errno, strerror(errno)); exit(1); } } while (0)
#define EQ(a, b) do { long a_ = (long)(a), b_ = (long)(b); if (a_ != b_) { \
  fprintf(stderr, "%s:%d: %s is %ld, not %ld (errno %s)\n", __FILE__, __LINE__, #b, b_, a_, strerror(errno)); \
  exit(1); } } while (0)
#define FAILS(e, c) do { errno = 0; EQ(-1, c); EQ(e, errno); } while (0)
#define BIG (1 << 20)

static int foreign;

static struct sockaddr_un at(const char *path) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  CHECK(strlen(path) < sizeof a.sun_path);
  strcpy(a.sun_path, path);
  return a;
}

static int ready(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = events};
  CHECK(poll(&p, 1, 0) >= 0);
  return p.revents;
}

static void await(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = events};
  EQ(1, poll(&p, 1, 20000));
  CHECK(p.revents & events);
}

static void say(int fd, const char *text) { EQ(strlen(text), send(fd, text, strlen(text), MSG_NOSIGNAL)); }

static void hear(int fd, const char *text) {
  char b[64] = "";
  EQ(strlen(text), recv(fd, b, strlen(text), MSG_WAITALL));
  CHECK(strcmp(b, text) == 0);
}

/* Sends "fd" with a descriptor beside it; refused where the other kernel cannot know it. */
static void offer(int fd, int refused) {
  struct iovec v = {.iov_base = "fd", .iov_len = 2};
  union { char b[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } c = {.b = {0}};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = sizeof c.b};
  CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
  CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
  CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &(int){1}, sizeof(int));
  if (refused) {
    FAILS(EINVAL, sendmsg(fd, &m, MSG_NOSIGNAL));
    say(fd, "fd");
  } else {
    EQ(2, sendmsg(fd, &m, MSG_NOSIGNAL));
  }
}

/* Takes "fd": the descriptor with it, 0 for none, -1 when it was dropped on the way. */
static int take(int fd) {
  char b[2];
  struct iovec v = {.iov_base = b, .iov_len = 2};
  union { char b[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } c;
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = sizeof c.b};
  EQ(2, recvmsg(fd, &m, 0));
  CHECK(memcmp(b, "fd", 2) == 0);
  if (m.msg_flags & MSG_CTRUNC) {
    EQ(0, m.msg_controllen);
    return -1;
  }
  if (m.msg_controllen == 0) {
    return 0;
  }
  int taken;
  memcpy(&taken, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
  return taken;
}

static void talk_to(int s, const char *path, int type, int inside) {
  struct sockaddr_un a;
  socklen_t n = sizeof a;
  EQ(0, getpeername(s, (struct sockaddr *)&a, &n));
  CHECK((foreign && !inside) || strcmp(a.sun_path, path) == 0); /* who binds for a sandbox knows the path by another name */
  EQ(0, ready(s, POLLIN));
  EQ(POLLOUT, ready(s, POLLOUT));
  FAILS(EAGAIN, recv(s, &a, 1, MSG_DONTWAIT));
  say(s, "ping");
  int e = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u32 = 7};
  EQ(0, epoll_ctl(e, EPOLL_CTL_ADD, s, &ev));
  EQ(1, epoll_wait(e, &ev, 1, 20000));
  EQ(7, ev.data.u32);
  close(e);
  char b[64];
  EQ(4, recv(s, b, sizeof b, MSG_PEEK));
  int waiting;
  EQ(0, ioctl(s, FIONREAD, &waiting));
  EQ(4, waiting);
  hear(s, "pong");
  offer(s, inside);
  int taken = take(s);
  EQ(inside ? -1 : foreign ? 0 : 1, taken > 0 ? 1 : taken);
  char *big = malloc(BIG);
  for (int i = 0; i < BIG; i++) {
    big[i] = i * 7 + (i >> 12);
  }
  if (type == SOCK_STREAM) {
    struct iovec v[3] = {{big, 1}, {big + 1, 70000}, {big + 70001, BIG - 70001}};
    EQ(BIG, writev(s, v, 3));
  } else {
    for (int i = 0; i < BIG; i += 65536) {
      struct iovec v[2] = {{big + i, 5}, {big + i + 5, 65531}};
      EQ(65536, writev(s, v, 2));
    }
    FAILS(EMSGSIZE, send(s, big, BIG, 0));
    say(s, "longer");
  }
  struct ucred peer;
  n = sizeof peer;
  EQ(0, getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &n));
  CHECK(inside ? peer.pid == 0 : peer.pid > 0);
  EQ(0, shutdown(s, SHUT_WR));
  FAILS(EPIPE, send(s, "x", 1, MSG_NOSIGNAL));
  hear(s, "bye");
  await(s, POLLHUP);
  EQ(0, recv(s, b, sizeof b, 0));
  free(big);
}

static void talk_back(int s, int type, int inside) {
  await(s, POLLIN);
  hear(s, "ping");
  say(s, "pong");
  int taken = take(s);
  EQ(foreign ? 0 : 1, taken > 0);
  offer(s, inside);
  char *big = malloc(BIG);
  if (type == SOCK_STREAM) {
    EQ(BIG, recv(s, big, BIG, MSG_WAITALL));
  } else {
    for (int i = 0; i < BIG; i += 65536) {
      EQ(65536, recv(s, big + i, BIG - i, 0));
    }
    char b[4];
    EQ(6, recv(s, b, 3, MSG_TRUNC | MSG_PEEK));
    struct iovec v[2] = {{b, 1}, {b + 1, 2}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    EQ(3, recvmsg(s, &m, 0));
    CHECK(m.msg_flags & MSG_TRUNC);
    CHECK(memcmp(b, "lon", 3) == 0);
  }
  for (int i = 0; i < BIG; i++) {
    CHECK(big[i] == (char)(i * 7 + (i >> 12)));
  }
  char b[8];
  EQ(0, recv(s, b, sizeof b, 0));
  CHECK(ready(s, POLLRDHUP) & POLLRDHUP);
  say(s, "bye");
  free(big);
}

static int served(int type, const char *path, int backlog) {
  int s = socket(AF_UNIX, type, 0);
  struct sockaddr_un a = at(path);
  FAILS(EINVAL, listen(s, 1));
  EQ(0, bind(s, (struct sockaddr *)&a, sizeof a));
  int other = socket(AF_UNIX, type, 0);
  FAILS(EADDRINUSE, bind(other, (struct sockaddr *)&a, sizeof a));
  FAILS(ECONNREFUSED, connect(other, (struct sockaddr *)&a, sizeof a));
  EQ(0, listen(s, backlog));
  EQ(0, ready(s, POLLIN));
  /* Connections of this kernel's own come to the same listener. */
  if (type == SOCK_STREAM && backlog > 1) {
    EQ(0, connect(other, (struct sockaddr *)&a, sizeof a));
    int own = accept(s, NULL, NULL);
    CHECK(own >= 0);
    say(other, "own");
    hear(own, "own");
    close(own);
  }
  close(other);
  puts("ready");
  fflush(stdout);
  return s;
}

static int connected(int type, const char *path) {
  int s = socket(AF_UNIX, type, 0);
  struct sockaddr_un a = at(path);
  int other = socket(AF_UNIX, type == SOCK_STREAM ? SOCK_DGRAM : SOCK_STREAM, 0);
  FAILS(EPROTOTYPE, connect(other, (struct sockaddr *)&a, sizeof a));
  close(other);
  EQ(0, connect(s, (struct sockaddr *)&a, sizeof a));
  return s;
}

static void datagrams(int reads, const char *path) {
  int s = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un a = at(path);
  char b[64];
  if (reads) {
    EQ(0, bind(s, (struct sockaddr *)&a, sizeof a));
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
      await(s, POLLIN);
      socklen_t n = sizeof a;
      EQ(5, recvfrom(s, b, sizeof b, 0, (struct sockaddr *)&a, &n));
      CHECK(memcmp(b, "hello", 5) == 0);
    }
    EQ(4, recv(s, b, 4, 0));
    return;
  }
  EQ(5, sendto(s, "hello", 5, 0, (struct sockaddr *)&a, sizeof a));
  EQ(5, sendto(s, "hello", 5, 0, (struct sockaddr *)&a, sizeof a));
  EQ(0, connect(s, (struct sockaddr *)&a, sizeof a));
  EQ(POLLOUT, ready(s, POLLOUT));
  EQ(5, send(s, "hello", 5, 0));
  struct iovec v[2] = {{"lo", 2}, {"nger", 4}};
  EQ(6, writev(s, v, 2));
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  alarm(50);
  signal(SIGPIPE, SIG_IGN);
  const char *mode = argv[1], *path = argv[argc > 3 ? 3 : 2];
  int type = strcmp(argv[2], "stream") == 0 ? SOCK_STREAM : SOCK_SEQPACKET;
  /* "inside": this end is in the sandbox; "outside": the other is. */
  int inside = argc > 4 && strcmp(argv[4], "inside") == 0;
  foreign = argc > 4;
  struct sockaddr_un a;
  char b[64];
  if (strcmp(mode, "serve") == 0) {
    int s = served(type, path, 5);
    await(s, POLLIN);
    socklen_t n = sizeof a;
    int c = accept4(s, (struct sockaddr *)&a, &n, SOCK_CLOEXEC);
    CHECK(c >= 0);
    EQ(2, n);
    talk_back(c, type, inside);
    close(s);
  } else if (strcmp(mode, "connect") == 0) {
    talk_to(connected(type, path), path, type, inside);
  } else if (strcmp(mode, "receive") == 0 || strcmp(mode, "send") == 0) {
    datagrams(strcmp(mode, "receive") == 0, path);
  } else if (strcmp(mode, "refused") == 0) {
    a = at(path);
    FAILS(ECONNREFUSED, connect(socket(AF_UNIX, type, 0), (struct sockaddr *)&a, sizeof a));
  } else if (strcmp(mode, "wait") == 0) {
    int s = connected(SOCK_STREAM, path);
    say(s, "here");
    puts("connected");
    fflush(stdout);
    int n = recv(s, b, sizeof b, 0);
    CHECK(n == 0 || (n == -1 && errno == ECONNRESET)); /* it was killed with something unread */
    EQ(-1, send(s, "x", 1, MSG_NOSIGNAL));
    EQ(EPIPE, errno);
    a = at(path);
    FAILS(ECONNREFUSED, connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof a));
  } else if (strcmp(mode, "backlog") == 0) {
    int s = served(SOCK_STREAM, path, 0);
    usleep(500000);
    for (int i = 0; i < 3; i++) {
      int c = accept(s, NULL, NULL);
      CHECK(c >= 0);
      hear(c, "late");
    }
  } else if (strcmp(mode, "backlog-client") == 0) {
    a = at(path);
    for (int i = 0; i < 3; i++) {
      int s = socket(AF_UNIX, SOCK_STREAM, 0);
      EQ(0, connect(s, (struct sockaddr *)&a, sizeof a));
      say(s, "late");
    }
  } else if (strcmp(mode, "fifo-none") == 0) {
    FAILS(ENXIO, open(path, O_WRONLY | O_NONBLOCK));
    int r = open(path, O_RDONLY | O_NONBLOCK);
    CHECK(r >= 0);
    EQ(0, read(r, b, sizeof b));
    EQ(0, ready(r, POLLIN));
    int w = open(path, O_WRONLY | O_NONBLOCK);
    CHECK(w >= 0);
    FAILS(EAGAIN, read(r, b, sizeof b));
    EQ(3, write(w, "abc", 3));
    await(r, POLLIN);
    EQ(3, read(r, b, sizeof b));
    close(w);
    await(r, POLLHUP); /* whoever opened it for us may hold it a moment longer */
  } else if (strcmp(mode, "fifo-write") == 0) {
    int w = open(path, O_WRONLY);
    CHECK(w >= 0);
    struct stat st;
    EQ(0, fstat(w, &st));
    CHECK(S_ISFIFO(st.st_mode));
    char *big = calloc(1, BIG);
    struct iovec v[2] = {{"hel", 3}, {"lo", 2}};
    EQ(5, writev(w, v, 2));
    EQ(BIG, write(w, big, BIG));
    free(big);
  } else if (strcmp(mode, "fifo-read") == 0) {
    int r = open(path, O_RDONLY);
    CHECK(r >= 0);
    await(r, POLLIN);
    EQ(3, read(r, b, 3));
    CHECK(memcmp(b, "hel", 3) == 0);
    EQ(2, read(r, b, 2));
    long all = 0, n;
    char *big = malloc(BIG);
    while ((n = read(r, big, BIG)) > 0) {
      all += n;
    }
    EQ(0, n);
    EQ(BIG, all);
    free(big);
  } else {
    CHECK(!"a mode");
  }
  puts("passed");
  return 0;
}
