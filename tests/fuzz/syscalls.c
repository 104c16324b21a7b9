/* Random system calls with random arguments, from several threads, for as long as it is told: the kernel below must
 * stay up. Usage: syscalls [-s SEED] [-n CALLS] [-t THREADS] [-o SECONDS] [-r FROM:TO] [-c CALL]
 *
 * It has to be process 1 of a container (it refuses anything else: it kills all it can see) and makes no random call itself: it starts workers, one after the other, and
 * replaces one that has died or makes no progress. A worker is its own session, holds descriptors of every kind, and
 * runs THREADS threads. What a call gets is drawn by the kinds of its arguments (see `calls`), one time in eight by no
 * rule at all. A worker's calls follow from SEED and its number, as far as threads allow.
 *
 * The last line tells how many calls were made and how many workers that took. -c makes every second call this one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

/* Kinds of arguments:
 *   f descriptor        d directory descriptor   s path            b memory             n length
 *   i flags             w small number           v iovec array     m msghdr             a socket address
 *   t time              T process or thread id   g signal          A address in arena   L length in arena
 *   F futex word        u user id                k request         l any 64 bits        z null or memory
 *   p signal action     x clone arguments        y sock_fprog
 */
struct call {
  short number;
  const char *kinds;
};

static const struct call calls[] = {
  {0, "fbn"}, {1, "fbn"}, {2, "sii"}, {3, "f"}, {4, "sb"}, {5, "fb"}, {6, "sb"}, {7, "bwt"}, {8, "fnw"}, {9, "ALiifn"},
  {10, "ALi"}, {11, "AL"}, {12, "l"}, {13, "gpzn"}, {14, "wbbn"}, {16, "fkb"}, {17, "fbnn"}, {18, "fbnn"}, {19, "fvw"},
  {20, "fvw"}, {21, "si"}, {22, "b"}, {23, "wbbbt"}, {24, ""}, {25, "ALLiA"}, {26, "ALi"}, {27, "ALb"}, {28, "ALw"},
  {29, "wni"}, {30, "wAi"}, {31, "wwb"}, {32, "f"}, {33, "ff"}, {35, "tz"}, {36, "wb"}, {37, "w"}, {38, "wtb"}, {39, ""},
  {40, "ffbn"}, {41, "iii"}, {42, "faw"}, {43, "fbb"}, {44, "fbniaw"}, {45, "fbnibb"}, {46, "fmi"}, {47, "fmi"},
  {48, "fw"}, {49, "faw"}, {50, "fw"}, {51, "fbb"}, {52, "fbb"}, {53, "iiib"}, {54, "fwwbw"}, {55, "fwwbb"}, {56, "ibbbl"},
  {57, ""}, {58, ""}, {59, "svv"}, {60, "i"}, {61, "Tbib"}, {62, "Tg"}, {63, "b"}, {64, "wwi"}, {65, "wbw"}, {66, "wwwb"},
  {67, "A"}, {68, "wi"}, {69, "wbni"}, {70, "wbnli"}, {71, "wwb"}, {72, "fkl"}, {72, "fwb"}, {73, "fi"}, {74, "f"},
  {75, "f"}, {76, "sn"}, {77, "fn"}, {78, "fbn"}, {79, "bn"}, {80, "s"}, {81, "f"}, {82, "ss"}, {83, "si"}, {84, "s"},
  {85, "si"}, {86, "ss"}, {87, "s"}, {88, "ss"}, {89, "sbn"}, {90, "si"}, {91, "fi"}, {92, "suu"}, {93, "fuu"}, {94, "suu"},
  {95, "i"}, {96, "bb"}, {97, "wb"}, {98, "wb"}, {99, "b"}, {100, "b"}, {101, "wTbb"}, {102, ""}, {103, "wbn"}, {104, ""},
  {105, "u"}, {106, "u"}, {107, ""}, {108, ""}, {109, "TT"}, {110, ""}, {111, ""}, {112, ""}, {113, "uu"}, {114, "uu"},
  {115, "wb"}, {116, "wb"}, {117, "uuu"}, {118, "bbb"}, {119, "uuu"}, {120, "bbb"}, {121, "T"}, {122, "u"}, {123, "u"},
  {124, "T"}, {125, "bb"}, {126, "bb"}, {127, "bn"}, {128, "bbtn"}, {129, "Tgb"}, {130, "bn"}, {131, "bb"}, {132, "sb"},
  {133, "sil"}, {135, "i"}, {136, "wb"}, {137, "sb"}, {138, "fb"}, {140, "wT"}, {141, "wTw"}, {142, "Tb"}, {143, "Tb"},
  {144, "Twb"}, {145, "T"}, {146, "w"}, {147, "w"}, {148, "Tb"}, {149, "AL"}, {150, "AL"}, {151, "w"}, {152, ""},
  {155, "ss"}, {157, "wllll"}, {157, "kblll"}, {158, "kb"}, {159, "b"}, {160, "wb"}, {161, "s"}, {162, ""}, {163, "s"},
  {164, "bb"}, {165, "sssib"}, {166, "si"}, {167, "si"}, {168, "s"}, {170, "bw"}, {171, "bw"}, {172, "w"}, {173, "lli"},
  {175, "bns"}, {176, "si"}, {179, "isub"}, {186, ""}, {187, "fnn"}, {188, "ssbni"}, {189, "ssbni"}, {190, "fsbni"},
  {191, "ssbn"}, {192, "ssbn"}, {193, "fsbn"}, {194, "sbn"}, {195, "sbn"}, {196, "fbn"}, {197, "ss"}, {198, "ss"},
  {199, "fs"}, {200, "Tg"}, {201, "b"}, {202, "FwltFl"}, {202, "FiltFl"}, {203, "Tnb"}, {204, "Tnb"}, {206, "wb"},
  {207, "l"}, {208, "lwwbt"}, {209, "lwv"}, {210, "lbb"}, {213, "w"}, {216, "ALiwi"}, {217, "fbn"}, {218, "b"}, {219, ""},
  {220, "wbwt"}, {221, "fnnw"}, {222, "wbb"}, {223, "wibz"}, {224, "wb"}, {225, "w"}, {226, "w"}, {227, "wb"}, {228, "wb"},
  {229, "wb"}, {230, "witz"}, {231, "i"}, {232, "fbww"}, {233, "fwfb"}, {234, "TTg"}, {235, "sb"}, {237, "ALwbni"},
  {238, "wbn"}, {239, "bbnAi"}, {240, "siib"}, {241, "s"}, {242, "fbnwt"}, {243, "fbnbt"}, {244, "fb"}, {245, "fbb"},
  {247, "wTbib"}, {248, "ssbnw"}, {250, "wllln"}, {251, "wTw"}, {252, "wT"}, {253, ""}, {254, "fsi"}, {255, "fw"},
  {256, "Tnbb"}, {257, "dsii"}, {258, "dsi"}, {259, "dsil"}, {260, "dsuui"}, {261, "dsb"}, {262, "dsbi"}, {263, "dsi"},
  {264, "dsds"}, {265, "dsdsi"}, {266, "sds"}, {267, "dsbn"}, {268, "dsi"}, {269, "dsi"}, {270, "wbbbtb"}, {271, "bwtbn"},
  {272, "i"}, {273, "bn"}, {274, "Tbb"}, {275, "fbfbni"}, {276, "ffni"}, {277, "fnni"}, {278, "fvwi"}, {279, "Twvbbi"},
  {280, "dsbi"}, {281, "fbwwbn"}, {282, "fbn"}, {283, "wi"}, {284, "i"}, {285, "finn"}, {286, "fitz"}, {287, "fb"},
  {288, "fbbi"}, {289, "fbni"}, {290, "wi"}, {291, "i"}, {292, "ffi"}, {293, "bi"}, {294, "i"}, {295, "fvwn"},
  {296, "fvwn"}, {297, "TTgb"}, {298, "bTwfi"}, {299, "fmwit"}, {300, "ii"}, {302, "Twzb"}, {303, "dsbbi"}, {304, "dbi"},
  {305, "wb"}, {306, "f"}, {307, "fmwi"}, {308, "fi"}, {309, "bbb"}, {310, "Tvwvwi"}, {311, "Tvwvwi"}, {312, "TTwll"},
  {314, "Tbi"}, {315, "Tbni"}, {316, "dsdsi"}, {317, "wiy"}, {317, "wwb"}, {318, "bni"}, {319, "si"}, {321, "wbn"},
  {322, "dsvvi"}, {323, "i"}, {324, "wiw"}, {325, "ALi"}, {326, "fbfbni"}, {327, "fvwnni"}, {328, "fvwnni"}, {329, "ALiw"},
  {332, "dsiib"}, {333, "wnnbtb"}, {334, "bniw"}, {424, "fgbi"}, {425, "wb"}, {426, "fwwibn"}, {428, "dsi"},
  {429, "dsdsi"}, {430, "si"}, {431, "fwssw"}, {432, "fii"}, {433, "dsi"}, {434, "Ti"}, {435, "xn"}, {436, "wwi"},
  {437, "dsbn"}, {438, "ffi"}, {439, "dsii"}, {440, "fbnwi"}, {441, "fbwtbn"}, {442, "dsibn"}, {444, "bni"}, {447, "i"},
  {449, "bwitw"}, {451, "fbbi"}, {452, "dsii"}, {454, "Fiwi"}, {455, "Fltw"}, {456, "bFwt"}, {460, "b"}, {1000, "lll"},
};
#define CALLS (sizeof calls / sizeof *calls)

