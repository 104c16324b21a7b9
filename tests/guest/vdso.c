/* The vDSO: man 7 vdso. Its clocks and the kernel's are the same clocks. */
#include "test.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/time.h>

static ElfW(Ehdr) * image;

/* The address of a function of the vDSO, or NULL. */
static void *symbol(const char *name) {
  ElfW(Phdr) *ph = (void *)((char *)image + image->e_phoff);
  ElfW(Dyn) *dyn = NULL;
  char *base = NULL;
  for (int i = 0; i < image->e_phnum; i++) {
    if (ph[i].p_type == PT_DYNAMIC) {
      dyn = (void *)((char *)image + ph[i].p_offset);
    } else if (ph[i].p_type == PT_LOAD && !base) {
      base = (char *)image + ph[i].p_offset - ph[i].p_vaddr;
    }
  }
  ElfW(Sym) *syms = NULL;
  char *strings = NULL;
  uint32_t *hash = NULL, *gnu = NULL;
  for (; dyn->d_tag != DT_NULL; dyn++) {
    void *p = base + dyn->d_un.d_ptr;
    switch (dyn->d_tag) {
      case DT_SYMTAB: syms = p; break;
      case DT_STRTAB: strings = p; break;
      case DT_HASH: hash = p; break;
      case DT_GNU_HASH: gnu = p; break;
    }
  }
  CHECK(syms && strings && (hash || gnu));
  for (uint32_t i = 0; i < (hash ? hash[1] : 32); i++) {
    if (syms[i].st_name && strcmp(strings + syms[i].st_name, name) == 0) {
      return base + syms[i].st_value;
    }
    if (!hash && i > 0 && !syms[i].st_name) {
      break;
    }
  }
  return NULL;
}

static int64_t nanos(struct timespec t) { return t.tv_sec * 1000000000ll + t.tv_nsec; }

int main(void) {
  image = (void *)getauxval(AT_SYSINFO_EHDR);
  if (!image) {
    SKIP("no vDSO");
  }
  EQ(0, memcmp(image, ELFMAG, SELFMAG));
  int (*get)(int, struct timespec *) = symbol("__vdso_clock_gettime");
  int (*day)(struct timeval *, struct timezone *) = symbol("__vdso_gettimeofday");
  time_t (*seconds)(time_t *) = symbol("__vdso_time");
  int (*cpu)(unsigned *, unsigned *, void *) = symbol("__vdso_getcpu");
  int (*res)(int, struct timespec *) = symbol("__vdso_clock_getres");
  CHECK(get && day && seconds && cpu);
  CHECK(symbol("no_such_function") == NULL);

  int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW};
  for (int c = 0; c < 4; c++) {
    int64_t last = 0;
    int backwards = 0;
    for (int i = 0; i < 20000; i++) {
      struct timespec t;
      if (i & 1) {
        EQ(0, get(clocks[c], &t));
      } else {
        OK(syscall(SYS_clock_gettime, clocks[c], &t));
      }
      CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
      backwards += nanos(t) < last;
      last = nanos(t);
    }
    EQ(0, backwards);
  }
  struct timespec t;
  EQ(0, get(CLOCK_PROCESS_CPUTIME_ID, &t));
  EQ(0, get(CLOCK_THREAD_CPUTIME_ID, &t));
  EQ(-EINVAL, get(12345, &t));
  EQ(0, get(CLOCK_REALTIME_COARSE, &t));
  EQ(0, get(CLOCK_MONOTONIC_COARSE, &t));
  if (res) {
    EQ(0, res(CLOCK_MONOTONIC, &t));
    EQ(1, nanos(t));
    EQ(0, res(CLOCK_MONOTONIC, NULL));
    EQ(-EINVAL, res(12345, &t));
  }
  struct timeval tv;
  EQ(0, day(&tv, NULL));
  time_t now = seconds(NULL), stored;
  EQ(seconds(&stored), stored);
  CHECK(now - tv.tv_sec <= 1);
  unsigned c = 12345, n = 12345;
  EQ(0, cpu(&c, &n, NULL));
  CHECK(c < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
  EQ(0, cpu(NULL, NULL, NULL));

  /* it tells the time that sleeping takes */
  struct timespec before, after, nap = {0, 20000000};
  get(CLOCK_MONOTONIC, &before);
  OK(nanosleep(&nap, NULL));
  get(CLOCK_MONOTONIC, &after);
  CHECK(nanos(after) - nanos(before) >= 20000000);
  DONE();
}
