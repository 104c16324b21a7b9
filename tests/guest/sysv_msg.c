/* System V message queues. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
  long type;
  char text[9000];
};

static struct message m;

static int send_text(int id, long type, const char *text, int flags) {
  m.type = type;
  strcpy(m.text, text);
  return msgsnd(id, &m, strlen(text), flags);
}

/* Receives; whether the text is the one wanted. */
static int got(int id, long type, int flags, long want_type, const char *want) {
  long n = msgrcv(id, &m, sizeof m.text, type, flags | IPC_NOWAIT);
  return n == (long)strlen(want) && m.type == want_type && !memcmp(m.text, want, n);
}

int main(void) {
  key_t key = 0x3e550000 | (getpid() & 0xffff);
  FAILS(ENOENT, msgget(key, 0));
  int id = OK(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
  FAILS(EEXIST, msgget(key, IPC_CREAT | IPC_EXCL | 0600));
  EQ(id, msgget(key, 0));
  FAILS(EINVAL, send_text(id, 0, "x", 0));
  FAILS(EINVAL, send_text(id, -1, "x", 0));
  FAILS(EINVAL, send_text(-1, 1, "x", 0));
  m.type = 1;
  FAILS(EINVAL, msgsnd(id, &m, 8193, 0));
  FAILS(EINVAL, msgsnd(id, &m, -1, 0));
  FAILS(EFAULT, msgsnd(id, BAD, 1, 0));
  FAILS(ENOMSG, msgrcv(id, &m, 100, 0, IPC_NOWAIT));
  FAILS(EINVAL, msgrcv(id, &m, -1, 0, IPC_NOWAIT));
  OK(send_text(id, 3, "three", 0));
  OK(send_text(id, 1, "one", 0));
  OK(send_text(id, 2, "two", 0));
  OK(send_text(id, 1, "uno", 0));
  struct msqid_ds d;
  OK(msgctl(id, IPC_STAT, &d));
  EQ(4, d.msg_qnum);
  EQ(14, d.__msg_cbytes);
  EQ(16384, d.msg_qbytes);
  EQ(getpid(), d.msg_lspid);
  EQ(0, d.msg_lrpid);
  EQ(0600, d.msg_perm.mode & 0777);
  CHECK(got(id, 2, 0, 2, "two"));
  CHECK(got(id, -2, 0, 1, "one"));
  CHECK(got(id, 3, MSG_EXCEPT, 1, "uno"));
  FAILS(ENOMSG, msgrcv(id, &m, 100, 7, IPC_NOWAIT));
  FAILS(E2BIG, msgrcv(id, &m, 2, 0, IPC_NOWAIT));
  EQ(2, msgrcv(id, &m, 2, 0, IPC_NOWAIT | MSG_NOERROR));
  FAILS(ENOMSG, msgrcv(id, &m, 100, 0, IPC_NOWAIT));
  OK(send_text(id, 5, "", 0));
  EQ(0, msgrcv(id, &m, 100, 0, 0));
  EQ(5, m.type);
  OK(send_text(id, 1, "x", 0));
  FAILS(EFAULT, msgrcv(id, BAD, 100, 0, 0));
  FAILS(EFAULT, msgctl(id, IPC_STAT, BAD));
  FAILS(EFAULT, msgctl(id, IPC_SET, BAD));
  FAILS(EINVAL, msgctl(id, 99, &d));
  FAILS(EINVAL, msgctl(-1, IPC_STAT, &d));
  /* Full. */
  d.msg_qbytes = 100;
  OK(msgctl(id, IPC_SET, &d));
  int n = 0;
  while (send_text(id, 1, "0123456789", IPC_NOWAIT) == 0)
    n++;
  EQ(EAGAIN, errno);
  EQ(10, n);
  pid_t child = fork();
  if (!child)
    _exit(send_text(id, 9, "blocked...", 0) ? 1 : 0);
  usleep(20000);
  CHECK(got(id, 0, 0, 1, "0123456789"));
  int status;
  waitpid(child, &status, 0);
  EQ(0, status);
  CHECK(got(id, 9, 0, 9, "blocked..."));
  while (msgrcv(id, &m, sizeof m.text, 0, IPC_NOWAIT) >= 0)
    ;
  /* A receiver waits for its type. */
  child = fork();
  if (!child)
    _exit(msgrcv(id, &m, 100, 4, 0) == 4 && m.type == 4 ? 0 : 1);
  usleep(10000);
  OK(send_text(id, 3, "no", 0));
  OK(send_text(id, 4, "four", 0));
  waitpid(child, &status, 0);
  EQ(0, status);
  CHECK(got(id, 0, 0, 3, "no"));
  struct sigaction sa = {.sa_handler = (void (*)(int))getpid, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, 0);
  ualarm(20000, 0);
  FAILS(EINTR, msgrcv(id, &m, 100, 0, 0));
  child = fork();
  if (!child)
    _exit(msgrcv(id, &m, 100, 0, 0) == -1 && errno == EIDRM ? 0 : 1);
  usleep(20000);
  OK(msgctl(id, IPC_RMID, 0));
  waitpid(child, &status, 0);
  EQ(0, status);
  FAILS(EINVAL, msgctl(id, IPC_RMID, 0));
  FAILS(EINVAL, send_text(id, 1, "x", 0));
  struct msginfo info;
  OK(msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
  EQ(8192, info.msgmax);
  DONE();
}
