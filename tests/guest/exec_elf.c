/* What execve makes of files: man 2 execve, man 5 elf. Builds its own executables. */
#include "test.h"

#include <elf.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

extern char **environ;
static char self[256];

static void put(const char *name, const void *data, size_t length, int mode) {
  unlink(name);
  int fd = OK(open(name, O_CREAT | O_WRONLY | O_TRUNC, mode));
  EQ(length, write(fd, data, length));
  OK(close(fd));
}

/* The errno execve gives, or 1000 + exit code, or 2000 + signal. */
static int run(const char *path, char *const argv[]) {
  int tube[2];
  OK(pipe2(tube, O_CLOEXEC));
  pid_t child = OK(fork());
  if (child == 0) {
    execve(path, argv, environ);
    int e = errno;
    if (write(tube[1], &e, sizeof e) != sizeof e) {
      _exit(111);
    }
    _exit(112);
  }
  close(tube[1]);
  int e = 0;
  ssize_t n = read(tube[0], &e, sizeof e);
  close(tube[0]);
  int status;
  EQ(child, waitpid(child, &status, 0));
  if (n == sizeof e) {
    return e;
  }
  return WIFEXITED(status) ? 1000 + WEXITSTATUS(status) : 2000 + WTERMSIG(status);
}

static int run1(const char *path) { return run(path, (char *[]){(char *)path, NULL}); }

struct tiny {
  Elf64_Ehdr eh;
  Elf64_Phdr ph[2];
  unsigned char code[48];
};

/* exit(byte at BYTE_ADDR + 1 page beyond the file's end == 0 ? 42 : 43), or simply exit(42) */
static struct tiny tiny(void) {
  struct tiny t = {
      .eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
             .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1,
             .e_entry = 0x400000 + offsetof(struct tiny, code), .e_phoff = offsetof(struct tiny, ph),
             .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1},
      .ph = {{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000, .p_filesz = sizeof(struct tiny),
              .p_memsz = sizeof(struct tiny), .p_align = 4096}},
      .code = {0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05}};
  return t;
}

static int run_tiny(struct tiny t) {
  put("tiny", &t, sizeof t, 0755);
  return run1("./tiny");
}

static void images(void) {
  struct tiny t = tiny();
  EQ(1042, run_tiny(t));
  t.eh.e_type = ET_DYN;
  EQ(1042, run_tiny(t));
  t.ph[0].p_vaddr = 0;
  t.eh.e_entry = offsetof(struct tiny, code);
  EQ(1042, run_tiny(t));
  t.ph[0].p_align = 2 << 20;
  EQ(1042, run_tiny(t));
  t.ph[0].p_memsz = 64 << 20; /* bss, never touched */
  t.ph[0].p_flags |= PF_W;
  EQ(1042, run_tiny(t));

  t = tiny();
  t.eh.e_ident[0] = 'x';
  EQ(ENOEXEC, run_tiny(t));
  t = tiny();
  t.eh.e_machine = EM_AARCH64;
  EQ(ENOEXEC, run_tiny(t));
  t = tiny();
  t.eh.e_type = ET_REL;
  EQ(ENOEXEC, run_tiny(t));
  t = tiny();
  t.eh.e_phentsize = 57;
  EQ(ENOEXEC, run_tiny(t));
  t = tiny();
  t.eh.e_phnum = 0;
  EQ(ENOEXEC, run_tiny(t));
  t = tiny();
  t.eh.e_phnum = 65000;
  EQ(ENOEXEC, run_tiny(t));
  t = tiny();
  t.eh.e_phoff = 1 << 20; /* behind the end */
  CHECK(run_tiny(t) < 1000);
  t = tiny();
  t.eh.e_phoff = -8ul;
  CHECK(run_tiny(t) < 1000);

  /* Linux finds these after the point of no return and kills; an errno is as good. */
  t = tiny();
  t.ph[0].p_filesz = t.ph[0].p_memsz + 1;
  CHECK(run_tiny(t) != 1042);
  t = tiny();
  t.ph[0].p_memsz = -1ul;
  CHECK(run_tiny(t) != 1042);
  t = tiny();
  t.ph[0].p_vaddr = 0x7ffffffff000;
  t.ph[0].p_memsz = 1 << 20;
  CHECK(run_tiny(t) != 1042);
  t = tiny();
  t.ph[0].p_vaddr += 16; /* does not agree with the offset */
  t.eh.e_entry += 16;
  CHECK(run_tiny(t) != 1042);
  t = tiny();
  t.eh.e_entry = 0x10000000;
  EQ(2000 + SIGSEGV, run_tiny(t));

  put("short", "\177ELF", 4, 0755);
  EQ(ENOEXEC, run1("./short"));
  put("empty", "", 0, 0755);
  EQ(ENOEXEC, run1("./empty"));
  put("text", "hello\n", 6, 0755);
  EQ(ENOEXEC, run1("./text"));
}

