/* What KVM takes at least for a system call: a machine whose only program calls one in ring 3, over and over, and a host
 * loop that does nothing but put it back there. The kvm platform's getppid is measured against this. Prints a line as
 * micro.c does; exits with 77 where there is no KVM. Layouts: AMD APM volume 2, 4.8, 5.3, 8.2, 12.2.5. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, MEMORY = 2 << 20, ROUNDS = 20, TRIPS = 1000, RESULT_SKIPPED = 77 };

/* Guest-physical, and guest-virtual, pages. */
enum { PML4 = 0, PDPT = 0x1000, PD = 0x2000, PT = 0x3000, GDT = 0x4000, IDT = 0x5000, TSS = 0x6000, STACK = 0x7000,
       ENTRY = 0x8000, HANDLER = 0x8010, CODE = 0x9000 };

enum { KERNEL_CS = 0x10, USER_SS = 0x2b, USER_CS = 0x33, TASK_STATE = 0x40 };
enum { MSR_STAR = 0xc0000081u, MSR_LSTAR = 0xc0000082u, MSR_SFMASK = 0xc0000084u };

static uint8_t *memory;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void put(long at, uint64_t value) { memcpy(memory + at, &value, sizeof value); }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void fill_memory(void) {
  put(PML4, PDPT | 7);
  put(PDPT, PD | 7);
  put(PD, PT | 7);
  for (long page = 0; page < MEMORY; page += PAGE) put(PT + page / PAGE * 8, page | 3 | (page == CODE ? 4 : 0));
  put(GDT + KERNEL_CS, 0x00af9b000000ffff);
  put(GDT + KERNEL_CS + 8, 0x00cf93000000ffff);
  put(GDT + (USER_SS & ~7), 0x00cff3000000ffff);
  put(GDT + (USER_CS & ~7), 0x00affb000000ffff);
  for (int vector = 0; vector < 256; vector++) put(IDT + vector * 16, HANDLER | KERNEL_CS << 16 | 0x8eULL << 40);
  put(TSS + 4, STACK + PAGE);
  memory[ENTRY] = memory[HANDLER] = 0xf4;                                           /* hlt */
  memcpy(memory + CODE, "\xb8\x6e\x00\x00\x00\x0f\x05\xeb\xf7", 9); /* again: mov eax, 110; syscall; jmp again */
}

static struct kvm_segment segment(int selector, int type, int code) {
  return (struct kvm_segment){.limit = ~0u, .selector = selector, .type = type, .present = 1, .dpl = 3, .db = !code,
                              .s = 1, .l = code, .g = 1};
}

int main(void) {
  int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm < 0) return RESULT_SKIPPED;
  int vm = ioctl(kvm, KVM_CREATE_VM, 0);
  if (vm < 0) die("KVM_CREATE_VM");
  memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  fill_memory();
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY, .userspace_addr = (uintptr_t)memory};
  if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) != 0) die("KVM_SET_USER_MEMORY_REGION");
  int cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  if (cpu < 0) die("KVM_CREATE_VCPU");
  struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 entries[256]; } *id = calloc(1, sizeof *id);
  id->head.nent = 256;
  if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, id) != 0 || ioctl(cpu, KVM_SET_CPUID2, id) != 0) die("cpuid");
  struct kvm_run *run =
      mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
  if (run == MAP_FAILED) die("mmap of the processor");

  struct kvm_sregs user;
  if (ioctl(cpu, KVM_GET_SREGS, &user) != 0) die("KVM_GET_SREGS");
  user.cs = segment(USER_CS, 11, 1);
  user.ss = segment(USER_SS, 3, 0);
  user.ds = user.es = user.fs = user.gs = segment(0, 3, 0);
  user.tr = (struct kvm_segment){.base = TSS, .limit = 103, .selector = TASK_STATE, .type = 11, .present = 1};
  user.gdt = (struct kvm_dtable){.base = GDT, .limit = 7 * 8 - 1};
  user.idt = (struct kvm_dtable){.base = IDT, .limit = 256 * 16 - 1};
  user.cr0 = 0x80050033; /* PE, MP, ET, NE, WP, AM, PG */
  user.cr3 = PML4;
  user.cr4 = 0x620;   /* PAE, OSFXSR, OSXMMEXCPT */
  user.efer = 0xd01;  /* SCE, LME, LMA, NXE */
  if (ioctl(cpu, KVM_SET_SREGS, &user) != 0) die("KVM_SET_SREGS");
  struct { struct kvm_msrs head; struct kvm_msr_entry entries[3]; } msrs = {
      {3, 0}, {{MSR_STAR, 0, 0x23ULL << 48 | (uint64_t)KERNEL_CS << 32}, {MSR_LSTAR, 0, ENTRY}, {MSR_SFMASK, 0, 0x57700}}};
  if (ioctl(cpu, KVM_SET_MSRS, &msrs) != 3) die("KVM_SET_MSRS");

  run->s.regs.regs = (struct kvm_regs){.rip = CODE, .rflags = 0x202};
  run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
  double best = 1e18;
  for (int round = 0; round < ROUNDS; round++) {
    double start = now();
    for (int i = 0; i < TRIPS; i++) {
      run->s.regs.sregs = user;
      run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
      if (ioctl(cpu, KVM_RUN, 0) != 0) die("KVM_RUN");
      struct kvm_regs *regs = &run->s.regs.regs;
      /* However the call got there, rcx and r11 say where from. */
      if (run->exit_reason != KVM_EXIT_HLT || regs->rcx != CODE + 7) {
        fprintf(stderr, "kvmrun: exit %u at 0x%llx instead of a system call\n", run->exit_reason, regs->rip);
        return 1;
      }
      regs->rip = regs->rcx;
      regs->rflags = regs->r11;
    }
    double each = (now() - start) / TRIPS;
    if (each < best) best = each;
  }
  printf("KVM_RUN and back, C\t%.1f\n", best);
  return 0;
}
