package gvisor.tests.guest;

import static java.util.Map.entry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Which system calls the table has, and which of them the sources of the conformance programs make. */
public final class SyscallPrograms {
  /** The program that makes every call there is, by number: what it makes, it does not assert. */
  public static final String ALL_CALLS = "wild_pointers";

  /** The generated page, which a test of its own compares with the table. */
  private static final Path PAGE = Path.of("../docs/compatibility.md");

  private static final Path SOURCES = Path.of("guest");

  private static final Pattern ROW = Pattern.compile("\\| \\d+ \\| `(\\w+)` \\| (full|partial|error) \\|.*");

  /** Comments, includes, strings, characters, and the labels of a switch: they tell numbers apart and call nothing. */
  private static final Pattern NOT_CODE =
      Pattern.compile(
          "/\\*.*?\\*/|//[^\\n]*|\\bcase\\s+\\w+\\s*:|^\\s*#\\s*include[^\\n]*|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])*'",
          Pattern.DOTALL | Pattern.MULTILINE);

  /** A function of the program's own: what it is called says nothing of what it does. */
  private static final Pattern OWN = Pattern.compile("^static\\b[^;{}()=]*?\\b(\\w+)\\s*\\(", Pattern.MULTILINE);

  private static final Pattern CALL = Pattern.compile("\\b(?:SYS_|__NR_)(\\w+)|\\b(\\w+)\\s*\\(");

  /** Functions of the C library that make a system call of another name, by the function's own manual page. */
  private static final Map<String, String> LIBRARY =
      Map.ofEntries(
          entry("_exit", "exit_group"), // C library/kernel differences
          entry("eventfd", "eventfd2"), // the function has flags, the call eventfd has none
          entry("fstatat", "newfstatat"),
          entry("mq_getattr", "mq_getsetattr"),
          entry("mq_receive", "mq_timedreceive"), // without a time
          entry("mq_send", "mq_timedsend"), // without a time
          entry("posix_fadvise", "fadvise64"),
          entry("pread", "pread64"), // off_t has 64 bits
          entry("prlimit", "prlimit64"),
          entry("pselect", "pselect6"), // a sixth argument in the kernel
          entry("pwrite", "pwrite64"),
          entry("sigaction", "rt_sigaction"), // rt_: sigset_t with 64 bits
          entry("sigpending", "rt_sigpending"),
          entry("sigprocmask", "rt_sigprocmask"),
          entry("sigqueue", "rt_sigqueueinfo"),
          entry("sigsuspend", "rt_sigsuspend"),
          entry("sigtimedwait", "rt_sigtimedwait"),
          entry("umount", "umount2"),
          entry("waitpid", "wait4"));

  private SyscallPrograms() {}

  /** Every call that the table has, whatever it does. */
  public static Set<String> table() throws IOException {
    Set<String> names = new TreeSet<>();
    for (String line : Files.readAllLines(PAGE)) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        names.add(row.group(1));
      }
    }
    return names;
  }

  /** What the programs call or name as a number, with the files that do. */
  static Map<String, List<String>> named() throws IOException {
    Map<String, List<String>> named = new TreeMap<>();
    try (Stream<Path> files = Files.list(SOURCES)) {
      for (Path file : files.filter(SyscallPrograms::counts).sorted().toList()) {
        for (String name : namedIn(Files.readString(file))) {
          named.computeIfAbsent(name, n -> new ArrayList<>()).add(file.getFileName().toString());
        }
      }
    }
    return named;
  }

  private static boolean counts(Path file) {
    String name = file.getFileName().toString();
    return name.matches(".*\\.[ch]") && !name.equals(ALL_CALLS + ".c");
  }

  /** What {@code source}, in C, calls or names as a number; comments, strings and its own functions do not count. */
  static Set<String> namedIn(String source) {
    String code = NOT_CODE.matcher(source).replaceAll(" ");
    Set<String> own = new HashSet<>();
    Matcher definitions = OWN.matcher(code);
    while (definitions.find()) {
      own.add(definitions.group(1));
    }
    Set<String> names = new TreeSet<>();
    Matcher calls = CALL.matcher(code);
    while (calls.find()) {
      if (calls.group(1) != null) {
        names.add(calls.group(1));
      } else if (!own.contains(calls.group(2))) {
        names.add(calls.group(2));
        String other = LIBRARY.get(calls.group(2));
        if (other != null) {
          names.add(other);
        }
      }
    }
    return names;
  }
}
