package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EINVAL;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.MemoryLayout;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.MemoryReport;
import gvisor.sentry.mm.NumaPolicy;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceNumbers;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Files about the memory of a process. Without memory, as a zombie is, they are empty. */
final class TaskMemory {
  /** Most that is shown of the arguments and of the environment: as much as exec lets in. */
  private static final int MAX_TEXT = 2 << 20;

  private static final int PAGE = MemoryManager.PAGE_SIZE;

  private static final int CLEAR_REFS_ALL = 1;
  private static final int CLEAR_REFS_MM_HIWATER_RSS = 5;

  private final TaskRef target;

  TaskMemory(TaskRef target) {
    this.target = target;
  }

  void auxv(Caller caller, StringBuilder out) throws ErrnoException {
    MemoryManager mm = target.acquireMm();
    if (mm == null) {
      return;
    }
    long[] words;
    try {
      words = mm.layout().auxv.clone();
    } finally {
      mm.release();
    }
    // The pair of zeros that ends the vector is shown, too.
    boolean ended = words.length >= 2 && words[words.length - 2] == 0;
    byte[] bytes = new byte[(words.length + (ended ? 0 : 2)) * 8];
    MemorySegment s = MemorySegment.ofArray(bytes);
    for (int i = 0; i < words.length; i++) {
      s.set(JAVA_LONG_UNALIGNED, i * 8L, words[i]);
    }
    out.append(new String(bytes, StandardCharsets.ISO_8859_1));
  }

  void cmdline(Caller caller, StringBuilder out) throws ErrnoException {
    MemoryManager mm = target.acquireMm();
    if (mm == null) {
      return;
    }
    try {
      MemoryLayout l = mm.layout();
      String args = text(mm, l.argStart, l.argEnd);
      out.append(args);
      if (!args.isEmpty() && args.charAt(args.length() - 1) != 0) {
        // Linux: a program that wrote its title over the end (setproctitle) goes on into the environment.
        String all = args + text(mm, l.argEnd, l.envEnd);
        int end = all.indexOf(0, args.length());
        out.append(all, args.length(), end < 0 ? all.length() : end);
      }
    } finally {
      mm.release();
    }
  }

  void environ(Caller caller, StringBuilder out) throws ErrnoException {
    MemoryManager mm = target.acquireMm();
    if (mm == null) {
      return;
    }
    try {
      MemoryLayout l = mm.layout();
      out.append(text(mm, l.envStart, l.envEnd));
    } finally {
      mm.release();
    }
  }

  /** What can be read of the range, up to the first unreadable page. */
  private static String text(MemoryManager mm, long start, long end) {
    long length = Math.min(end - start, MAX_TEXT);
    if (start == 0 || length <= 0) {
      return "";
    }
    byte[] bytes = new byte[(int) length];
    MemorySegment s = MemorySegment.ofArray(bytes);
    int done = 0;
    try {
      while (done < bytes.length) {
        long at = start + done;
        int n = (int) Math.min(bytes.length - done, PAGE - (at & PAGE - 1));
        mm.copyIn(at, s, done, n);
        done += n;
      }
    } catch (ErrnoException e) {
      // Unmapped meanwhile: what came before is shown.
      return new String(bytes, 0, done, StandardCharsets.ISO_8859_1);
    }
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  /** The report, or null without memory. */
  MemoryReport report(boolean withResidency) throws ErrnoException {
    MemoryManager mm = target.acquireMm();
    if (mm == null) {
      return null;
    }
    try {
      return mm.report(withResidency);
    } finally {
      mm.release();
    }
  }

  void maps(Caller caller, StringBuilder out) throws ErrnoException {
    MemoryReport report = report(false);
    if (report == null) {
      return;
    }
    for (MemoryReport.Area area : report.areas()) {
      line(out, area);
    }
  }

  private static void line(StringBuilder out, MemoryReport.Area a) {
    int start = out.length();
    hex(out, a.start(), 8).append('-');
    hex(out, a.end(), 8).append(' ');
    out.append((a.prot() & 1) != 0 ? 'r' : '-').append((a.prot() & 2) != 0 ? 'w' : '-');
    out.append((a.prot() & 4) != 0 ? 'x' : '-').append(a.shared() ? 's' : 'p').append(' ');
    hex(out, a.offset(), 8).append(' ');
    hex(out, DeviceNumbers.major(a.dev()), 2).append(':');
    hex(out, DeviceNumbers.minor(a.dev()), 2).append(' ').append(a.ino());
    if (!a.name().isEmpty()) {
      out.repeat(' ', Math.max(1, 73 - (out.length() - start)));
      out.append(a.name().replace("\n", "\\012"));
    } else {
      out.append(' ');
    }
    out.append('\n');
  }

  private static StringBuilder hex(StringBuilder out, long value, int least) {
    String digits = Long.toHexString(value);
    out.repeat('0', Math.max(0, least - digits.length()));
    return out.append(digits);
  }

  void smaps(Caller caller, StringBuilder out) throws ErrnoException {
    MemoryReport report = report(true);
    if (report == null) {
      return;
    }
    for (MemoryReport.Area area : report.areas()) {
      line(out, area);
      kilobytes(out, "Size", area.end() - area.start());
      kilobytes(out, "KernelPageSize", PAGE);
      kilobytes(out, "MMUPageSize", PAGE);
      residency(out, area.residentBytes(), area.privateBytes(), area.sharedBytes(),
          area.ino() == 0 ? area.residentBytes() : 0, area.locked() ? area.residentBytes() : 0);
      out.append("THPeligible:    0\nVmFlags: ").append(area.flags()).append(" \n");
    }
  }

  /** {@code man 7 numa}: of one node, number 0. */
  void numaMaps(Caller caller, StringBuilder out) throws ErrnoException {
    MemoryReport report = report(true);
    if (report == null) {
      return;
    }
    int own = target.live().scheduling().memoryPolicy;
    for (MemoryReport.Area area : report.areas()) {
      hex(out, area.start(), 8).append(' ');
      out.append(NumaPolicy.text(area.policy() != 0 ? area.policy() : own));
      boolean isFile = area.ino() != 0;
      if (isFile) {
        out.append(" file=").append(escaped(area.name()));
      } else if (area.name().equals("[heap]") || area.name().equals("[stack]")) {
        out.append(' ').append(area.name(), 1, area.name().length() - 1);
      }
      long pages = area.residentBytes() / PAGE;
      long anonymous = isFile ? area.shared() ? 0 : area.privateBytes() / PAGE : pages;
      if (pages > 0) {
        if (anonymous > 0) {
          out.append(" anon=").append(anonymous).append(" dirty=").append(anonymous);
        }
        if (pages != anonymous) {
          out.append(" mapped=").append(pages);
        }
        out.append(" N0=").append(pages).append(" kernelpagesize_kB=").append(PAGE >> 10);
      }
      out.append('\n');
    }
  }

  private static String escaped(String path) {
    StringBuilder s = new StringBuilder(path.length());
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      if (c == '\n' || c == '\t' || c == '=' || c == ' ') {
        s.append(String.format("\\%03o", (int) c));
      } else {
        s.append(c);
      }
    }
    return s.toString();
  }

