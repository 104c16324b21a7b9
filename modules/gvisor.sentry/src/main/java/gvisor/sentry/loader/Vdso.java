package gvisor.sentry.loader;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.MapFlags;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.mm.MappedFile;
import gvisor.sentry.mm.MappingSpace;
import gvisor.sentry.mm.MemoryLayout;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.PageAllocator;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;

/**
 * The vDSO ({@code man 7 vdso}): a page of clock data and, behind it, the shared object that reads it, in one piece of
 * the memory file that every process maps. Built from vdso.c. Immutable but for the clock data.
 */
public final class Vdso implements Mappable, MappedFile {
  private static final int PAGE = PageAllocator.PAGE_SIZE;
  private static final String IMAGE = "vdso.so";
  private static final String SIGRETURN = "__kernel_rt_sigreturn";

  private static final int PT_DYNAMIC = 2;
  private static final int DT_HASH = 4;
  private static final int DT_STRTAB = 5;
  private static final int DT_SYMTAB = 6;

  private final PageAllocator pages;
  private final MappingSpace space = new MappingSpace();
  private final long offset;
  private final long imageBytes;
  private final long sigreturn;

  /** Loads the image into memory of its own, which lives as long as the sandbox, and has the clock feed it. */
  public Vdso(PageAllocator pages, VdsoClock clock, int processors) throws IOException {
    byte[] image;
    try (InputStream in = Vdso.class.getResourceAsStream(IMAGE)) {
      if (in == null) {
        throw new IOException("the vDSO is missing in this build");
      }
      image = in.readAllBytes();
    }
    this.pages = pages;
    this.imageBytes = image.length + PAGE - 1 & -PAGE;
    try {
      this.offset = pages.allocate(PAGE + imageBytes, PAGE);
    } catch (ErrnoException e) {
      throw new IOException("no memory for the vDSO");
    }
    MemorySegment.copy(MemorySegment.ofArray(image), 0, pages.memory(), offset + PAGE, image.length);
    this.sigreturn = symbol(MemorySegment.ofArray(image), SIGRETURN);
    clock.attach(new ClockPage(pages.memory().asSlice(offset, PAGE), processors));
  }

  /** Maps it where there is room and enters where it is. */
  void map(MemoryManager mm) throws ErrnoException {
    long at = mm.mappings().findPlace(PAGE + imageBytes);
    mm.mappings().mapSpecial(at, PAGE, MapFlags.PROT_READ, true, this, this, 0, "[vvar]");
    mm.mappings().mapSpecial(at + PAGE, imageBytes, MapFlags.PROT_READ | MapFlags.PROT_EXEC, false, this, this, PAGE,
        "[vdso]");
    MemoryLayout l = mm.layout();
    l.vdso = at + PAGE;
    l.sigreturn = at + PAGE + sigreturn;
  }

  /** The value of a dynamic symbol of an image that this project built. */
  private static long symbol(MemorySegment image, String name) {
    long dynamic = 0;
    int headers = image.get(JAVA_SHORT_UNALIGNED, 56);
    for (int i = 0; i < headers; i++) {
      long at = image.get(JAVA_LONG_UNALIGNED, 32) + (long) i * ElfFile.PHDR_SIZE;
      if (image.get(JAVA_INT_UNALIGNED, at) == PT_DYNAMIC) {
        dynamic = image.get(JAVA_LONG_UNALIGNED, at + 8);
      }
    }
    long hash = 0;
    long strings = 0;
    long symbols = 0;
    for (long at = dynamic; image.get(JAVA_LONG_UNALIGNED, at) != 0; at += 16) {
      long value = image.get(JAVA_LONG_UNALIGNED, at + 8);
      switch ((int) image.get(JAVA_LONG_UNALIGNED, at)) {
        case DT_HASH -> hash = value;
        case DT_STRTAB -> strings = value;
        case DT_SYMTAB -> symbols = value;
        default -> {}
      }
    }
    int count = image.get(JAVA_INT_UNALIGNED, hash + 4);
    for (int i = 0; i < count; i++) {
      long at = symbols + i * 24L;
      if (image.getString(strings + image.get(JAVA_INT_UNALIGNED, at)).equals(name)) {
        return image.get(JAVA_LONG_UNALIGNED, at + 8);
      }
    }
    throw new IllegalStateException("the vDSO has no " + name);
  }

  @Override
  public long pages(long fileOffset, int maxPages, boolean write, int[] run) {
    long bytes = PAGE + imageBytes - fileOffset;
    if (bytes <= 0) {
      return BEYOND_END;
    }
    run[0] = (int) Math.min(maxPages, bytes / PAGE);
    pages.acquire(offset + fileOffset, (long) run[0] * PAGE);
    return offset + fileOffset;
  }

  @Override
  public MappingSpace mappingSpace() {
    return space;
  }

  @Override
  public void acquire() {}

  @Override
  public void release() {}

  @Override
  public boolean isSame(MappedFile other) {
    return other == this;
  }

  @Override
  public String displayName() {
    return "[vdso]";
  }

  @Override
  public long dev() {
    return 0;
  }

  @Override
  public long ino() {
    return 0;
  }
}
