/* A directory of the program's own, in which it runs and which is gone afterwards. */
#ifndef TMPDIR_H
#define TMPDIR_H
#include "test.h"
#include <ftw.h>

static char tmpdir_path[] = "/tmp/guest-XXXXXX";

static inline int tmpdir_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
  (void)st, (void)flag, (void)ftw;
  return remove(path);
}

static inline void tmpdir_leave(void) {
  if (chdir("/") == 0) nftw(tmpdir_path, tmpdir_remove, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static inline void tmpdir_enter(void) {
  if (!mkdtemp(tmpdir_path) || chdir(tmpdir_path) != 0) {
    perror("tmpdir");
    exit(1);
  }
  umask(022);
}

/* Makes a file with this content. */
static inline void put_file(const char *name, const char *text) {
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  CHECK(fd >= 0);
  EQ(strlen(text), write(fd, text, strlen(text)));
  close(fd);
}
#endif