static const char *paths[] = {
  "/tmp/f1", "/tmp/f2", "/tmp/d1", "/tmp/d1/f3", "/tmp/d1/d2", "/tmp/link", "/tmp/fifo", "/tmp/sock", ".", "..", "", "/",
  "f1", "d1/../f2", "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts/0",
  "/proc/self/maps", "/proc/self/mem", "/proc/self/fd/3", "/proc/self/task", "/proc/self/exe", "/proc/self/ns/pid",
  "/proc/self/environ", "/proc/self/oom_score_adj", "/proc/sys/kernel/hostname", "/proc/mounts", "/proc/self/fdinfo/4",
  "/proc/self/status", "/proc/self/comm", "/proc/self/uid_map", "/proc/self/cwd", "/proc/self/root/tmp", "/proc/stat",
  "/proc/meminfo", "/proc/net/tcp", "/proc/sysvipc/shm", "/proc/thread-self/stat", "/sys", "/bin/sh", "/bin/busybox",
  "tmpfs", "proc", "sysfs", "devpts", "overlay", "user.x", "security.capability", "system.posix_acl_access", "trusted.y",
  "/tmp/f1/", "//tmp//f1", "/nonexistent/x", "/mq", "\xff\xfe\x01", "size=4k,mode=0", "lowerdir=/tmp,upperdir=/tmp/d1",
  "cgroup2", "mqueue", "/dev/shm/s",
};
#define PATHS (sizeof paths / sizeof *paths)