static void interpreters(void) {
  struct tiny t = tiny();
  t.eh.e_phnum = 2;
  t.ph[1] = t.ph[0];
  t.ph[0] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = offsetof(struct tiny, code) + 16, .p_filesz = 9};
  memcpy(t.code + 16, "./nobody", 9);
  EQ(ENOENT, run_tiny(t));
  memcpy(t.code + 16, "./loader", 9);
  struct tiny loader = tiny();
  loader.eh.e_type = ET_DYN;
  loader.code[1] = 77;
  put("loader", &loader, sizeof loader, 0755);
  EQ(1077, run_tiny(t));
  put("loader", &loader, sizeof loader, 0644);
  EQ(EACCES, run_tiny(t));
  put("loader", "not an ELF file, but long enough to be read as the header of one .....", 70, 0755);
  EQ(ELIBBAD, run_tiny(t));
  t.code[16 + 8] = 'x'; /* no NUL */
  EQ(ENOEXEC, run_tiny(t));
  t.ph[0].p_filesz = 1;
  EQ(ENOEXEC, run_tiny(t));
}

static void scripts(void) {
  char s[600];
  snprintf(s, sizeof s, "#! %s  args one two \t\nbody\n", self);
  put("script", s, strlen(s), 0755);
  EQ(1003, run("./script", (char *[]){"script", "A", "B", NULL})); /* see main */
  put("script", "#!/no/such/interpreter\n", 23, 0755);
  EQ(ENOENT, run1("./script"));
  put("script", "#!\n", 3, 0755);
  EQ(ENOEXEC, run1("./script"));
  put("script", "#!   \t \n", 8, 0755);
  EQ(ENOEXEC, run1("./script"));
  put("script", s, strlen(s), 0644);
  EQ(EACCES, run1("./script"));
  put("script", "#!./script", 10, 0755);
  EQ(ELOOP, run1("./script"));
  memset(s, 'x', 300);
  memcpy(s, "#!/", 3);
  put("script", s, 300, 0755);
  EQ(ENOEXEC, run1("./script"));
  /* a chain of four, without a newline at the end */
  snprintf(s, sizeof s, "#!%s count", self);
  put("s1", s, strlen(s), 0755);
  put("s2", "#!./s1", 6, 0755);
  put("s3", "#!./s2\n", 7, 0755);
  put("s4", "#!./s3\n", 7, 0755);
  EQ(1000 + 6, run1("./s4"));
}

static void paths(void) {
  EQ(ENOENT, run1("./missing"));
  EQ(ENOENT, run1(""));
  EQ(EACCES, run1("/tmp"));
  EQ(ENOTDIR, run1("/dev/null/x"));
  EQ(EACCES, run1("/dev/null"));
  FAILS(EFAULT, syscall(SYS_execve, BAD, (char *[]){"x", NULL}, environ));
  FAILS(EFAULT, syscall(SYS_execve, self, BAD, environ));
  FAILS(EFAULT, syscall(SYS_execve, self, (char *[]){BAD, NULL}, environ));
  FAILS(EFAULT, syscall(SYS_execve, self, (char *[]){"x", NULL}, (char **)BAD));
}

