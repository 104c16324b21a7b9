package gvisor.runsc.container;

import gvisor.runsc.CommandFailure;
import java.util.List;
import java.util.Locale;

/** Signal names of {@code man 7 signal} for x86-64. */
public final class SignalNames {
  /** Names without SIG; the index is the signal's number. */
  private static final List<String> NAMES =
      List.of(
          "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
          "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM",
          "PROF", "WINCH", "IO", "PWR", "SYS");

  private static final int MAX = 64;

  private SignalNames() {}

  /** The number of a signal given as {@code SIGTERM}, {@code term} or {@code 15}; 0 is none, as for {@code kill(2)}. */
  public static int parse(String text) throws CommandFailure {
    String upper = text.toUpperCase(Locale.ROOT);
    String name = upper.startsWith("SIG") ? upper.substring(3) : upper;
    int number = name.isEmpty() ? -1 : NAMES.indexOf(name);
    if (number < 0 && text.matches("\\d{1,3}")) {
      number = Integer.parseInt(text);
    }
    if (number < 0 && name.matches("RTMIN(\\+\\d{1,2})?")) {
      number = 34 + (name.length() > 6 ? Integer.parseInt(name.substring(6)) : 0);
    }
    if (number < 0 || number > MAX) {
      throw new CommandFailure("unknown signal \"" + text + "\"");
    }
    return number;
  }
}
