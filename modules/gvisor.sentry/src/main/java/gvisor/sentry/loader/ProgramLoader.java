package gvisor.sentry.loader;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ELIBBAD;
import static gvisor.api.errno.Errno.ELOOP;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOEXEC;
import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Host;
import gvisor.api.platform.Platform;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.MapFlags;
import gvisor.sentry.mm.MemoryLayout;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.MmLimits;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Loads programs ({@code man 2 execve}). One a sandbox; any thread. */
public final class ProgramLoader {
  /** How much of a file says what it is. */
  private static final int HEAD = 256;

  /** Interpreters of interpreters that are followed. */
  private static final int MAX_SCRIPTS = 5;

  private static final int PAGE = MemoryManager.PAGE_SIZE;
  private static final int STACK_PROT = MapFlags.PROT_READ | MapFlags.PROT_WRITE;
  private static final int ALL = STACK_PROT | MapFlags.PROT_EXEC;
  /** What the stack has beyond its content from the start. */
  private static final long STACK_EXTRA = 128 << 10;

  // Bits of randomness as Linux has them for x86-64, in pages or bytes.
  private static final long MMAP_RANDOM_PAGES = 1L << 28;
  private static final long STACK_RANDOM_PAGES = 1L << 22;
  private static final long BRK_RANDOM_BYTES = 32 << 20;
  private static final long SHIFT_RANDOM_BYTES = 8192;
  private static final long MIN_GAP = 128 << 20;
  private static final int COMM_LENGTH = 15;

  private static final int AT_PHDR = 3;
  private static final int AT_PHENT = 4;
  private static final int AT_PHNUM = 5;
  private static final int AT_PAGESZ = 6;
  private static final int AT_BASE = 7;
  private static final int AT_FLAGS = 8;
  private static final int AT_ENTRY = 9;
  private static final int AT_UID = 11;
  private static final int AT_EUID = 12;
  private static final int AT_GID = 13;
  private static final int AT_EGID = 14;
  private static final int AT_PLATFORM = 15;
  private static final int AT_HWCAP = 16;
  private static final int AT_CLKTCK = 17;
  private static final int AT_SECURE = 23;
  private static final int AT_RANDOM = 25;
  private static final int AT_HWCAP2 = 26;
  private static final int AT_EXECFN = 31;
  private static final int AT_SYSINFO_EHDR = 33;
  private static final int AT_MINSIGSTKSZ = 51;

  /** CPUID.1:EDX of every x86-64 processor that this could run on: from the FPU to SSE2. */
  private static final long HWCAP = 0x178bfbff;

  private static final long TICKS_A_SECOND = 100;

  private final Platform platform;
  private final PageAllocator pages;
  private final Host host;
  private final Vdso vdso;

  /** @param vdso null for none: applications then ask the kernel for the time */
  public ProgramLoader(Platform platform, PageAllocator pages, Host host, Vdso vdso) {
    this.platform = platform;
    this.pages = pages;
    this.host = host;
    this.vdso = vdso;
  }

