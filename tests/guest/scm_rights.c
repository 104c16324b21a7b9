/* Files and credentials in messages: SCM_RIGHTS, SCM_CREDENTIALS. */
#include "sock.h"

union control {
  char bytes[1200];
  struct cmsghdr header;
};

static long send_fds(int s, int *fds, int count, const char *text, int len) {
  union control c;
  struct iovec v = {(void *)text, len};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(count * 4)};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = SOL_SOCKET;
  h->cmsg_type = SCM_RIGHTS;
  h->cmsg_len = CMSG_LEN(count * 4);
  memcpy(CMSG_DATA(h), fds, count * 4);
  return sendmsg(s, &m, MSG_DONTWAIT);
}

/* Receives; the number of files, and their descriptors. */
static int receive(int s, char *text, int *len, int *fds, int room, int flags, int *out_flags) {
  union control c;
  memset(&c, 0, sizeof c);
  struct iovec v = {text, *len};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = room};
  long n = recvmsg(s, &m, flags);
  *len = n;
  if (out_flags)
    *out_flags = m.msg_flags;
  int count = 0;
  if (n >= 0)
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
      if (h->cmsg_type == SCM_RIGHTS) {
        count = (h->cmsg_len - CMSG_LEN(0)) / 4;
        memcpy(fds, CMSG_DATA(h), count * 4);
      }
  return count;
}

static void passing(int type) {
  int p[2], pipe_fds[2], got[8], len, flags;
  char b[32];
  OK(socketpair(AF_UNIX, type, 0, p));
  OK(pipe(pipe_fds));
  EQ(1, send_fds(p[0], &pipe_fds[1], 1, "x", 1));
  close(pipe_fds[1]);
  /* The pipe has a writer as long as the file is on its way. */
  nonblocking(pipe_fds[0], 1);
  FAILS(EAGAIN, read(pipe_fds[0], b, 1));
  len = 32;
  EQ(1, receive(p[1], b, &len, got, CMSG_SPACE(4), 0, &flags));
  EQ(1, len);
  EQ(0, flags & ~MSG_EOR);
  EQ(0, fcntl(got[0], F_GETFD));
  EQ(2, write(got[0], "hi", 2));
  EQ(2, read(pipe_fds[0], b, 32));
  /* Peek gives a copy. */
  send_fds(p[0], got, 1, "y", 1);
  int peeked[8];
  len = 32;
  EQ(1, receive(p[1], b, &len, peeked, CMSG_SPACE(4), MSG_PEEK, 0));
  len = 32;
  int again[8];
  EQ(1, receive(p[1], b, &len, again, CMSG_SPACE(4), MSG_CMSG_CLOEXEC, &flags));
  CHECK(flags & MSG_CMSG_CLOEXEC);
  EQ(FD_CLOEXEC, fcntl(again[0], F_GETFD));
  CHECK(peeked[0] != again[0]);
  close(peeked[0]);
  close(again[0]);
  /* Files nobody receives are closed. */
  send_fds(p[0], got, 1, "z", 1);
  close(got[0]);
  EQ(1, read(p[1], b, 32));
  EQ(0, read(pipe_fds[0], b, 1));
  /* Files that do not fit are cut off. */
  int three[3] = {0, 1, 2};
  send_fds(p[0], three, 3, "cut", 3);
  len = 32;
  EQ(2, receive(p[1], b, &len, got, CMSG_LEN(8), 0, &flags));
  CHECK(flags & MSG_CTRUNC);
  close(got[0]);
  close(got[1]);
  send_fds(p[0], three, 3, "cut", 3);
  len = 32;
  EQ(0, receive(p[1], b, &len, got, 0, 0, &flags));
  CHECK(flags & MSG_CTRUNC);
  /* Those in a socket that is closed, too. */
  int q[2];
  pipe(q);
  send_fds(p[0], &q[1], 1, "w", 1);
  close(q[1]);
  close(p[1]);
  close(p[0]);
  EQ(0, read(q[0], b, 1));
  close(q[0]);
  close(pipe_fds[0]);
}

static void stream_borders(void) {
  int p[2], fds[1] = {0}, got[8], len, flags;
  char b[32];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  write(p[0], "ab", 2);
  send_fds(p[0], fds, 1, "cd", 2);
  write(p[0], "ef", 2);
  /* A read goes into the bytes that came with files, and no further. */
  len = 32;
  EQ(1, receive(p[1], b, &len, got, 64, 0, &flags));
  EQ(4, len);
  close(got[0]);
  len = 32;
  EQ(0, receive(p[1], b, &len, got, 64, 0, &flags));
  EQ(2, len);
  close(p[0]);
  close(p[1]);
}

static void errors(void) {
  int p[2], bad[1] = {9999};
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  FAILS(EBADF, send_fds(p[0], bad, 1, "x", 1));
  int fds[254];
  for (int i = 0; i < 254; i++)
    fds[i] = 0;
  FAILS(EINVAL, send_fds(p[0], fds, 254, "x", 1));
  EQ(1, send_fds(p[0], fds, 253, "x", 1));
  union control c = {0};
  struct iovec v = {"x", 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = 32};
  c.header.cmsg_len = 100;
  c.header.cmsg_level = SOL_SOCKET;
  c.header.cmsg_type = SCM_RIGHTS;
  FAILS(EINVAL, sendmsg(p[0], &m, 0));
  c.header.cmsg_len = 8;
  FAILS(EINVAL, sendmsg(p[0], &m, 0));
  c.header.cmsg_len = 20;
  c.header.cmsg_type = 77;
  FAILS(EINVAL, sendmsg(p[0], &m, 0));
  c.header.cmsg_level = 77;
  EQ(1, sendmsg(p[0], &m, 0));
  m.msg_control = BAD;
  FAILS(EFAULT, sendmsg(p[0], &m, 0));
  m.msg_control = 0;
  m.msg_controllen = 0;
  m.msg_iovlen = 1025;
  FAILS(EMSGSIZE, sendmsg(p[0], &m, 0));
  m.msg_iovlen = 1;
  m.msg_iov = BAD;
  FAILS(EFAULT, sendmsg(p[0], &m, 0));
  FAILS(EFAULT, sendmsg(p[0], BAD, 0));
  FAILS(EFAULT, recvmsg(p[1], BAD, 0));
  close(p[0]);
  close(p[1]);
}