static void sizes(void) {
  size_t longest = 32 * 4096;
  char *s = malloc(longest + 1);
  memset(s, 'a', longest);
  s[longest] = 0;
  EQ(E2BIG, run(self, (char *[]){"x", "length", s, NULL}));
  s[longest - 1] = 0;
  EQ(1042, run(self, (char *[]){"x", "length", s, NULL}));
  char *many[100];
  for (int i = 0; i < 99; i++) {
    many[i] = s;
  }
  many[99] = NULL;
  EQ(E2BIG, run(self, many)); /* 13 MB */
  EQ(1000 + 99, run(self, (char *[]){"x", "count", [2 ... 98] = "y", NULL}));
}

static void new_image(void) {
  EQ(1042, run(self, (char *[]){"x", "auxv", NULL}));
}

static int check_auxv(char **argv) {
  EQ(4096, getauxval(AT_PAGESZ));
  EQ(100, getauxval(AT_CLKTCK));
  EQ(getuid(), getauxval(AT_UID));
  EQ(geteuid(), getauxval(AT_EUID));
  EQ(getgid(), getauxval(AT_GID));
  EQ(getegid(), getauxval(AT_EGID));
  EQ(0, getauxval(AT_SECURE));
  EQ(sizeof(Elf64_Phdr), getauxval(AT_PHENT));
  EQ(0, strcmp("x86_64", (char *)getauxval(AT_PLATFORM)));
  EQ(0, strcmp(self, (char *)getauxval(AT_EXECFN)));
  CHECK(getauxval(AT_RANDOM) != 0);
  extern char _start[];
  CHECK(getauxval(AT_ENTRY) == (unsigned long)_start);
  Elf64_Phdr *ph = (void *)getauxval(AT_PHDR);
  int loads = 0;
  for (unsigned i = 0; i < getauxval(AT_PHNUM); i++) {
    loads += ph[i].p_type == PT_LOAD;
  }
  CHECK(loads >= 1);
  char comm[16] = "";
  OK(prctl(PR_GET_NAME, comm));
  char *slash = strrchr(self, '/');
  CHECK(strncmp(comm, slash + 1, 15) == 0);
  uintptr_t words = (uintptr_t)(argv - 1);
  EQ(0, words % 16); /* the stack pointer pointed to argc */
  return failures ? 1 : 42;
}

int main(int argc, char **argv) {
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n < 0) {
    SKIP("no /proc");
  }
  if (argc > 1 && strcmp(argv[1], "args one two") == 0) {
    /* as a script's interpreter: self, "args one two", "./script", "A", "B" */
    return argc == 5 && strcmp(argv[2], "./script") == 0 && strcmp(argv[3], "A") == 0 && strcmp(argv[4], "B") == 0 ? 3
                                                                                                                    : 4;
  }
  if (argc > 1 && strcmp(argv[1], "count") == 0) {
    return argc;
  }
  if (argc > 1 && strcmp(argv[1], "length") == 0) {
    return strlen(argv[2]) == 32 * 4096 - 1 ? 42 : 43;
  }
  if (argc > 1 && strcmp(argv[1], "auxv") == 0) {
    return check_auxv(argv);
  }
  char dir[] = "/tmp/exec-XXXXXX";
  CHECK(mkdtemp(dir) != NULL);
  OK(chdir(dir));
  images();
  interpreters();
  scripts();
  paths();
  sizes();
  new_image();
  OK(chdir("/"));
  char command[64];
  snprintf(command, sizeof command, "%s", dir);
  const char *names[] = {"tiny", "loader", "script", "s1", "s2", "s3", "s4", "short", "empty", "text"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", command, names[i]);
    unlink(path);
  }
  rmdir(dir);
  DONE();
}