static const unsigned long lengths[] = {
  0, 1, 2, 4, 7, 8, 12, 16, 24, 31, 32, 64, 100, 128, 255, 256, 511, 1023, 4095, 4096, 4097, 8192, 65535, 65536, 65537,
  1 << 20, (1 << 20) + 1, 16 << 20, 0x7fffffff, 0x80000000ul, 0xfffffffful, 0x100000000ul, 0x7ffffffffffffffful,
  0x8000000000000000ul, ~0ul, ~0ul - 4095, 0x7fffffffffff000ul, 0x800000000000ul,
};

static const unsigned requests[] = {
  0x5401, 0x5402, 0x5403, 0x5404, 0x5405, 0x5406, 0x5409, 0x540a, 0x540b, 0x540c, 0x540e, 0x540f, 0x5410, 0x5411, 0x5413,
  0x5414, 0x541b, 0x541d, 0x5420, 0x5421, 0x5422, 0x5423, 0x5424, 0x5425, 0x5429, 0x5440, 0x5450, 0x5451, 0x5452, 0x5460,
  0x80045430, 0x40045431, 0x80045432, 0x5441, 0x8901, 0x8902, 0x8903, 0x8904, 0x8905, 0x8906, 0x8907, 0x890b, 0x890c,
  0x8910, 0x8912, 0x8913, 0x8914, 0x8915, 0x8916, 0x8919, 0x891b, 0x891d, 0x8921, 0x8922, 0x8927, 0x8933, 0x8938, 0x8942,
  0x8946, 0x89e0, 0x80086601, 0x40086602, 0xc020660b, 0x40049409, 0x4020940d, 0xb701, 0xb702, 0xb703, 0xb704, 0x00005207,
  1024, 1025, 1026, 1029, 1030, 1031, 1032, 1033, 1034, 1035, 1036, 1037, 1038, 0x59616d61, 0x53564d41, 0x1001, 0x1002,
  0x1003, 0x1004, 0x2001, 0x2002, 0x2003,
};

