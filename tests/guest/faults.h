/* Runs pieces of machine code and says what signal they end with, and where. */
#ifndef FAULTS_H
#define FAULTS_H
#include "test.h"
#include <setjmp.h>
#include <ucontext.h>

#define AC 0x40000

/* A page for one piece of code: called as a function, at its start. */
static uint8_t *page;
static sigjmp_buf back;

static struct {
  int signo, code;
  uintptr_t addr;
  long rip; /* relative to the start of the code */
  long trap, error, cr2;
} seen;

static void handler(int signo, siginfo_t *si, void *context) {
  ucontext_t *uc = context;
  __asm__ volatile("pushfq\n andq %0, (%%rsp)\n popfq" : : "i"(~(long)AC) : "memory", "cc");
  seen.signo = signo;
  seen.code = si->si_code;
  seen.addr = (uintptr_t)si->si_addr;
  seen.rip = uc->uc_mcontext.gregs[REG_RIP] - (long)page;
  seen.trap = uc->uc_mcontext.gregs[REG_TRAPNO];
  seen.error = uc->uc_mcontext.gregs[REG_ERR];
  seen.cr2 = uc->uc_mcontext.gregs[REG_CR2];
  siglongjmp(back, 1);
}

/* Puts CODE and a return into the page and calls it with rax, rcx, rdx; 0 if it returned, else the signal. */
static int execute(const char *code, size_t length, long rax, long rcx, long rdx) {
  memcpy(page, code, length);
  page[length] = 0xc3;
  memset(&seen, 0, sizeof seen);
  if (sigsetjmp(back, 1) == 0) {
    __asm__ volatile("push %%rbp\n push %%rbx\n call *%3\n pop %%rbx\n pop %%rbp"
                     : "+a"(rax), "+c"(rcx), "+d"(rdx)
                     : "r"(page)
                     : "memory", "cc", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15");
    __asm__ volatile("cld");
  }
  /* Masks of exceptions as a new program has them. */
  unsigned mxcsr = 0x1f80;
  __asm__ volatile("fninit\n ldmxcsr %0" : : "m"(mxcsr));
  return seen.signo;
}

static void catch_faults(void) {
  page = (uint8_t *)OK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  for (int i = 0; i < 5; i++) sigaction((int[]){SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP}[i], &sa, NULL);
}

#endif
