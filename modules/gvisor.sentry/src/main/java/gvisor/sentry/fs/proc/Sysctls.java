package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Kernel;
import java.util.concurrent.ConcurrentHashMap;

/** Values of {@code /proc/sys} that were changed and are only stored. One a kernel. Thread-safe. */
public final class Sysctls {
  private final ConcurrentHashMap<String, String> changed = new ConcurrentHashMap<>();

  private Sysctls() {}

  /** The one of {@code kernel}. */
  public static Sysctls of(Kernel kernel) {
    return kernel.part(Sysctls.class, k -> new Sysctls());
  }

  /** The value of {@code name}, such as {@code vm/swappiness}, or {@code initial} as long as nobody changed it. */
  public String get(String name, String initial) {
    return changed.getOrDefault(name, initial);
  }

  /** Sets {@code name}, whatever it is. */
  public void set(String name, String value) {
    changed.put(name, value);
  }

  /** Parses numbers separated by blanks, each within the bounds, and stores them separated by tabs. */
  void setNumbers(String name, String text, int count, long least, long most) throws ErrnoException {
    String[] words = text.strip().split("[ \t\n]+");
    if (words.length > count || words[0].isEmpty()) {
      throw EINVAL.error();
    }
    StringBuilder s = new StringBuilder();
    for (String word : words) {
      long n = parse(word);
      if (n < least || n > most) {
        throw EINVAL.error();
      }
      s.append(s.isEmpty() ? "" : "\t").append(n);
    }
    set(name, s.toString());
  }

  /** A decimal number; EINVAL when it is none. */
  static long parse(String word) throws ErrnoException {
    try {
      return Long.parseLong(word);
    } catch (NumberFormatException e) {
      throw EINVAL.error();
    }
  }
}