#define ARENA_SIZE (1 << 20)
#define SCRATCH_SIZE (256 << 10)
#define SLOTS 64

struct shared {
  volatile unsigned long made; /* by this worker */
};

static struct shared *shared;
static unsigned long seed = 1, wanted = ~0ul;
static int threads = 4, from_call = 0, to_call = 10000, often = -1;
static char *arena, *read_only;

struct source {
  uint64_t s;
  char *scratch;
  int is_child, left;
};

static uint64_t draw(struct source *r) {
  uint64_t z = r->s += 0x9e3779b97f4a7c15ul;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
  z = (z ^ z >> 27) * 0x94d049bb133111ebul;
  return z ^ z >> 31;
}

static unsigned below(struct source *r, unsigned n) { return draw(r) % n; }

static long raw(long nr, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static uint64_t flags(struct source *r) {
  switch (below(r, 8)) {
    case 0: return 0;
    case 1: return 1ul << below(r, 32);
    case 2: return 1ul << below(r, 32) | 1ul << below(r, 32);
    case 3: return below(r, 16);
    case 4: return below(r, 4096);
    case 5: return (uint32_t)draw(r);
    case 6: return below(r, 2) ? ~0ul : 0x80000000ul;
    default: return 1ul << below(r, 32) | 1ul << below(r, 32) | 1ul << below(r, 32) | below(r, 4);
  }
}

static uint64_t any(struct source *r) {
  switch (below(r, 6)) {
    case 0: return draw(r);
    case 1: return lengths[below(r, sizeof lengths / sizeof *lengths)];
    case 2: return -(uint64_t)below(r, 64);
    case 3: return 1ul << below(r, 64);
    case 4: return below(r, 256);
    default: return flags(r);
  }
}

/* Memory: mostly good, sometimes good only in part, sometimes none at all. */
static uint64_t memory(struct source *r) {
  switch (below(r, 32)) {
    case 0: return 0;
    case 1: return draw(r);
    case 2: return 0xffff800000000000ul | draw(r) >> 20;
    case 3: return 0x7ffffffff000ul - below(r, 64);
    case 4: return (uint64_t)read_only + below(r, 4096);
    case 5: return (uint64_t)r->scratch + SCRATCH_SIZE - below(r, 64); /* runs into a page without access */
    case 6: return (uint64_t)arena + below(r, ARENA_SIZE);
    case 7: return below(r, 4096);
    case 8: return 1ul << 63 | draw(r) >> 40;
    default: return (uint64_t)r->scratch + (below(r, SLOTS) * 4096 + (below(r, 4) ? 0 : below(r, 64)));
  }
}

/* Puts numbers that mean something somewhere, and addresses, into a piece of memory. */
static void fill(struct source *r, char *at, int words) {
  for (int i = 0; i < words; i++) {
    uint64_t v;
    switch (below(r, 6)) {
      case 0: v = memory(r); break;
      case 1: v = any(r); break;
      case 2: v = flags(r) | flags(r) << 32; break;
      case 3: v = below(r, 64) | (uint64_t)below(r, 64) << 32; break;
      default: v = below(r, 8);
    }
    memcpy(at + i * 8, &v, 8);
  }
}

static char *slot(struct source *r) { return r->scratch + below(r, SLOTS) * 4096; }

static uint64_t vectors(struct source *r) {
  char *at = slot(r);
  for (int i = 0; i < 16; i++) {
    uint64_t v[2] = {memory(r), below(r, 8) ? below(r, 5000) : any(r)};
    memcpy(at + i * 16, v, 16);
  }
  return (uint64_t)at;
}

static uint64_t address(struct source *r) {
  char *at = slot(r);
  fill(r, at, 16);
  uint16_t family = below(r, 8) ? (uint16_t[]){AF_UNIX, AF_INET, AF_INET6, 16, 17}[below(r, 5)] : draw(r);
  memcpy(at, &family, 2);
  if (family == AF_INET || family == AF_INET6) {
    uint16_t port = htons(below(r, 3) ? 4000 + below(r, 4) : below(r, 65536));
    uint32_t host = below(r, 3) ? htonl(0x7f000001) : draw(r);
    memcpy(at + 2, &port, 2);
    memcpy(at + 4, &host, 4);
    if (family == AF_INET6 && below(r, 2)) {
      memset(at + 8, 0, 15);
      at[23] = 1;
    }
  } else if (family == AF_UNIX) {
    strcpy(at + 2, below(r, 2) ? "/tmp/sock" : "\0abstract");
  }
  return (uint64_t)at;
}

static uint64_t message(struct source *r) {
  char *at = slot(r);
  char *control = slot(r);
  uint64_t length = below(r, 4) ? 24 + below(r, 64) : any(r);
  fill(r, control, 16);
  uint64_t header[2] = {below(r, 4) ? 16 + below(r, 32) : any(r), below(r, 4) ? 1 | (uint64_t)(1 + below(r, 2)) << 32 : draw(r)};
  memcpy(control, header, 16);
  for (int i = 0; i < 4; i++) {
    int fd = below(r, 96);
    memcpy(control + 16 + 4 * i, &fd, 4);
  }
  uint64_t m[7] = {below(r, 2) ? 0 : address(r), below(r, 2) ? below(r, 200) : any(r), vectors(r), below(r, 4) ? below(r, 17) : any(r),
                   below(r, 3) ? (uint64_t)control : memory(r), length, flags(r)};
  memcpy(at, m, sizeof m);
  memcpy(at + 64, m, sizeof m);
  return (uint64_t)at;
}

static void handler(int signo) { (void)signo; }

static void restorer(void) { raw(15, 0, 0, 0, 0, 0, 0); }

static uint64_t action(struct source *r) {
  char *at = slot(r);
  uint64_t a[4] = {below(r, 3) ? (uint64_t)handler : below(r, 2), flags(r) | (below(r, 8) ? 0x04000000 : 0), (uint64_t)restorer, any(r)};
  memcpy(at, a, sizeof a);
  return (uint64_t)at;
}

static uint64_t clone_arguments(struct source *r) {
  char *at = slot(r);
  uint64_t a[11] = {flags(r), memory(r), memory(r), memory(r), below(r, 70), below(r, 2) ? 0 : memory(r), any(r), 0, 0, 0, 0};
  if (below(r, 4) == 0) {
    fill(r, at, 11);
  } else {
    memcpy(at, a, sizeof a);
  }
  return (uint64_t)at;
}

/* A filter that mostly allows everything: what a worker may not call it cannot try. */
static uint64_t filter(struct source *r) {
  char *at = slot(r), *code = slot(r);
  uint64_t program[2] = {below(r, 8) ? 1 + below(r, 12) : any(r), below(r, 8) ? (uint64_t)code : memory(r)};
  memcpy(at, program, sizeof program);
  for (int i = 0; i < 16; i++) {
    static const unsigned char ops[] = {0x20, 0x15, 0x25, 0x35, 0x45, 0x05, 0x54, 0x04, 0x60, 0x02, 0x87, 0x80, 0x00, 0x34, 0x64};
    uint64_t instruction = ops[below(r, sizeof ops)] | (uint64_t)below(r, 4) << 16 | (uint64_t)below(r, 4) << 24
        | (uint64_t)(below(r, 2) ? below(r, 16) * 4 : (uint32_t)any(r)) << 32;
    memcpy(code + i * 8, &instruction, 8);
  }
  uint64_t allow = 0x06 | 0x7fff0000ul << 32;
  for (int i = below(r, 3); i < 16; i += 1 + below(r, 4)) {
    memcpy(code + i * 8, &allow, 8);
  }
  return (uint64_t)at;
}

static uint64_t moment(struct source *r) {
  char *at = slot(r);
  uint64_t t[4] = {below(r, 8) ? 0 : any(r), below(r, 4) ? below(r, 2000000) : any(r), below(r, 8) ? 0 : any(r), below(r, 1000000)};
  memcpy(at, t, sizeof t);
  return below(r, 4) ? (uint64_t)at : 0;
}

static uint64_t process(struct source *r) {
  switch (below(r, 8)) {
    case 0: return 0;
    case 1: return getpid() + below(r, 6);
    case 2: return raw(SYS_gettid, 0, 0, 0, 0, 0, 0);
    case 3: return 2 + below(r, 200);
    case 4: return any(r);
    default: return getpid();
  }
}

static uint64_t argument(struct source *r, char kind) {
  if (below(r, 24) == 0) {
    return any(r);
  }
  switch (kind) {
    case 'f': return below(r, 16) ? 3 + below(r, 80) : flags(r);
    case 'd': return below(r, 3) ? (uint64_t)AT_FDCWD : below(r, 90);
    case 's': {
      if (below(r, 16) == 0) {
        return memory(r);
      }
      char *at = slot(r);
      strcpy(at, paths[below(r, PATHS)]);
      if (below(r, 64) == 0) {
        memset(at, '/' + below(r, 2), 4096);
      }
      return (uint64_t)at;
    }
    case 'z': if (below(r, 2)) return 0; /* fall through */
    case 'b': {
      if (below(r, 3) == 0) {
        return memory(r);
      }
      char *at = slot(r);
      fill(r, at, 1 + below(r, 24));
      return (uint64_t)at;
    }
    case 'n': return below(r, 4) ? lengths[below(r, 22)] : any(r);
    case 'i': return flags(r);
    case 'w': return below(r, 8) ? below(r, 20) : any(r);
    case 'v': return vectors(r);
    case 'm': return message(r);
    case 'a': return address(r);
    case 't': return moment(r);
    case 'T': return process(r);
    case 'g': return below(r, 8) ? (uint64_t)(int[]){0, SIGCHLD, SIGURG, SIGWINCH, SIGCONT, SIGUSR1, 40, 64}[below(r, 8)] : below(r, 80);
    case 'A': return (uint64_t)arena + below(r, ARENA_SIZE / 4096) * 4096 + (below(r, 16) ? 0 : below(r, 4096));
    case 'L': return below(r, 8) ? (1 + below(r, 32)) * 4096 : any(r);
    case 'F': return (uint64_t)arena + 64 * 4 * below(r, 8);
    case 'u': return below(r, 3) ? ~0ul : below(r, 70000);
    case 'k': return below(r, 8) ? requests[below(r, sizeof requests / sizeof *requests)] : flags(r);
    case 'p': return action(r);
    case 'x': return clone_arguments(r);
    case 'y': return filter(r);
    default: return any(r);
  }
}

/* Calls that end a worker, or what supervises it, for nothing. */
static int is_wasteful(struct source *r, long nr, uint64_t *a) {
  switch (nr) {
    case SYS_exit: case SYS_exit_group: case SYS_pause: return below(r, 512) != 0;
    case SYS_fork: case SYS_vfork: case SYS_clone: case SYS_clone3: return r->is_child || below(r, 24) != 0;
    case SYS_rt_sigreturn: case SYS_arch_prctl: case SYS_seccomp: case SYS_personality: return below(r, 64) != 0;
    case SYS_execve: case SYS_execveat: return below(r, 16) != 0;
    case SYS_kill: case SYS_tkill: case SYS_tgkill: case SYS_rt_sigqueueinfo: case SYS_rt_tgsigqueueinfo:
      return below(r, 16) != 0 || (int)a[0] == 1 || (int)a[0] == -1;
    case SYS_ptrace: return (int)a[1] == 1 || below(r, 16) != 0;
    case SYS_prctl: return (a[0] == 22) && below(r, 64) != 0;
    case SYS_close_range: return below(r, 64) != 0;
    case SYS_pivot_root: case SYS_chroot: case SYS_umount2: return below(r, 64) != 0;
    case SYS_prlimit64: case SYS_setrlimit: case SYS_sched_setscheduler: case SYS_sched_setattr: return below(r, 16) != 0;
    case SYS_setuid: case SYS_setgid: case SYS_setreuid: case SYS_setresuid: case SYS_setregid: case SYS_setresgid: case SYS_capset:
      return below(r, 64) != 0;
    case SYS_rt_sigprocmask: return below(r, 8) != 0;
    case SYS_rt_sigsuspend: case SYS_rt_sigtimedwait: case SYS_wait4: case SYS_waitid: return below(r, 8) != 0;
    case SYS_alarm: case SYS_setitimer: return below(r, 64) != 0;
    default: return 0;
  }
}

static void one_call(struct source *r) {
  const struct call *c;
  if (often >= 0 && below(r, 2)) {
    do {
      c = &calls[below(r, CALLS)];
    } while (c->number != often);
  } else {
    do {
      c = &calls[below(r, CALLS)];
    } while (c->number < from_call || c->number > to_call);
  }
  uint64_t a[6];
  int n = strlen(c->kinds);
  int ruleless = below(r, 8) == 0;
  for (int i = 0; i < 6; i++) {
    a[i] = i >= n ? (below(r, 2) ? 0 : any(r)) : ruleless ? (below(r, 2) ? any(r) : memory(r)) : argument(r, c->kinds[i]);
  }
  long nr = c->number == 1000 ? (long)any(r) : c->number;
  if (is_wasteful(r, nr, a)) {
    return;
  }
  long result = raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
  __atomic_add_fetch(&shared->made, 1, __ATOMIC_RELAXED);
  if (result == 0 && (nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3)) {
    r->is_child = 1;
    r->left = 20;
  }
}

static char *scratch(void) {
  char *at = mmap(0, SCRATCH_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED || mprotect(at + SCRATCH_SIZE, 4096, PROT_NONE) != 0) {
    _exit(3);
  }
  return at;
}

static void *work(void *start) {
  struct source r = {.s = (uint64_t)start, .scratch = scratch(), .left = -1};
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
  event._sigev_un._tid = raw(SYS_gettid, 0, 0, 0, 0, 0, 0);
  timer_t timer;
  struct itimerspec every = {{0, 20000000}, {0, 20000000}};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) {
    timer_settime(timer, 0, &every, 0);
  }
  while (shared->made < wanted) {
    one_call(&r);
    if (r.is_child && r.left-- <= 0) {
      raw(SYS_exit, 0, 0, 0, 0, 0, 0);
    }
  }
  raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
  return 0;
}