static void credentials(int type) {
  int p[2], on = 1;
  char b[32];
  OK(socketpair(AF_UNIX, type, 0, p));
  OK(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  EQ(1, int_option(p[1], SOL_SOCKET, SO_PASSCRED));
  pid_t child = fork();
  if (!child) {
    write(p[0], "c", 1);
    _exit(0);
  }
  waitpid(child, 0, 0);
  union control c;
  struct iovec v = {b, 32};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
  EQ(1, recvmsg(p[1], &m, 0));
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  CHECK(h && h->cmsg_type == SCM_CREDENTIALS && h->cmsg_level == SOL_SOCKET);
  struct ucred *u = h ? (struct ucred *)CMSG_DATA(h) : 0;
  if (u) {
    EQ(child, u->pid);
    EQ(getuid(), u->uid);
    EQ(getgid(), u->gid);
  }
  EQ(CMSG_SPACE(sizeof *u), m.msg_controllen);
  /* Said by the sender itself. */
  struct ucred mine = {getpid(), getuid(), getgid()};
  memset(&c, 0, sizeof c);
  v.iov_len = 1;
  m.msg_controllen = CMSG_SPACE(sizeof mine);
  h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = SOL_SOCKET;
  h->cmsg_type = SCM_CREDENTIALS;
  h->cmsg_len = CMSG_LEN(sizeof mine);
  memcpy(CMSG_DATA(h), &mine, sizeof mine);
  EQ(1, sendmsg(p[0], &m, 0));
  h->cmsg_len = CMSG_LEN(8);
  FAILS(EINVAL, sendmsg(p[0], &m, 0));
  memset(&c, 0, sizeof c);
  v.iov_len = 32;
  m.msg_controllen = sizeof c;
  EQ(1, recvmsg(p[1], &m, 0));
  h = CMSG_FIRSTHDR(&m);
  CHECK(h && ((struct ucred *)CMSG_DATA(h))->pid == getpid());
  /* No room for it. */
  write(p[0], "n", 1);
  m.msg_controllen = 4;
  EQ(1, recvmsg(p[1], &m, 0));
  CHECK(m.msg_flags & MSG_CTRUNC);
  close(p[0]);
  close(p[1]);
  /* Somebody else's are refused. */
  if (getuid() == 0) {
    child = fork();
    if (!child) {
      socketpair(AF_UNIX, type, 0, p);
      if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
        _exit(2);
      mine.uid = 0;
      mine.pid = getpid();
      mine.gid = 1000;
      m.msg_controllen = CMSG_SPACE(sizeof mine);
      v.iov_len = 1;
      h = CMSG_FIRSTHDR(&m);
      h->cmsg_level = SOL_SOCKET;
      h->cmsg_type = SCM_CREDENTIALS;
      h->cmsg_len = CMSG_LEN(sizeof mine);
      memcpy(CMSG_DATA(h), &mine, sizeof mine);
      _exit(sendmsg(p[0], &m, 0) == -1 && errno == EPERM ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    EQ(0, status);
  }
}

static void cycle(void) {
  /* Sockets that hold only each other. */
  for (int i = 0; i < 50; i++) {
    int p[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    EQ(1, send_fds(p[0], &p[1], 1, "x", 1));
    EQ(1, send_fds(p[1], &p[0], 1, "x", 1));
    close(p[0]);
    close(p[1]);
  }
}

/* A receiver who is done with a file before the sender is back from sendmsg. */
static void racing(int type) {
  int p[2], pipe_fds[2];
  OK(socketpair(AF_UNIX, type, 0, p));
  OK(pipe(pipe_fds));
  pid_t child = OK(fork());
  if (child == 0) {
    alarm(30);
    close(p[0]);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    int got[8], len;
    char b[32];
    do {
      len = sizeof b;
      if (receive(p[1], b, &len, got, CMSG_SPACE(4), 0, NULL) == 1)
        close(got[0]);
    } while (len > 0 && b[0] != 'z');
    _exit(len > 0 ? 0 : 1);
  }
  alarm(30);
  for (int i = 0; i < 2000; i++) {
    while (send_fds(p[0], &pipe_fds[1], 1, "x", 1) != 1 && errno == EAGAIN)
      sched_yield();
    if (i % 100 == 0)
      EQ(0, fcntl(pipe_fds[1], F_GETFD));
  }
  EQ(1, send(p[0], "z", 1, 0));
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  alarm(0);
  EQ(1, write(pipe_fds[1], "x", 1));
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  close(p[0]);
  close(p[1]);
}

int main(void) {
  racing(SOCK_STREAM);
  racing(SOCK_DGRAM);
  racing(SOCK_SEQPACKET);
  passing(SOCK_STREAM);
  passing(SOCK_DGRAM);
  passing(SOCK_SEQPACKET);
  stream_borders();
  errors();
  credentials(SOCK_STREAM);
  credentials(SOCK_DGRAM);
  cycle();
  DONE();
}
