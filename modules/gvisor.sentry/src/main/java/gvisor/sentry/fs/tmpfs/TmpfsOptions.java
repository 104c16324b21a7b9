package gvisor.sentry.fs.tmpfs;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;

/**
 * Mount options of {@code tmpfs} ({@code man 5 tmpfs}).
 *
 * @param uid of the root directory, or -1 for the mounter's
 * @param gid likewise
 * @param text as {@code /proc/mounts} shows them
 */
record TmpfsOptions(long maxPages, long maxInodes, int mode, int uid, int gid, String text) {
  private static final long PAGE = 4096;

  /** The most files of one file system: each costs the kernel memory of its own, which the size does not bound. */
  private static final long MAX_INODES = 1 << 19;

  /** What a mount without options has: half of the memory, mode 1777. */
  static TmpfsOptions defaults(long memoryBytes) {
    long pages = Math.max(1, memoryBytes / 2 / PAGE);
    return new TmpfsOptions(pages, Math.min(pages, MAX_INODES), 01777, -1, -1, "");
  }

  /** {@code text}, with what it leaves out from {@code base}. */
  static TmpfsOptions parse(String text, TmpfsOptions base) throws ErrnoException {
    long maxPages = base.maxPages;
    long maxInodes = base.maxInodes;
    int mode = base.mode;
    int uid = base.uid;
    int gid = base.gid;
    for (String option : text.split(",")) {
      int eq = option.indexOf('=');
      String key = eq < 0 ? option : option.substring(0, eq);
      String value = eq < 0 ? "" : option.substring(eq + 1);
      switch (key) {
        case "size" -> maxPages = value.endsWith("%")
            ? base.maxPages * 2 / 100 * number(value.substring(0, value.length() - 1))
            : unlimited((number(value) + PAGE - 1) / PAGE);
        case "nr_blocks" -> maxPages = unlimited(number(value));
        case "nr_inodes" -> maxInodes = Math.min(unlimited(number(value)), MAX_INODES);
        case "mode" -> mode = id(value, 8) & 07777;
        case "uid" -> uid = id(value, 10);
        case "gid" -> gid = id(value, 10);
        case "huge", "mpol", "inode32", "inode64", "noswap", "seclabel", "context", "rootcontext", "" -> {}
        default -> throw EINVAL.error();
      }
    }
    StringBuilder shown = new StringBuilder();
    if (maxPages != base.maxPages || base.text.contains("size=")) {
      shown.append(",size=").append(maxPages * 4).append('k');
    }
    if (maxInodes != base.maxInodes || base.text.contains("nr_inodes=")) {
      shown.append(",nr_inodes=").append(maxInodes);
    }
    if (mode != 01777) {
      shown.append(",mode=").append(Integer.toOctalString(mode));
    }
    if (uid > 0) {
      shown.append(",uid=").append(uid);
    }
    if (gid > 0) {
      shown.append(",gid=").append(gid);
    }
    return new TmpfsOptions(maxPages, maxInodes, mode, uid, gid, shown.isEmpty() ? "" : shown.substring(1));
  }

  /** 0 means no limit; a heap of page tables is, so there is one that no machine reaches. */
  private static long unlimited(long n) {
    return n == 0 ? 1L << 32 : Math.min(n, 1L << 32);
  }

  private static int id(String value, int radix) throws ErrnoException {
    try {
      return Integer.parseUnsignedInt(value, radix);
    } catch (NumberFormatException e) {
      throw EINVAL.error();
    }
  }

  /** A size with an optional suffix k, m or g. */
  private static long number(String value) throws ErrnoException {
    if (value.isEmpty()) {
      throw EINVAL.error();
    }
    int shift = switch (value.charAt(value.length() - 1)) {
      case 'k', 'K' -> 10;
      case 'm', 'M' -> 20;
      case 'g', 'G' -> 30;
      case 't', 'T' -> 40;
      default -> 0;
    };
    try {
      long n = Long.parseLong(shift == 0 ? value : value.substring(0, value.length() - 1));
      if (n < 0 || n > Long.MAX_VALUE >> shift + 13) {
        throw EINVAL.error();
      }
      return n << shift;
    } catch (NumberFormatException e) {
      throw EINVAL.error();
    }
  }
}