/* Descriptors of every kind, none of which blocks. */
static void open_everything(struct source *r) {
  int two[2];
  for (int i = 0; i < 2; i++) {
    if (pipe2(two, O_NONBLOCK) != 0) return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, two) != 0) return;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, two) != 0) return;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, two) != 0) return;
    for (int family = AF_INET; family <= AF_INET6; family += AF_INET6 - AF_INET) {
      int s = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
      struct sockaddr_in6 at = {.sin6_family = family, .sin6_port = htons(4000 + below(r, 4))};
      int one = 1;
      setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
      bind(s, (struct sockaddr *)&at, family == AF_INET ? 16 : 28);
      listen(s, 8);
      socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
      socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
      socket(family, SOCK_RAW | SOCK_NONBLOCK, 1);
    }
    socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0);
    eventfd(0, EFD_NONBLOCK);
    epoll_create1(0);
    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    inotify_init1(IN_NONBLOCK);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    signalfd(-1, &set, SFD_NONBLOCK);
    syscall(SYS_memfd_create, "m", MFD_ALLOW_SEALING);
    syscall(SYS_pidfd_open, getpid(), 0);
    posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    open("/tmp/f1", O_RDWR | O_CREAT, 0666);
    open("/tmp/f2", O_RDWR | O_CREAT | O_APPEND, 0666);
    open("/tmp/d1", O_RDONLY | O_DIRECTORY);
    open("/proc/self", O_RDONLY | O_DIRECTORY);
    open("/proc/self/maps", O_RDONLY);
    open("/proc/self/mem", O_RDWR);
    open("/dev/zero", O_RDWR);
    open("/", O_PATH);
  }
}