  /** {@code man 5 proc}, clear_refs: what was referenced is not kept, only the most memory there was. */
  void clearRefs(Caller caller, String text) throws ErrnoException {
    long kind = Sysctls.parse(text.strip());
    if (kind < CLEAR_REFS_ALL || kind > CLEAR_REFS_MM_HIWATER_RSS) {
      throw EINVAL.error();
    }
    MemoryManager mm = target.acquireMm();
    if (mm == null) {
      return;
    }
    try {
      if (kind == CLEAR_REFS_MM_HIWATER_RSS) {
        mm.resetPeakResident();
      }
    } finally {
      mm.release();
    }
  }

  void smapsRollup(Caller caller, StringBuilder out) throws ErrnoException {
    MemoryReport report = report(true);
    if (report == null || report.areas().isEmpty()) {
      return;
    }
    long resident = 0;
    long unshared = 0;
    long shared = 0;
    long anonymous = 0;
    for (MemoryReport.Area area : report.areas()) {
      resident += area.residentBytes();
      unshared += area.privateBytes();
      shared += area.sharedBytes();
      anonymous += area.ino() == 0 ? area.residentBytes() : 0;
    }
    hex(out, report.areas().getFirst().start(), 8).append('-');
    hex(out, report.areas().getLast().end(), 8);
    out.append(" ---p 00000000 00:00 0                          [rollup]\n");
    residency(out, resident, unshared, shared, anonymous, report.lockedBytes());
  }

  private static void residency(StringBuilder out, long resident, long unshared, long shared, long anonymous,
      long locked) {
    kilobytes(out, "Rss", resident);
    // How many share a page is not counted: each is said to have half of it.
    kilobytes(out, "Pss", unshared + shared / 2);
    kilobytes(out, "Shared_Clean", 0);
    kilobytes(out, "Shared_Dirty", shared);
    kilobytes(out, "Private_Clean", 0);
    kilobytes(out, "Private_Dirty", unshared);
    kilobytes(out, "Referenced", resident);
    kilobytes(out, "Anonymous", anonymous);
    kilobytes(out, "LazyFree", 0);
    kilobytes(out, "AnonHugePages", 0);
    kilobytes(out, "ShmemPmdMapped", 0);
    kilobytes(out, "FilePmdMapped", 0);
    kilobytes(out, "Shared_Hugetlb", 0);
    kilobytes(out, "Private_Hugetlb", 0);
    kilobytes(out, "Swap", 0);
    kilobytes(out, "SwapPss", 0);
    kilobytes(out, "Locked", locked);
  }

  private static void kilobytes(StringBuilder out, String name, long bytes) {
    String number = Long.toString(bytes >> 10);
    out.append(name).append(':').repeat(' ', Math.max(1, 23 - name.length() - number.length())).append(number);
    out.append(" kB\n");
  }

  void statm(Caller caller, StringBuilder out) throws ErrnoException {
    target.task();
    MemoryReport r = report(true);
    if (r == null) {
      out.append("0 0 0 0 0 0 0\n");
      return;
    }
    out.append(r.totalBytes() / PAGE).append(' ').append(r.residentBytes() / PAGE).append(' ');
    out.append((r.residentFileBytes() + r.residentSharedBytes()) / PAGE).append(' ').append(r.codeBytes() / PAGE);
    out.append(" 0 ").append((r.dataBytes() + r.stackBytes()) / PAGE).append(" 0\n");
  }
}
