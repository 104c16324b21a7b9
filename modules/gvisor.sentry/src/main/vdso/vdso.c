/*
 * What applications call instead of the kernel to read a clock: mapped into every process behind the page of data that
 * the kernel keeps up to date (class VdsoClock has the same arithmetic, so that this and a system call agree to the
 * nanosecond). Position independent, without a relocation, a libc or a writable byte.
 *
 * Interface: man 7 vdso, section "x86-64 functions".
 */
#include <stdint.h>

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_TAI 11

#define SYS_gettimeofday 96
#define SYS_time 201
#define SYS_clock_gettime 228
#define SYS_clock_getres 229
#define SYS_getcpu 309

#define NANOS 1000000000ull

struct timespec {
  int64_t tv_sec;
  int64_t tv_nsec;
};

struct timeval {
  int64_t tv_sec;
  int64_t tv_usec;
};

struct timezone {
  int tz_minuteswest;
  int tz_dsttime;
};

/* The page in front of this image; offsets are repeated in VdsoClock. */
struct clock_page {
  uint32_t sequence;     /* odd while the kernel writes */
  uint32_t has_counter;  /* 0: ask the kernel */
  uint64_t counter;      /* time stamp counter at the base */
  uint64_t multiplier;   /* nanoseconds a tick, 32 bits of fraction */
  int64_t monotonic;     /* nanoseconds at the base */
  int64_t realtime;      /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
  int64_t boottime;      /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC */
  uint32_t processors;
};

/* The linker script puts it one page in front of the image. */
extern const volatile struct clock_page clock_data __attribute__((visibility("hidden")));

static inline __attribute__((always_inline)) long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

/* No load may be done before, nor the counter be read before the loads in front of it. */
static inline __attribute__((always_inline)) uint64_t read_counter(void) {
  uint32_t low, high;
  __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}

/* Nanoseconds of a clock, or -1 when only the kernel knows. */
static inline __attribute__((always_inline)) int64_t read_clock(int clock) {
  const volatile struct clock_page *page = &clock_data;
  for (;;) {
    uint32_t sequence = page->sequence;
    __asm__ volatile("" : : : "memory");
    if (sequence & 1) {
      __asm__ volatile("pause");
      continue;
    }
    if (!page->has_counter) {
      return -1;
    }
    uint64_t ticks = read_counter() - page->counter;
    if ((int64_t)ticks < 0) {
      ticks = 0; /* the counters of two processors may differ by a few ticks */
    }
    int64_t nanos = page->monotonic + (int64_t)((unsigned __int128)ticks * page->multiplier >> 32);
    switch (clock) {
      case CLOCK_MONOTONIC:
        break;
      case CLOCK_REALTIME:
        nanos += page->realtime;
        break;
      default:
        nanos += page->boottime;
    }
    __asm__ volatile("" : : : "memory");
    if (page->sequence == sequence) {
      return nanos;
    }
  }
}

static inline __attribute__((always_inline)) int kind_of(int clock) {
  switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
      return CLOCK_MONOTONIC;
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
      return CLOCK_REALTIME;
    case CLOCK_BOOTTIME:
      return CLOCK_BOOTTIME;
    default:
      return -1;
  }
}

int __vdso_clock_gettime(int clock, struct timespec *out) {
  int kind = kind_of(clock);
  if (kind >= 0) {
    int64_t nanos = read_clock(kind);
    if (nanos >= 0) {
      uint64_t seconds = (uint64_t)nanos / NANOS;
      out->tv_sec = (int64_t)seconds;
      out->tv_nsec = (int64_t)((uint64_t)nanos - seconds * NANOS);
      return 0;
    }
  }
  return (int)call(SYS_clock_gettime, clock, (long)out, 0);
}

int __vdso_gettimeofday(struct timeval *out, struct timezone *zone) {
  int64_t nanos = read_clock(CLOCK_REALTIME);
  if (nanos < 0) {
    return (int)call(SYS_gettimeofday, (long)out, (long)zone, 0);
  }
  if (out) {
    uint64_t seconds = (uint64_t)nanos / NANOS;
    out->tv_sec = (int64_t)seconds;
    out->tv_usec = (int64_t)(((uint64_t)nanos - seconds * NANOS) / 1000);
  }
  if (zone) {
    zone->tz_minuteswest = 0;
    zone->tz_dsttime = 0;
  }
  return 0;
}

int64_t __vdso_time(int64_t *out) {
  int64_t nanos = read_clock(CLOCK_REALTIME);
  if (nanos < 0) {
    return call(SYS_time, (long)out, 0, 0);
  }
  int64_t seconds = (int64_t)((uint64_t)nanos / NANOS);
  if (out) {
    *out = seconds;
  }
  return seconds;
}

int __vdso_clock_getres(int clock, struct timespec *out) {
  if (kind_of(clock) >= 0 && clock != CLOCK_REALTIME_COARSE && clock != CLOCK_MONOTONIC_COARSE) {
    if (out) {
      out->tv_sec = 0;
      out->tv_nsec = 1;
    }
    return 0;
  }
  return (int)call(SYS_clock_getres, clock, (long)out, 0);
}

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused) {
  (void)unused;
  const volatile struct clock_page *page = &clock_data;
  if (!page->has_counter) {
    return (int)call(SYS_getcpu, (long)cpu, (long)node, 0);
  }
  uint32_t low, high, aux;
  __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
  if (cpu) {
    /* The application may believe in fewer processors than there are. */
    *cpu = (aux & 0xfff) % page->processors;
  }
  if (node) {
    *node = 0;
  }
  return 0;
}

int clock_gettime(int, struct timespec *) __attribute__((weak, alias("__vdso_clock_gettime")));
int gettimeofday(struct timeval *, struct timezone *) __attribute__((weak, alias("__vdso_gettimeofday")));
int64_t time(int64_t *) __attribute__((weak, alias("__vdso_time")));
int clock_getres(int, struct timespec *) __attribute__((weak, alias("__vdso_clock_getres")));
int getcpu(unsigned *, unsigned *, void *) __attribute__((weak, alias("__vdso_getcpu")));

/* Where a signal handler returns to when the application names no restorer. */
__asm__(
    ".text\n"
    ".globl __kernel_rt_sigreturn\n"
    ".type __kernel_rt_sigreturn, @function\n"
    ".balign 16\n"
    "nop\n"
    "__kernel_rt_sigreturn:\n"
    "  movl $15, %eax\n"
    "  syscall\n"
    "  hlt\n"
    ".size __kernel_rt_sigreturn, .-__kernel_rt_sigreturn\n");
