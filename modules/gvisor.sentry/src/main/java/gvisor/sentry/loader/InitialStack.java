package gvisor.sentry.loader;

import static gvisor.api.errno.Errno.E2BIG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.MemoryLayout;
import gvisor.sentry.mm.MemoryManager;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * What a new program finds on its stack: {@code argc}, {@code argv}, {@code envp} and the auxiliary vector, and above
 * them the strings they point to (System V ABI for AMD64, "Initial Stack and Register State").
 */
final class InitialStack {
  private static final String PLATFORM = "x86_64";
  private static final int RANDOM_BYTES = 16;
  private static final int AT_RANDOM = 25;
  private static final int AT_EXECFN = 31;
  private static final int AT_PLATFORM = 15;

  private final String[] argv;
  private final String[] envp;
  private final String execfn;
  /** Pairs; those that point into the stack are filled in by {@link #write}. */
  private final long[] auxv;

  InitialStack(String[] argv, String[] envp, String execfn, long[] auxv) {
    this.argv = argv;
    this.envp = envp;
    this.execfn = execfn;
    this.auxv = auxv;
  }

  /** Upper bound of the bytes {@link #write} uses, but for what moves the stack pointer at random. */
  long size() {
    long strings = execfn.length() + 1L + PLATFORM.length() + 1 + RANDOM_BYTES + 64;
    for (String s : argv) {
      strings += s.length() + 1;
    }
    for (String s : envp) {
      strings += s.length() + 1;
    }
    return strings + 8L * (argv.length + envp.length + 3 + auxv.length + 2);
  }

  /**
   * Writes it all below {@code top} and enters where it is in the layout.
   *
   * @param shift bytes left free between strings and vectors, a multiple of 16
   * @return the stack pointer
   */
  long write(MemoryManager mm, long top, long shift, MemorySegment random) throws ErrnoException {
    long size = size() + shift;
    if (size > Integer.MAX_VALUE - 64) {
      throw E2BIG.error();
    }
    long low = top - size & -16;
    MemorySegment image = MemorySegment.ofArray(new byte[(int) (top - low)]);
    MemoryLayout l = mm.layout();

    long at = top - 8 - execfn.length() - 1;
    put(image, at - low, execfn);
    final long execfnAt = at;
    l.envEnd = at;
    at -= lengthOf(envp);
    l.envStart = at;
    l.argEnd = at;
    final long environment = at;
    at -= lengthOf(argv);
    l.argStart = at;
    final long arguments = at;
    at = (at & -16) - shift;
    at -= PLATFORM.length() + 1;
    put(image, at - low, PLATFORM);
    final long platformAt = at;
    at -= RANDOM_BYTES;
    MemorySegment.copy(random, 0, image, at - low, RANDOM_BYTES);
    final long randomAt = at;

    long words = 1 + argv.length + 1 + envp.length + 1 + auxv.length + 2;
    long sp = (at & -16) - (words * 8 + 15 & -16);
    long to = sp - low;
    image.set(JAVA_LONG_UNALIGNED, to, argv.length);
    to += 8;
    to = pointers(image, to, argv, arguments, low);
    to = pointers(image, to, envp, environment, low);
    for (int i = 0; i < auxv.length; i += 2) {
      long value = switch ((int) auxv[i]) {
        case AT_RANDOM -> randomAt;
        case AT_EXECFN -> execfnAt;
        case AT_PLATFORM -> platformAt;
        default -> auxv[i + 1];
      };
      auxv[i + 1] = value;
      image.set(JAVA_LONG_UNALIGNED, to, auxv[i]);
      image.set(JAVA_LONG_UNALIGNED, to + 8, value);
      to += 16;
    }
    l.auxv = auxv;
    l.startStack = sp;
    mm.copyOut(sp, image, sp - low, top - sp);
    return sp;
  }

  /** Writes strings and the null-terminated array of their addresses; where the array ends. */
  private static long pointers(MemorySegment image, long to, String[] strings, long addr, long low) {
    long slot = to;
    long at = addr;
    for (String s : strings) {
      put(image, at - low, s);
      image.set(JAVA_LONG_UNALIGNED, slot, at);
      slot += 8;
      at += s.length() + 1;
    }
    return slot + 8;
  }

  private static void put(MemorySegment image, long offset, String s) {
    byte[] bytes = s.getBytes(StandardCharsets.ISO_8859_1);
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, image, offset, bytes.length);
  }

  private static long lengthOf(String[] strings) {
    long sum = 0;
    for (String s : strings) {
      sum += s.length() + 1;
    }
    return sum;
  }
}