static void worker(unsigned long number) {
  struct source r = {.s = seed * 1000003 + number};
  setsid();
  signal(SIGURG, handler);
  for (int i = 0; i < 4; i++) {
    signal((int[]){SIGPIPE, SIGUSR1, SIGHUP, SIGALRM}[i], handler);
  }
  raw(SYS_unshare, CLONE_NEWNS, 0, 0, 0, 0, 0);
  if (below(&r, 2)) {
    struct rlimit size = {16 << 20, 16 << 20}, files = {128, 128};
    setrlimit(RLIMIT_FSIZE, &size);
    setrlimit(RLIMIT_NOFILE, &files);
  }
  if (chdir("/tmp") != 0) {
    _exit(3);
  }
  mkdir("d1", 0777);
  /* Room around the arena, so that what is mapped too far hits nothing that matters. */
  arena = (char *)mmap(0, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) + (32 << 20);
  mmap(arena, ARENA_SIZE, PROT_READ | PROT_WRITE | (below(&r, 4) ? 0 : PROT_EXEC),
       MAP_FIXED | MAP_ANONYMOUS | (below(&r, 2) ? MAP_PRIVATE : MAP_SHARED), -1, 0);
  read_only = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  r.scratch = scratch();
  open_everything(&r);
  if (below(&r, 3) == 0 && (setgid(1000) != 0 || setuid(1000) != 0)) {
    _exit(3);
  }
  for (int i = 1; i < threads; i++) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    pthread_create(&thread, &attributes, work, (void *)draw(&r));
  }
  work((void *)draw(&r));
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void clean(void) {
  for (unsigned i = 0; i < PATHS; i++) {
    if (!strncmp(paths[i], "/tmp/", 5)) {
      unlink(paths[i]);
    }
  }
  rmdir("/tmp/d1/d2");
  rmdir("/tmp/d1");
}