  /**
   * Loads a program into memory of its own.
   *
   * @throws ErrnoException ENOEXEC for what is neither ELF nor script; ENOENT, EACCES and so on for an interpreter;
   *     ELIBBAD for one that is no ELF file; ELOOP for scripts of scripts; E2BIG, ENOMEM, EIO, EINVAL. Nothing is left
   *     behind
   */
  public LoadedProgram load(LoadRequest request) throws ErrnoException {
    FileDescription file = request.file().acquire();
    try {
      String[] argv = request.argv();
      String path = request.path();
      for (int depth = 0; ; depth++) {
        String head = head(request.caller(), file);
        if (!Script.isScript(head)) {
          break;
        }
        if (request.pathVanishes() && depth == 0) {
          throw ENOENT.error();
        }
        if (depth == MAX_SCRIPTS) {
          throw ELOOP.error();
        }
        Script script = Script.parse(head, HEAD);
        argv = script.arguments(path, argv);
        path = script.interpreter();
        FileDescription next = request.opener().open(path);
        file.close();
        file = next;
      }
      Credentials creds = request.credentials().credentialsFor(file);
      return loadElf(request, file, argv, creds);
    } catch (ErrnoException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static String head(Caller caller, FileDescription file) throws ErrnoException {
    MemorySegment bytes = ElfFile.read(caller, file, 0, HEAD);
    return new String(bytes.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
  }

  private LoadedProgram loadElf(LoadRequest request, FileDescription file, String[] argv, Credentials creds)
      throws ErrnoException {
    Caller caller = request.caller();
    ElfFile elf = new ElfFile(caller, file);
    String interpreterPath = elf.interpreter();
    FileDescription interpreterFile = interpreterPath == null ? null : request.opener().open(interpreterPath);
    MemoryManager mm = new MemoryManager(platform, caller.pages(pages), host, request.limits());
    boolean done = false;
    try {
      ElfFile interpreter = interpreterFile == null ? null : interpreter(caller, interpreterFile);
      long top = layOut(mm, request);
      ElfImage image = new ElfImage(caller, mm, elf);
      if (!elf.isDynamic() || interpreter == null) {
        image.mapAnywhere();
      } else {
        image.mapAt(dynamicBase(mm, request.randomize()));
      }
      ElfImage loader = null;
      if (interpreter != null) {
        loader = new ElfImage(caller, mm, interpreter);
        loader.mapAnywhere();
      }
      fillLayout(mm, request, image, elf.isDynamic() && interpreter == null);
      if (vdso != null) {
        vdso.map(mm);
      }
      boolean secure = creds.uid() != creds.euid() || creds.gid() != creds.egid()
          || (creds.permitted() & ~caller.creds().permitted()) != 0 && creds.uid() != 0;
      long[] auxv = auxv(request, mm, elf, image, loader, creds, secure);
      long sp = stack(request, mm, argv, auxv, top, elf.wantsExecutableStack());
      mm.mapAhead();
      LoadedProgram program = new LoadedProgram(mm, loader == null ? image.entry() : loader.entry(), sp,
          comm(request.path()), file, creds, secure);
      done = true;
      return program;
    } finally {
      if (interpreterFile != null) {
        interpreterFile.close();
      }
      if (!done) {
        mm.release();
      }
    }
  }

  private static ElfFile interpreter(Caller caller, FileDescription file) throws ErrnoException {
    try {
      return new ElfFile(caller, file);
    } catch (ErrnoException e) {
      throw (e.errno() == ENOEXEC ? ELIBBAD : e.errno() == EACCES ? EACCES : EIO).error();
    }
  }

  /** Decides where the stack ends and where {@code mmap} starts; the end of the stack. */
  private long layOut(MemoryManager mm, LoadRequest request) {
    long max = platform.maxUserAddress();
    boolean random = request.randomize();
    long top = max - (random ? random(STACK_RANDOM_PAGES) * PAGE : 0);
    long limit = request.limits().limit(MmLimits.RLIMIT_STACK);
    long gap = limit < 0 ? max / 6 * 5 : limit;
    long pad = STACK_RANDOM_PAGES * PAGE + (1 << 20);
    if (gap + pad > gap) {
      gap += pad;
    }
    gap = Math.max(MIN_GAP, Math.min(gap, max / 6 * 5));
    mm.layout().mmapBase = max - gap - (random ? random(MMAP_RANDOM_PAGES) * PAGE : 0) & -PAGE;
    return top;
  }

  /**
   * Where a position independent program with an interpreter goes: far from everything, room for the heap behind it.
   */
  private long dynamicBase(MemoryManager mm, boolean random) {
    long base = (platform.maxUserAddress() / 3 * 2) & -PAGE;
    return base + (random ? random(MMAP_RANDOM_PAGES) * PAGE : 0);
  }

  private void fillLayout(MemoryManager mm, LoadRequest request, ElfImage image, boolean farBrk) {
    MemoryLayout l = mm.layout();
    l.startCode = image.startCode;
    l.endCode = image.endCode;
    l.startData = image.startData;
    l.endData = image.endData;
    long brk = image.end;
    if (farBrk) {
      // Such an image lies where mmap places things: its heap would have no room there.
      brk = dynamicBase(mm, request.randomize());
    }
    brk = brk + PAGE - 1 & -PAGE;
    if (request.randomize()) {
      brk += random(BRK_RANDOM_BYTES / PAGE) * PAGE;
    }
    l.startBrk = brk;
    l.brk = brk;
  }

  private long[] auxv(LoadRequest request, MemoryManager mm, ElfFile elf, ElfImage image, ElfImage loader,
      Credentials creds, boolean secure) throws ErrnoException {
    long[] a = new long[64];
    int n = 0;
    if (vdso != null) {
      n = add(a, n, AT_SYSINFO_EHDR, mm.layout().vdso);
    }
    if (request.minSignalStack() > 0) {
      n = add(a, n, AT_MINSIGSTKSZ, request.minSignalStack());
    }
    n = add(a, n, AT_HWCAP, HWCAP);
    n = add(a, n, AT_PAGESZ, PAGE);
    n = add(a, n, AT_CLKTCK, TICKS_A_SECOND);
    n = add(a, n, AT_PHDR, image.headersAddress());
    n = add(a, n, AT_PHENT, ElfFile.PHDR_SIZE);
    n = add(a, n, AT_PHNUM, elf.count());
    n = add(a, n, AT_BASE, loader == null ? 0 : loader.bias);
    n = add(a, n, AT_FLAGS, 0);
    n = add(a, n, AT_ENTRY, image.entry());
    n = add(a, n, AT_UID, creds.uid());
    n = add(a, n, AT_EUID, creds.euid());
    n = add(a, n, AT_GID, creds.gid());
    n = add(a, n, AT_EGID, creds.egid());
    n = add(a, n, AT_SECURE, secure ? 1 : 0);
    n = add(a, n, AT_RANDOM, 0);
    n = add(a, n, AT_HWCAP2, 0);
    n = add(a, n, AT_EXECFN, 0);
    n = add(a, n, AT_PLATFORM, 0);
    return Arrays.copyOf(a, n);
  }

  private static int add(long[] auxv, int at, int type, long value) {
    auxv[at] = type;
    auxv[at + 1] = value;
    return at + 2;
  }

  private long stack(LoadRequest request, MemoryManager mm, String[] argv, long[] auxv, long top, boolean executable)
      throws ErrnoException {
    // Linux gives a program without arguments one empty argument, because programs count on argv[0].
    String[] args = argv.length == 0 ? new String[] {""} : argv;
    InitialStack content = new InitialStack(args, request.envp(), request.path(), auxv);
    long shift = request.randomize() ? random(SHIFT_RANDOM_BYTES / 16) * 16 : 0;
    long needed = content.size() + shift + PAGE;
    long limit = request.limits().limit(MmLimits.RLIMIT_STACK);
    long size = needed + STACK_EXTRA;
    if (Long.compareUnsigned(size, limit) > 0) {
      size = Math.max(needed, limit);
    }
    size = size + PAGE - 1 & -PAGE;
    int prot = executable ? ALL : STACK_PROT;
    long start = mm.mappings().map(top - size, size, prot,
        MapFlags.MAP_PRIVATE | MapFlags.MAP_FIXED_NOREPLACE | MapFlags.MAP_GROWSDOWN | MapFlags.MAP_ANONYMOUS, null,
        null, 0, ALL, true);
    if (start != top - size) {
      throw ENOMEM.error();
    }
    MemorySegment random = MemorySegment.ofArray(new byte[16]);
    host.entropy().fill(random);
    return content.write(mm, top, shift, random);
  }

  private long random(long bound) {
    return (host.entropy().nextLong() >>> 1) % bound;
  }

  private static String comm(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    return name.length() <= COMM_LENGTH ? name : name.substring(0, COMM_LENGTH);
  }
}
