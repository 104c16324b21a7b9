/* Descriptors passed while the other end already reads: each arrives once, open, and is nobody else's. */
#include "test.h"
#include <sys/prctl.h>
#include <sys/socket.h>

#define COUNT 3000

static int give(int s, int fd) {
  char c = 'M', space[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec v = {&c, 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_len = CMSG_LEN(sizeof fd);
  h->cmsg_level = SOL_SOCKET;
  h->cmsg_type = SCM_RIGHTS;
  memcpy(CMSG_DATA(h), &fd, sizeof fd);
  return sendmsg(s, &m, 0);
}

static int take(int s) {
  char c, space[CMSG_SPACE(sizeof(int))];
  struct iovec v = {&c, 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  int fd = -1;
  if (recvmsg(s, &m, 0) != 1) return -1;
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  if (h && h->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(h), sizeof fd);
  return fd;
}

static void race(int type) {
  int s[2];
  OK(socketpair(AF_UNIX, type, 0, s));
  pid_t child = OK(fork());
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(s[0]);
    for (int i = 0; i < COUNT; i++) {
      struct stat st;
      int fd = take(s[1]);
      if (fd < 0 || fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) || close(fd) != 0) _exit(1);
    }
    _exit(0);
  }
  close(s[1]);
  for (int i = 0; i < COUNT; i++) {
    int fd = open("/dev/zero", O_RDONLY);
    int n = give(s[0], fd);
    if (n != 1 || close(fd) != 0) {
      CHECK(n == 1);
      break;
    }
  }
  int st;
  OK(waitpid(child, &st, 0));
  EQ(0, st);
  close(s[0]);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  race(SOCK_STREAM);
  race(SOCK_DGRAM);
  race(SOCK_SEQPACKET);
  DONE();
}
