package gvisor.sentry.loader;

import static gvisor.api.errno.Errno.ENOEXEC;

import gvisor.api.errno.ErrnoException;

/**
 * The first line of a script: {@code #!interpreter [argument]}. Everything behind the interpreter's name is one
 * argument, without the blanks around it ({@code man 2 execve}, "Interpreter scripts").
 *
 * @param argument null when there is none
 */
record Script(String interpreter, String argument) {
  /** Whether a file that starts with {@code head} is a script. */
  static boolean isScript(String head) {
    return head.startsWith("#!");
  }

  /**
   * @param head the first bytes of the file, up to {@code limit} of them
   * @throws ErrnoException ENOEXEC when no interpreter is named, or its name does not fit
   */
  static Script parse(String head, int limit) throws ErrnoException {
    int newline = head.indexOf('\n');
    boolean cut = newline < 0 && head.length() >= limit;
    String line = newline < 0 ? head.substring(2) : head.substring(2, newline);
    int nul = line.indexOf('\0');
    if (nul >= 0) {
      line = line.substring(0, nul);
      cut = false;
    }
    int from = 0;
    while (from < line.length() && isBlank(line.charAt(from))) {
      from++;
    }
    int to = from;
    while (to < line.length() && !isBlank(line.charAt(to))) {
      to++;
    }
    if (from == to || cut && to == line.length()) {
      throw ENOEXEC.error();
    }
    int argument = to;
    while (argument < line.length() && isBlank(line.charAt(argument))) {
      argument++;
    }
    int end = line.length();
    while (end > argument && isBlank(line.charAt(end - 1))) {
      end--;
    }
    return new Script(line.substring(from, to), argument < end ? line.substring(argument, end) : null);
  }

  /** The interpreter's arguments: its name, the one argument, the script, and what the script was given. */
  String[] arguments(String path, String[] argv) {
    int own = argument == null ? 2 : 3;
    int given = Math.max(0, argv.length - 1);
    String[] all = new String[own + given];
    all[0] = interpreter;
    if (argument != null) {
      all[1] = argument;
    }
    all[own - 1] = path;
    System.arraycopy(argv, argv.length - given, all, own, given);
    return all;
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t';
  }
}
