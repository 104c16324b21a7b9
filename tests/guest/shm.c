/* System V shared memory: man 2 shmget, shmop, shmctl. */
#include "test.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#define PAGE 4096L

static struct shmid_ds stat_of(int id) {
  struct shmid_ds ds;
  memset(&ds, 0xee, sizeof ds);
  OK(shmctl(id, IPC_STAT, &ds));
  return ds;
}

static void basics(void) {
  int id = OK(shmget(IPC_PRIVATE, 3 * PAGE - 5, IPC_CREAT | 0600));
  struct shmid_ds ds = stat_of(id);
  EQ(3 * PAGE - 5, ds.shm_segsz);
  EQ(0600, ds.shm_perm.mode);
  EQ(0, ds.shm_nattch);
  EQ(getpid(), ds.shm_cpid);
  EQ(0, ds.shm_atime);
  char *p = shmat(id, NULL, 0), *q = shmat(id, NULL, SHM_RDONLY);
  CHECK(p != (void *)-1 && q != (void *)-1 && p != q);
  strcpy(p + PAGE, "hello");
  EQ(0, strcmp(q + PAGE, "hello"));
  EQ(2, stat_of(id).shm_nattch);
  EQ(getpid(), stat_of(id).shm_lpid);
  pid_t child = OK(fork());
  if (child == 0) {
    CHECK(stat_of(id).shm_nattch == 4);
    CHECK(strcmp(q + PAGE, "hello") == 0);
    strcpy(p, "child");
    CHECK(shmdt(p) == 0);
    _exit(failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  EQ(0, strcmp(p, "child"));
  EQ(2, stat_of(id).shm_nattch);
  OK(shmctl(id, IPC_RMID, NULL));
  CHECK(stat_of(id).shm_perm.mode & SHM_DEST);
  EQ(0, strcmp(p, "child"));
  OK(shmdt(q));
  OK(shmdt(p));
  FAILS(EINVAL, shmctl(id, IPC_STAT, &ds));
  FAILS(EINVAL, shmdt(p));
}

static void keys(void) {
  key_t key = 0x5eed0000 + getpid();
  FAILS(ENOENT, shmget(key, PAGE, 0));
  int id = OK(shmget(key, PAGE, IPC_CREAT | 0640));
  EQ(id, shmget(key, 0, 0));
  EQ(id, shmget(key, PAGE, IPC_CREAT));
  FAILS(EEXIST, shmget(key, PAGE, IPC_CREAT | IPC_EXCL));
  FAILS(EINVAL, shmget(key, 2 * PAGE, 0));
  struct shmid_ds ds = stat_of(id);
  EQ(key, ds.shm_perm.__key);
  ds.shm_perm.mode = 0604;
  ds.shm_perm.uid = 77;
  OK(shmctl(id, IPC_SET, &ds));
  ds = stat_of(id);
  EQ(0604, ds.shm_perm.mode);
  EQ(77, ds.shm_perm.uid);
  pid_t child = OK(fork());
  if (child == 0) {
    CHECK(setgid(5000) == 0 && setuid(5000) == 0);
    CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EACCES);
    CHECK(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
    CHECK(shmctl(id, IPC_RMID, NULL) == -1 && errno == EPERM);
    CHECK(shmget(key, 0, 0600) == -1 && errno == EACCES);
    _exit(failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  OK(shmctl(id, IPC_RMID, NULL));
  FAILS(ENOENT, shmget(key, PAGE, 0));
}

static void addresses(void) {
  int id = OK(shmget(IPC_PRIVATE, 2 * PAGE, 0600));
  char *room = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FAILS(EINVAL, (long)shmat(id, room, 0));
  FAILS(EINVAL, (long)shmat(id, room + 1, 0));
  FAILS(EINVAL, (long)shmat(id, NULL, SHM_REMAP));
  CHECK(shmat(id, room, SHM_REMAP) == room);
  room[PAGE] = 1;
  OK(munmap(room + 4 * PAGE, 4 * PAGE));
  CHECK(shmat(id, room + 5 * PAGE + 100, SHM_RND) == room + 5 * PAGE);
  EQ(1, room[6 * PAGE]);
  FAILS(EINVAL, shmdt(room + PAGE));
  FAILS(EINVAL, shmdt(room + 1));
  OK(mprotect(room, PAGE, PROT_READ));
  OK(shmdt(room));
  unsigned char vec;
  FAILS(ENOMEM, mincore(room, PAGE, &vec));
  FAILS(ENOMEM, mincore(room + PAGE, PAGE, &vec));
  OK(mincore(room + 2 * PAGE, PAGE, &vec));
  OK(shmctl(id, IPC_RMID, NULL));
  OK(shmdt(room + 5 * PAGE));
}

static void errors(void) {
  struct shmid_ds ds;
  FAILS(EINVAL, shmget(IPC_PRIVATE, 0, 0600));
  FAILS(EINVAL, (long)shmat(-1, NULL, 0));
  FAILS(EINVAL, shmctl(-1, IPC_STAT, &ds));
  int id = OK(shmget(IPC_PRIVATE, PAGE, 0600));
  FAILS(EINVAL, shmctl(id, 12345, &ds));
  FAILS(EFAULT, shmctl(id, IPC_STAT, BAD));
  FAILS(EFAULT, shmctl(id, IPC_SET, BAD));
  struct shminfo info;
  OK(shmctl(0, IPC_INFO, (void *)&info));
  EQ(1, info.shmmin);
  EQ(4096, info.shmmni);
  OK(shmctl(id, SHM_LOCK, NULL));
  CHECK(stat_of(id).shm_perm.mode & SHM_LOCKED);
  OK(shmctl(id, SHM_UNLOCK, NULL));
  OK(shmctl(id, IPC_RMID, NULL));
}

int main(void) {
  basics();
  keys();
  addresses();
  errors();
  DONE();
}
