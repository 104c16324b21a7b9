package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.EFAULT;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;

/**
 * Writes of a debugger ({@code ptrace(2)}, {@code /proc/[pid]/mem}): they also reach private mappings that the program
 * itself may not write, such as its text, and leave the file behind them alone.
 */
public final class ForcedWrite {
  private ForcedWrite() {}

  /**
   * Copies {@code length} bytes, not beyond the end of {@code addr}'s page, into the memory of a stopped process. While it
   * does, the page is writable for the process' other threads too.
   *
   * @throws ErrnoException EFAULT when nothing private is mapped there
   */
  public static void copyOut(MemoryManager mm, long addr, MemorySegment src, long offset, long length)
      throws ErrnoException {
    try {
      mm.copyOut(addr, src, offset, length);
      return;
    } catch (ErrnoException e) {
      if (e.errno() != EFAULT) {
        throw e;
      }
    }
    for (MemoryReport.Area area : mm.report(false).areas()) {
      if (addr >= area.start() && addr < area.end() && !area.shared()) {
        long page = addr & -MemoryManager.PAGE_SIZE;
        mm.mappings().protect(page, MemoryManager.PAGE_SIZE, area.prot() | MapFlags.PROT_READ | MapFlags.PROT_WRITE);
        try {
          mm.copyOut(addr, src, offset, length);
        } finally {
          mm.mappings().protect(page, MemoryManager.PAGE_SIZE, area.prot());
        }
        return;
      }
    }
    throw EFAULT.error();
  }
}
