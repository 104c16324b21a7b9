package gvisor.sentry.mm;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Fuzz target: input bytes become operations on memory managers that fork each other and map a file, in a memory too
 * small for all of it. After each, what they keep must fit together, and what the platform maps must be in their books.
 */
public final class MemoryFuzz {
  private static final int PAGE = 4096;
  private static final long BASE = 0x10_0000_0000L;
  private static final int PAGES = 48;
  private static final long[] ODD = {
    0, 1, -1, -PAGE, Long.MIN_VALUE, Long.MIN_VALUE + PAGE, Long.MAX_VALUE, Long.MAX_VALUE & -PAGE, 1L << 47, PAGE
  };
  private static final int MAX_MANAGERS = 3;
  private static final int MAX_OPERATIONS = 400;

  private final byte[] input;
  private int at;
  private int filePages = 8;
  private final FakeMachine machine = new FakeMachine(2 << 20);
  private final List<MemoryManager> managers = new ArrayList<>();
  private final TestFile file;
  private final MemorySegment scratch = MemorySegment.ofArray(new byte[3 * PAGE]);

  private MemoryFuzz(byte[] input) throws ErrnoException {
    this.input = input;
    this.file = new TestFile(machine.pages, filePages);
    managers.add(machine.newMemory());
  }

  /** Runs one input. */
  public static void fuzzerTestOneInput(byte[] input) throws ErrnoException {
    MemoryFuzz fuzz = new MemoryFuzz(input);
    for (int i = 0; i < MAX_OPERATIONS && fuzz.at < input.length; i++) {
      fuzz.operate();
    }
  }

  private int next() {
    return at < input.length ? input[at++] & 0xff : 0;
  }

  private long address() {
    int n = next();
    return n >= 250 ? ODD[next() % ODD.length] : BASE + (long) (n % PAGES) * PAGE + (n >= 240 ? next() : 0);
  }

  private long length() {
    int n = next();
    return n < 200 ? (n % 12 + 1) * (long) PAGE : n < 230 ? n * 37L : n < 240 ? ODD[next() % ODD.length] : -n;
  }

  private void operate() throws ErrnoException {
    MemoryManager mm = managers.get(next() % managers.size());
    int operation = next() % 21;
    try {
      operate(mm, operation);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EIO) {
        throw e;
      }
    }
    for (MemoryManager m : managers) {
      check(m);
    }
  }

  private void operate(MemoryManager mm, int operation) throws ErrnoException {
    switch (operation) {
      case 0, 1 -> {
        int flags = next() % 3 == 0 ? MapFlags.MAP_SHARED : MapFlags.MAP_PRIVATE;
        int fixed = next() % 4 != 0 ? MapFlags.MAP_FIXED : 0;
        int grows = next() % 8 == 0 ? MapFlags.MAP_GROWSDOWN : 0;
        int prot = next() & 7;
        if (next() % 2 == 0) {
          file.acquire();
          mm.mappings().map(address() & -PAGE, length(), prot, flags | fixed, file, file, next() % 10 * PAGE, 7, false);
        } else {
          mm.mappings().map(address() & -PAGE, length(), prot,
              MapFlags.MAP_PRIVATE | fixed | grows | MapFlags.MAP_ANONYMOUS, null, null, 0, 7, false);
        }
      }
      case 2 -> mm.mappings().unmap(address(), length());
      case 3, 4 -> mm.mappings().protect(address(), length(), next() & 7);
      case 5, 6 -> mm.remapping().remap(address(), length(), length(), next() & 7, address(), true);
      case 7 -> mm.advice().advise(address(), length(), next() % 26);
      case 8 -> mm.advice().lock(address(), length(), next() % 2 == 0, true);
      case 9 -> mm.advice().unlock(address(), length());
      case 10 -> mm.copyIn(address() + next(), scratch, 0, next() * 40L);
      case 11, 12 -> mm.copyOut(address() + next(), scratch, 0, next() * 40L);
      case 13 -> mm.zeroOut(address() + next(), next() * 40L);
      case 14, 15 -> mm.handleFault(address() + next(), 1 << next() % 3);
      case 16 -> fork(mm);
      case 17 -> mm.mappings().brk(mm.layout().startBrk + length());
      case 18 -> {
        if (next() % 8 == 0 && filePages > 1) {
          file.truncate(--filePages);
        } else {
          mm.advice().sync(address(), length(), next() & 7);
        }
      }
      case 19 -> mm.advice().name(address(), length(), next() % 2 == 0 ? "n" : null);
      default -> {
        ForcedWrite.copyOut(mm, address(), scratch, 0, 1);
        mm.report(true);
      }
    }
  }

  private void fork(MemoryManager mm) throws ErrnoException {
    if (managers.size() == MAX_MANAGERS) {
      managers.remove(1).release();
    } else {
      mm.expectStore(address());
      managers.add(mm.fork(MmLimits.DEFAULT));
    }
  }

  private static void check(MemoryManager mm) throws ErrnoException {
    long end = 0;
    long total = 0;
    for (int i = 0; i < mm.vmas.size(); i++) {
      Vma v = mm.vmas.get(i);
      demand(v.start >= end && v.start < v.end && (v.start | v.end) % PAGE == 0, "vmas overlap or are empty");
      end = v.end;
      total += v.length();
    }
    demand(total == mm.books.total, "the books say " + mm.books.total + " and the vmas " + total);
    end = 0;
    for (int i = 0; i < mm.pmas.size(); i++) {
      Pma p = mm.pmas.get(i);
      demand(p.start >= end && p.start < p.end && (p.start | p.end | p.offset) % PAGE == 0, "pmas overlap or are empty");
      end = p.end;
      for (long at = p.start; at < p.end; at += PAGE) {
        Vma v = mm.vmas.find(at);
        demand(v != null, "a pma without a vma at " + Long.toHexString(at));
        demand(v.access() == p.access, "rights " + p.access + " of a pma in a vma with " + v.access());
        demand((p.mapped & ~p.access) == 0, "the platform has more rights than there are");
      }
    }
    FakeMachine.Space space = (FakeMachine.Space) mm.addressSpace();
    for (Map.Entry<Long, FakeMachine.Mapped> page : space.pages.entrySet()) {
      long at = page.getKey();
      Pma p = mm.pmas.find(at);
      demand(p != null && p.at(at) == page.getValue().offset(), "the platform maps what is gone at "
          + Long.toHexString(at));
      demand((page.getValue().access() & ~p.platformAccess()) == 0, "the platform lets more through than it may");
    }
  }

  private static void demand(boolean holds, String complaint) {
    if (!holds) {
      throw new IllegalStateException(complaint);
    }
  }
}
