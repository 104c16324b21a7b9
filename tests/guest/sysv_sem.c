/* System V semaphores. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/sem.h>

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};

static int op(int id, int n, int change, int flags) {
  struct sembuf b = {n, change, flags};
  return semop(id, &b, 1);
}

static int value(int id, int n) { return semctl(id, n, GETVAL); }

static void making(void) {
  key_t key = 0x5e3a0000 | (getpid() & 0xffff);
  FAILS(ENOENT, semget(key, 1, 0));
  FAILS(EINVAL, semget(key, 0, IPC_CREAT | 0600));
  FAILS(EINVAL, semget(key, -1, IPC_CREAT | 0600));
  FAILS(EINVAL, semget(key, 32001, IPC_CREAT | 0600));
  int id = OK(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
  FAILS(EEXIST, semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
  EQ(id, semget(key, 0, 0));
  EQ(id, semget(key, 3, IPC_CREAT));
  FAILS(EINVAL, semget(key, 4, 0));
  struct semid_ds d;
  OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &d}));
  EQ(3, d.sem_nsems);
  EQ(0600, d.sem_perm.mode & 0777);
  EQ(key, d.sem_perm.__key);
  EQ(0, d.sem_otime);
  CHECK(labs(d.sem_ctime - time(0)) < 5);
  EQ(geteuid(), d.sem_perm.uid);
  d.sem_perm.mode = 0640;
  OK(semctl(id, 0, IPC_SET, (union semun){.buf = &d}));
  OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &d}));
  EQ(0640, d.sem_perm.mode & 0777);
  FAILS(EFAULT, semctl(id, 0, IPC_STAT, (union semun){.buf = BAD}));
  FAILS(EFAULT, semctl(id, 0, IPC_SET, (union semun){.buf = BAD}));
  FAILS(EFAULT, semctl(id, 0, GETALL, (union semun){.array = BAD}));
  FAILS(EFAULT, semctl(id, 0, SETALL, (union semun){.array = BAD}));
  FAILS(EINVAL, semctl(id, 0, 99));
  FAILS(EINVAL, semctl(-1, 0, GETVAL));
  FAILS(EINVAL, semctl(id, 3, GETVAL));
  FAILS(EINVAL, semctl(id, -1, GETVAL));
  FAILS(ERANGE, semctl(id, 0, SETVAL, (union semun){.val = 32768}));
  FAILS(ERANGE, semctl(id, 0, SETVAL, (union semun){.val = -1}));
  unsigned short all[3] = {1, 2, 3}, got[3];
  OK(semctl(id, 0, SETALL, (union semun){.array = all}));
  OK(semctl(id, 0, GETALL, (union semun){.array = got}));
  CHECK(!memcmp(all, got, sizeof all));
  EQ(getpid(), semctl(id, 1, GETPID));
  struct seminfo info;
  OK(semctl(0, 0, IPC_INFO, (union semun){.info = &info}));
  EQ(32767, info.semvmx);
  OK(semctl(id, 0, IPC_RMID));
  FAILS(EINVAL, semctl(id, 0, IPC_RMID));
  FAILS(EINVAL, op(id, 0, 1, 0));
  if (getuid() == 0) {
    id = OK(semget(IPC_PRIVATE, 1, 0600));
    if (!fork()) {
      if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
        _exit(2);
      int r = op(id, 0, 1, 0) == -1 && errno == EACCES && semctl(id, 0, IPC_RMID) == -1 && errno == EPERM;
      _exit(!r);
    }
    int status;
    wait(&status);
    EQ(0, status);
    OK(semctl(id, 0, IPC_RMID));
  }
}

static void operations(void) {
  int id = OK(semget(IPC_PRIVATE, 2, 0600));
  FAILS(EINVAL, semop(id, 0, 0));
  FAILS(EFAULT, semop(id, BAD, 1));
  struct sembuf many[501] = {0};
  FAILS(E2BIG, semop(id, many, 501));
  FAILS(EFBIG, op(id, 2, 1, 0));
  EQ(0, value(id, 0));
  OK(op(id, 0, 0, 0));
  OK(op(id, 0, 5, 0));
  FAILS(EAGAIN, op(id, 0, 0, IPC_NOWAIT));
  FAILS(EAGAIN, op(id, 0, -6, IPC_NOWAIT));
  FAILS(ERANGE, op(id, 0, 32767, 0));
  EQ(5, value(id, 0));
  /* All or nothing. */
  struct sembuf two[2] = {{0, -2, 0}, {1, -1, IPC_NOWAIT}};
  FAILS(EAGAIN, semop(id, two, 2));
  EQ(5, value(id, 0));
  two[1].sem_op = 1;
  OK(semop(id, two, 2));
  EQ(3, value(id, 0));
  EQ(1, value(id, 1));
  struct sembuf order[2] = {{0, -3, IPC_NOWAIT}, {0, 0, IPC_NOWAIT}};
  OK(semop(id, order, 2));
  /* With a time. */
  struct timespec t = {0, 20000000}, bad = {0, 1000000000};
  struct sembuf down = {0, -1, 0};
  FAILS(EAGAIN, semtimedop(id, &down, 1, &t));
  FAILS(EINVAL, semtimedop(id, &down, 1, &bad));
  FAILS(EFAULT, semtimedop(id, &down, 1, BAD));
  /* Waiting and counting who waits. */
  pid_t child = fork();
  if (!child)
    _exit(op(id, 0, -2, 0) ? 1 : 0);
  for (int i = 0; i < 100 && semctl(id, 0, GETNCNT) == 0; i++)
    usleep(1000);
  EQ(1, semctl(id, 0, GETNCNT));
  EQ(0, semctl(id, 0, GETZCNT));
  OK(op(id, 0, 1, 0));
  EQ(1, value(id, 0));
  OK(op(id, 0, 1, 0));
  int status;
  waitpid(child, &status, 0);
  EQ(0, status);
  EQ(0, value(id, 0));
  EQ(child, semctl(id, 0, GETPID));
  OK(op(id, 0, 1, 0));
  child = fork();
  if (!child)
    _exit(op(id, 0, 0, 0) ? 1 : 0);
  for (int i = 0; i < 100 && semctl(id, 0, GETZCNT) == 0; i++)
    usleep(1000);
  EQ(1, semctl(id, 0, GETZCNT));
  OK(semctl(id, 0, SETVAL, (union semun){.val = 0}));
  waitpid(child, &status, 0);
  EQ(0, status);
  /* Undone at the end of the process. */
  child = fork();
  if (!child) {
    op(id, 0, 7, SEM_UNDO);
    op(id, 1, -1, SEM_UNDO);
    _exit(value(id, 0) == 7 ? 0 : 1);
  }
  waitpid(child, &status, 0);
  EQ(0, status);
  EQ(0, value(id, 0));
  EQ(1, value(id, 1));
  /* A signal. */
  struct sigaction sa = {.sa_handler = (void (*)(int))getpid, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, 0);
  ualarm(20000, 0);
  FAILS(EINTR, op(id, 0, -1, 0));
  /* The set goes away. */
  child = fork();
  if (!child)
    _exit(op(id, 0, -1, 0) == -1 && errno == EIDRM ? 0 : 1);
  for (int i = 0; i < 100 && semctl(id, 0, GETNCNT) == 0; i++)
    usleep(1000);
  OK(semctl(id, 0, IPC_RMID));
  waitpid(child, &status, 0);
  EQ(0, status);
}

int main(void) {
  making();
  operations();
  DONE();
}
