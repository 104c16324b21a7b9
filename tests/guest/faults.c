/* What a processor refuses, and what comes of it: the signal, si_code, si_addr and the address where it happened. Intel
 * SDM volume 3, chapter 6 (exceptions); man 2 sigaction (si_code). Instructions that only a kernel may use, addresses
 * that belong to it or to nobody, and interrupts. */
#include "faults.h"

#define TASK_END 0x7ffffffff000L

enum { NOWHERE, HERE, ANYTHING = -1 }; /* si_addr: 0, or where it happened */

static const struct {
  const char *name, *code;
  int length, signo, si_code, where, rip, trap;
} table[] = {
#define CASE(name, code, ...) {name, code, sizeof(code) - 1, __VA_ARGS__},
    CASE("div", "\x31\xc9\xf7\xf1", SIGFPE, FPE_INTDIV, HERE, 2, 0)
    CASE("int3", "\xcc", SIGTRAP, SI_KERNEL, NOWHERE, 1, 3)
    CASE("int 3", "\xcd\x03", SIGTRAP, SI_KERNEL, NOWHERE, 2, 3)
    CASE("int 4", "\xcd\x04", SIGSEGV, SI_KERNEL, NOWHERE, 2, ANYTHING)
    CASE("int 0", "\xcd\x00", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 1", "\xcd\x01", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 2", "\xcd\x02", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 6", "\xcd\x06", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 8", "\xcd\x08", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 13", "\xcd\x0d", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 14", "\xcd\x0e", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 32", "\xcd\x20", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 0x81", "\xcd\x81", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 255", "\xcd\xff", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("int 255 behind a prefix", "\x66\xcd\xff", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("ud2", "\x0f\x0b", SIGILL, ILL_ILLOPN, HERE, 0, 6)
    CASE("ud0", "\x0f\xff\xc0", SIGILL, ILL_ILLOPN, HERE, 0, 6)
    CASE("into", "\xce", SIGILL, ILL_ILLOPN, HERE, 0, 6)
    CASE("push es", "\x06", SIGILL, ILL_ILLOPN, HERE, 0, 6)
    CASE("lock nop", "\xf0\x90", SIGILL, ILL_ILLOPN, HERE, 0, 6)
    CASE("mwait", "\x0f\x01\xc9", SIGILL, ILL_ILLOPN, HERE, 0, 6)
    CASE("monitor", "\x0f\x01\xc8", SIGILL, ILL_ILLOPN, HERE, 0, 6)
    CASE("rsm", "\x0f\xaa", SIGILL, ILL_ILLOPN, HERE, 0, 6)
    CASE("16 bytes", "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("hlt", "\xf4", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("cli", "\xfa", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("sti", "\xfb", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("in al, 0x60", "\xe4\x60", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("in eax, dx", "\xed", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("out 0x80, al", "\xe6\x80", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("out dx, eax", "\xef", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("outsb", "\x6e", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("rdmsr", "\x0f\x32", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("wrmsr", "\x0f\x30", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov rax, cr0", "\x0f\x20\xc0", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov cr0, rax", "\x0f\x22\xc0", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov rax, cr2", "\x0f\x20\xd0", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov rax, cr3", "\x0f\x20\xd8", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov cr3, rax", "\x0f\x22\xd8", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov cr4, rax", "\x0f\x22\xe0", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov cr8, rax", "\x44\x0f\x22\xc0", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov rax, dr7", "\x0f\x21\xf8", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov dr7, rax", "\x0f\x23\xf8", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("clts", "\x0f\x06", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("lmsw ax", "\x0f\x01\xf0", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("lgdt", "\x0f\x01\x14\x24", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("lidt", "\x0f\x01\x1c\x24", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("lldt ax", "\x0f\x00\xd0", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("ltr ax", "\x0f\x00\xd8", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("invlpg", "\x0f\x01\x3c\x24", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("invd", "\x0f\x08", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("wbinvd", "\x0f\x09", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("swapgs", "\x0f\x01\xf8", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("sysretq", "\x48\x0f\x07", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("xsetbv", "\x0f\x01\xd1", SIGSEGV, SI_KERNEL, NOWHERE, 0, 13)
    CASE("mov ds, 7", "\xb8\x07\x00\x00\x00\x8e\xd8", SIGSEGV, SI_KERNEL, NOWHERE, 5, 13)
    CASE("mov ss, 0x10", "\xb8\x10\x00\x00\x00\x8e\xd0", SIGSEGV, SI_KERNEL, NOWHERE, 5, 13)
    CASE("mov ds, 0x40", "\xb8\x40\x00\x00\x00\x8e\xd8", SIGSEGV, SI_KERNEL, NOWHERE, 5, 13)
#undef CASE
};

static void instructions(void) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    int before = failures;
    execute(table[i].code, table[i].length, 0, 0, 0);
    EQ(table[i].signo, seen.signo);
    EQ(table[i].si_code, seen.code);
    EQ(table[i].where == HERE ? (long)page + seen.rip : 0, seen.addr);
    EQ(table[i].rip, seen.rip);
    if (table[i].trap != ANYTHING) EQ(table[i].trap, seen.trap);
    if (failures != before) printf("    that was %s\n", table[i].name);
  }
}

/* What one processor does not know and another forbids, or a hypervisor answers: never more than a signal. */
static void strangers(void) {
  static const struct { const char *name, *code; } list[] = {
      {"vmcall", "\x0f\x01\xc1"}, {"vmmcall", "\x0f\x01\xd9"}, {"vmlaunch", "\x0f\x01\xc2"}, {"vmxoff", "\x0f\x01\xc4"},
      {"vmrun", "\x0f\x01\xd8"},  {"vmload", "\x0f\x01\xda"},  {"stgi", "\x0f\x01\xdc"},     {"clgi", "\x0f\x01\xdd"},
      {"skinit", "\x0f\x01\xde"}, {"getsec", "\x0f\x37"},      {"rdpmc", "\x0f\x33"},        {"encls", "\x0f\x01\xcf"}};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    int signo = execute(list[i].code, strlen(list[i].code), -1, 0, 0);
    int known = signo == 0 || (signo == SIGILL && seen.code == ILL_ILLOPN && seen.addr == (uintptr_t)page)
                || (signo == SIGSEGV && seen.code == SI_KERNEL && seen.addr == 0);
    CHECK(known);
    if (!known) printf("    that was %s: signal %d, code %d, address %lx\n", list[i].name, signo, seen.code, (long)seen.addr);
  }
}

/* 32-bit calls: a Linux without them answers with a fault, one with them does what is asked: here, times(NULL). */
static void old_calls(void) {
  int signo = execute("\xcd\x80", 2, 43, 0, 0);
  CHECK(signo == 0 || (signo == SIGSEGV && seen.code == SI_KERNEL && seen.addr == 0 && seen.rip == 0));
  /* sysenter comes back somewhere else, if at all. */
  pid_t p = OK(fork());
  if (p == 0) {
    signal(SIGSEGV, SIG_DFL);
    signal(SIGILL, SIG_DFL);
    execute("\x0f\x34", 2, 43, 0, 0);
    _exit(0);
  }
  int status = 0;
  EQ(p, waitpid(p, &status, 0));
  CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGILL));
}

#define LOAD "\x48\x8b\x08"      /* mov rcx, [rax] */
#define STORE "\x48\x89\x08"     /* mov [rax], rcx */
#define JUMP "\xff\xe0"          /* jmp rax */
#define ERROR_WRITE 2
#define ERROR_USER 4
#define ERROR_FETCH 16

static void fault_at(const char *code, uintptr_t addr, int si_code, long error) {
  int before = failures;
  EQ(SIGSEGV, execute(code, strlen(code), addr, 0, 0));
  EQ(si_code, seen.code);
  EQ(addr, seen.addr);
  EQ(addr, seen.cr2);
  EQ(14, seen.trap);
  /* Where nothing is mapped a tracer does not learn whether it was read or written. */
  long known = si_code == SEGV_MAPERR ? ~(1 | ERROR_WRITE) : ~1;
  EQ(error & known, seen.error & known);
  EQ(error & ERROR_FETCH ? (long)(addr - (uintptr_t)page) : 0, seen.rip);
  if (failures != before) printf("    that was at %lx\n", (long)addr);
}

/* The kernel's half, the last page below it, and what is mapped nowhere. */
static void addresses(void) {
  static const uintptr_t list[] = {
      0xffffffff80000000, 0xffffffff80000800, 0xffffffff80001000, 0xffffffff80002000, 0xffffffff80200000,
      0xffffffff80201ff8, 0xfffffffffffff000, 0xffff800000000000, 0xffff888000000000,
      0xffffff8000000000, 0xfffffffffffffff8, TASK_END,           0x10,               0};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    fault_at(LOAD, list[i], SEGV_MAPERR, ERROR_USER);
    fault_at(JUMP, list[i], SEGV_MAPERR, ERROR_USER | ERROR_FETCH);
    fault_at(STORE, list[i], SEGV_MAPERR, ERROR_USER | ERROR_WRITE);
  }
  /* A kernel's address faults as if something were there, whatever is. */
  execute(LOAD, 3, 0xffffffff80000000, 0, 0);
  EQ(ERROR_USER | 1, seen.error);
  execute(LOAD, 3, 0xffff900000000000, 0, 0);
  EQ(ERROR_USER | 1, seen.error);
  execute(LOAD, 3, 0x10, 0, 0);
  EQ(ERROR_USER, seen.error);
  /* Across the end. */
  EQ(SIGSEGV, execute(LOAD, 3, 0x7ffffffffffcL, 0, 0));
  /* Hints do not fault. */
  EQ(0, execute("\x0f\x18\x08", 3, 0xffffffff80000000, 0, 0));
  EQ(0, execute("\x0f\x18\x08", 3, 0x8000000000000000, 0, 0));
}

static void no_addresses(void) {
  static const uintptr_t list[] = {0x800000000000, 0x8000000000000000, 0xffff7ffffffffff8, 0x1234567812345678};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    int before = failures;
    EQ(SIGSEGV, execute(LOAD, 3, list[i], 0, 0));
    EQ(SI_KERNEL, seen.code);
    EQ(0, seen.addr);
    EQ(13, seen.trap);
    EQ(SIGSEGV, execute(STORE, 3, list[i], 0, 0));
    EQ(SI_KERNEL, seen.code);
    EQ(SIGSEGV, execute(JUMP, 2, list[i], 0, 0)); /* at the jump or at its target, as the processor has it */
    EQ(SI_KERNEL, seen.code);
    EQ(0, seen.addr);
    if (failures != before) printf("    that was at %lx\n", (long)list[i]);
  }
}

static void mapped(void) {
  char *p = (char *)OK(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(p, 0xc3, 4096);
  munmap(p + 8192, 4096);
  fault_at(JUMP, (uintptr_t)p, SEGV_ACCERR, ERROR_USER | ERROR_FETCH);
  fault_at(JUMP, (uintptr_t)p + 5000, SEGV_ACCERR, ERROR_USER | ERROR_FETCH); /* never touched */
  mprotect(p, 4096, PROT_READ);
  fault_at(STORE, (uintptr_t)p + 8, SEGV_ACCERR, ERROR_USER | ERROR_WRITE);
  mprotect(p, 4096, PROT_NONE);
  fault_at(LOAD, (uintptr_t)p + 8, SEGV_ACCERR, ERROR_USER);
  /* A store across a page's end faults in the second, an instruction's fetch where its second part would be. */
  execute(STORE, 3, (long)p + 8188, 0, 0);
  EQ(SIGSEGV, seen.signo);
  EQ((long)p + 8192, seen.addr);
  mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  memcpy(p + 8190, "\x48\x8b", 2);
  EQ(SIGSEGV, execute(JUMP, 2, (long)p + 8190, 0, 0));
  EQ((long)p + 8192, seen.addr);
  EQ(SEGV_MAPERR, seen.code);
  EQ((long)p + 8190, (long)page + seen.rip);
  munmap(p, 8192);
}

/* Functions at fixed addresses, for programs of old: they do what they say or are not there; they cannot be read. */
static void vsyscall(void) {
  time_t (*seconds)(time_t *) = (time_t(*)(time_t *))0xffffffffff600400;
  memset(&seen, 0, sizeof seen);
  if (sigsetjmp(back, 1) == 0) {
    time_t now = time(NULL), t = 0;
    time_t said = seconds(&t);
    CHECK(said >= now && said <= now + 2);
    EQ(said, t);
    unsigned cpu = 1 << 20;
    EQ(0, ((long (*)(unsigned *, unsigned *, void *))0xffffffffff600800)(&cpu, NULL, NULL));
    CHECK(cpu < 1 << 20);
    if (sigsetjmp(back, 1) == 0) {
      seconds(BAD);
      CHECK(!"a bad pointer is a fault");
    }
    EQ(SIGSEGV, seen.signo);
  } else {
    EQ(SEGV_MAPERR, seen.code);
  }
  fault_at(STORE, 0xffffffffff600000, SEGV_MAPERR, ERROR_USER | ERROR_WRITE);
}

int main(void) {
  catch_faults();
  instructions();
  strangers();
  old_calls();
  addresses();
  no_addresses();
  mapped();
  vsyscall();
  DONE();
}