int main(int argc, char **argv) {
  double seconds = 1e9;
  int option;
  while ((option = getopt(argc, argv, "s:n:t:o:r:c:")) != -1) {
    switch (option) {
      case 's': seed = strtoul(optarg, 0, 0); break;
      case 'n': wanted = strtoul(optarg, 0, 0); break;
      case 't': threads = atoi(optarg); break;
      case 'o': seconds = atof(optarg); break;
      case 'r': sscanf(optarg, "%d:%d", &from_call, &to_call); break;
      case 'c': often = atoi(optarg); break;
      default: return 2;
    }
  }
  if (getpid() != 1) {
    printf("this belongs into a sandbox, as its process 1: it kills every process that it can see\n");
    return 2;
  }
  setvbuf(stdout, 0, _IONBF, 0);
  shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  double start = now(), told = start;
  unsigned long number = 0, stuck = 0;
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  unsigned long made = 0, all = wanted;
  while (made < all && now() - start < seconds) {
    clean();
    wanted = all - made;
    shared->made = 0;
    pid_t pid = fork();
    if (pid == 0) {
      dup2(nothing, 0);
      dup2(nothing, 1);
      dup2(nothing, 2);
      close(nothing);
      worker(number);
    }
    if (pid < 0) {
      printf("fork: %s\n", strerror(errno));
      usleep(10000);
      continue;
    }
    number++;
    unsigned long before = 0;
    double progress = now();
    while (waitpid(pid, 0, WNOHANG) == 0) {
      usleep(5000);
      if (shared->made != before) {
        before = shared->made;
        progress = now();
      } else if (now() - progress > 0.4) {
        stuck++;
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
        waitpid(pid, 0, 0);
        break;
      }
      if (now() - start > seconds) {
        kill(pid, SIGKILL);
      }
    }
    /* A store to a random address may have hit the counter. */
    made += shared->made < 10000000 ? shared->made : 0;
    /* Whatever it left behind: everything but this process. */
    kill(-1, SIGKILL);
    for (double end = now() + 10; now() < end && waitpid(-1, 0, WNOHANG) >= 0;) {
      usleep(100);
    }
    if (now() - told > 10) {
      told = now();
      printf("%.0f s: %lu calls, %lu workers, %lu stuck\n", told - start, made, number, stuck);
    }
  }
  printf("made %lu calls in %.1f s with %lu workers, %lu of them stuck\n", made, now() - start, number, stuck);
  return 0;
}
