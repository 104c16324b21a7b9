/* SIGFPE and SIGBUS from the processor (man 2 sigaction, si_code): exceptions of arithmetic and alignment, once they are
 * unmasked, and those of the stack; and int1. An emulated processor may not have them. */
#include "faults.h"

/* Unmasked, each exception of SSE and of the x87 unit. */
static void arithmetic(void) {
  static const struct { unsigned mxcsr; double a, b; char op; int code; } sse[] = {
      {0x1f00, -1, 0, 'q', FPE_FLTINV}, /* sqrt */
      {0x1d80, 1, 0, '/', FPE_FLTDIV},
      {0x1b80, 1e308, 1e308, '*', FPE_FLTOVF},
      {0x1780, 1e-308, 1e-308, '*', FPE_FLTUND},
      {0x0f80, 1, 3, '/', FPE_FLTRES},
  };
  for (size_t i = 0; i < sizeof sse / sizeof *sse; i++) {
    int before = failures;
    struct { double a, b; unsigned mxcsr; } args = {sse[i].a, sse[i].b, sse[i].mxcsr};
    /* ldmxcsr [rdx+16]; movsd xmm0, [rdx]; op xmm0, [rdx+8] or sqrtsd xmm0, xmm0 */
    char code[] = "\x0f\xae\x52\x10\xf2\x0f\x10\x02\xf2\x0f\x5e\x42\x08";
    if (sse[i].op == '*') code[10] = 0x59;
    if (sse[i].op == 'q') memcpy(code + 8, "\xf2\x0f\x51\xc0\x90", 5);
    EQ(SIGFPE, execute(code, sizeof code - 1, 0, 0, (long)&args));
    EQ(sse[i].code, seen.code);
    EQ((long)page + 8, seen.addr);
    EQ(8, seen.rip);
    if (failures != before) printf("    that was SSE %c\n", sse[i].op);
  }
  /* fldcw [rdx]; fld1; fldz; fdivp; fwait */
  short cw = 0x37f & ~4;
  EQ(SIGFPE, execute("\xd9\x2a\xd9\xe8\xd9\xee\xde\xf9\x9b", 9, 0, 0, (long)&cw));
  EQ(FPE_FLTDIV, seen.code);
  EQ((long)page + 8, seen.addr);
  cw = 0x37f & ~1; /* fld1; fchs; fsqrt; fwait */
  EQ(SIGFPE, execute("\xd9\x2a\xd9\xe8\xd9\xe0\xd9\xfa\x9b", 9, 0, 0, (long)&cw));
  EQ(FPE_FLTINV, seen.code);
}

/* pushfq; or dword [rsp], AC; popfq; mov eax, [rsp+1]; with nothing misaligned on the way there. */
static void alignment(void) {
  EQ(SIGBUS, execute("\x9c\x81\x0c\x24\x00\x00\x04\x00\x9d\x8b\x44\x24\x01", 13, 0, 0, 0));
  EQ(BUS_ADRALN, seen.code);
  EQ(0, seen.addr);
  EQ(9, seen.rip);
  EQ(17, seen.trap);
}

/* An address that is none, by way of the stack: mov rbp, rax; mov rax, [rbp] */
static void stack(void) {
  EQ(SIGBUS, execute("\x48\x89\xc5\x48\x8b\x45\x00", 7, 0x8000000000000000, 0, 0));
  EQ(SI_KERNEL, seen.code);
  EQ(0, seen.addr);
  EQ(3, seen.rip);
  EQ(12, seen.trap);
}

/* Reported at the instruction or behind it, as the processor has it. */
static void int1(void) {
  EQ(SIGTRAP, execute("\xf1", 1, 0, 0, 0));
  EQ(TRAP_BRKPT, seen.code);
  EQ((long)page + seen.rip, seen.addr);
  EQ(1, seen.trap);
}

int main(void) {
  catch_faults();
  stack();
  int1();
  arithmetic();
  alignment();
  DONE();
}
