package gvisor.sentry.mm;

import java.util.ArrayList;
import java.util.List;

/**
 * What {@code /proc/[pid]/maps}, {@code smaps}, {@code statm} and {@code status} tell of a memory manager, at one
 * moment. Sizes in bytes.
 *
 * @param totalBytes all that is mapped
 * @param residentBytes committed memory behind it
 */
public record MemoryReport(List<Area> areas, long totalBytes, long peakTotalBytes, long residentBytes,
    long peakResidentBytes, long residentFileBytes, long residentSharedBytes, long dataBytes, long stackBytes,
    long codeBytes, long lockedBytes) {

  /**
   * One mapping.
   *
   * @param prot PROT_* bits
   * @param name path or pseudo path, may be empty
   * @param policy as {@link NumaPolicy} has it
   * @param flags the two-letter flags of {@code smaps}' VmFlags line
   */
  public record Area(long start, long end, int prot, boolean shared, long offset, long dev, long ino, String name,
      long residentBytes, long privateBytes, long sharedBytes, boolean locked, int policy, String flags) {}

  private static final int PAGE = MemoryManager.PAGE_SIZE;

  /** The caller holds the lock of {@code mm}. */
  static MemoryReport of(MemoryManager mm, boolean withResidency) {
    List<Area> areas = new ArrayList<>(mm.vmas.size());
    long resident = 0;
    long residentFile = 0;
    long residentShared = 0;
    long code = 0;
    long[] sums = new long[2];
    for (int i = 0; i < mm.vmas.size(); i++) {
      Vma v = mm.vmas.get(i);
      sums[0] = 0;
      sums[1] = 0;
      if (withResidency) {
        count(mm, v, sums);
      }
      long bytes = sums[0] + sums[1];
      resident += bytes;
      if (v.isShared() && v.mappable instanceof SharedAnonymous) {
        residentShared += bytes;
      } else if (v.file != null) {
        residentFile += bytes;
      }
      if ((v.prot & MapFlags.PROT_EXEC) != 0 && v.file != null) {
        code += v.length();
      }
      boolean named = v.file != null && !v.is(Vma.SPECIAL);
      areas.add(new Area(v.start, v.end, v.prot, v.isShared(), named ? v.offset : 0, named ? v.file.dev() : 0,
          named ? v.file.ino() : 0, nameOf(mm, v), bytes, sums[0], sums[1], v.is(Vma.LOCKED),
          v.flags >>> Vma.POLICY_SHIFT & Vma.POLICY, flagsOf(v)));
    }
    MemoryBooks b = mm.books;
    if (withResidency && resident > b.peakResident) {
      // Only a display value: readers that race store one of two true values.
      b.peakResident = resident;
    }
    return new MemoryReport(areas, b.total, b.peakTotal, resident, Math.max(b.peakResident, resident), residentFile,
        residentShared, b.data, b.stack, code, b.locked);
  }

  /** Committed bytes of {@code v}: {@code sums[0]} those with one reference, {@code sums[1]} the others. */
  private static void count(MemoryManager mm, Vma v, long[] sums) {
    for (int i = mm.pmas.firstEndingAbove(v.start); i < mm.pmas.size() && mm.pmas.get(i).start < v.end; i++) {
      Pma p = mm.pmas.get(i);
      long at = p.at(Math.max(p.start, v.start));
      long to = p.at(Math.min(p.end, v.end));
      sums[p.owned && !p.ofFile ? 0 : 1] += mm.pages.committed(at, to - at, Integer.MAX_VALUE);
    }
  }

  private static String nameOf(MemoryManager mm, Vma v) {
    if (v.name != null) {
      return v.name;
    }
    if (v.file != null) {
      return v.file.displayName();
    }
    MemoryLayout l = mm.layout;
    if (v.start < l.brk && v.end > l.startBrk) {
      return "[heap]";
    }
    return v.contains(l.startStack) ? "[stack]" : "";
  }

  private static String flagsOf(Vma v) {
    StringBuilder s = new StringBuilder(32);
    append(s, v.prot & 1, "rd");
    append(s, v.prot & 2, "wr");
    append(s, v.prot & 4, "ex");
    append(s, v.flags & Vma.SHARED, "sh");
    append(s, v.mayHave(1) ? 1 : 0, "mr");
    append(s, v.mayHave(2) ? 1 : 0, "mw");
    append(s, v.mayHave(4) ? 1 : 0, "me");
    append(s, v.flags & Vma.GROWSDOWN, "gd");
    append(s, v.flags & Vma.LOCKED, "lo");
    append(s, v.flags & Vma.DONTFORK, "dc");
    append(s, v.flags & Vma.SPECIAL, "de");
    append(s, v.flags & Vma.NORESERVE, "nr");
    append(s, v.flags & Vma.WIPEONFORK, "wf");
    append(s, v.flags & Vma.DONTDUMP, "dd");
    return s.toString();
  }

  private static void append(StringBuilder s, int condition, String flag) {
    if (condition != 0) {
      if (!s.isEmpty()) {
        s.append(' ');
      }
      s.append(flag);
    }
  }
}
