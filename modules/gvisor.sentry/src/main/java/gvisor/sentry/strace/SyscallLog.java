package gvisor.sentry.strace;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.SyscallTracer;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.syscall.SyscallNames;
import gvisor.sentry.syscall.SyscallTable;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Logs every call with its arguments and result, as {@code strace(1)} shows them. A call that does not return, or takes
 * long, has a line at its start too. Arguments are read when the call is entered.
 */
public final class SyscallLog implements SyscallTracer {
  private static final Logger LOG = LogManager.getLogger(SyscallLog.class);
  private static final int MAX_STRING = 64;
  private static final int MAX_ERRNO = 4095;
  private static final int HIGHEST_RESTART = 516;

  private final ThreadLocal<String> entered = new ThreadLocal<>();
  private final SyscallTable table;

  public SyscallLog(SyscallTable table) {
    this.table = table;
  }

  @Override
  public void enter(Task task, long number, SyscallArgs args) {
    String call = describe(task, number, args);
    entered.set(call);
    if (Formats.mayBlockOrNotReturn((int) number)) {
      LOG.info("[{}] {} ...", task, call);
    }
  }

  @Override
  public void exit(Task task, long number, SyscallArgs args, long result) {
    LOG.info("[{}] {} = {}", task, entered.get(), result(number, result));
  }

  private String describe(Task task, long number, SyscallArgs args) {
    SyscallTable.Entry entry = table.entry(number);
    String name = entry != null ? entry.name() : SyscallNames.name((int) number);
    StringBuilder s = new StringBuilder(name == null ? "syscall_" + number : name).append('(');
    String format = Formats.of(name);
    for (int i = 0; i < format.length(); i++) {
      if (i > 0) {
        s.append(", ");
      }
      argument(s, task, format.charAt(i), args.i64(i));
    }
    return s.append(')').toString();
  }

  private static void argument(StringBuilder s, Task task, char kind, long value) {
    switch (kind) {
      case 'd' -> s.append((int) value);
      case 'l' -> s.append(value);
      case 'o' -> s.append('0').append(Integer.toOctalString((int) value));
      case 'f' -> s.append((int) value == -100 ? "AT_FDCWD" : Integer.toString((int) value));
      case 's' -> string(s, task, value);
      case 'g' -> s.append(Formats.signalName((int) value));
      default -> s.append(value == 0 ? "NULL" : "0x" + Long.toHexString(value));
    }
  }

  private static void string(StringBuilder s, Task task, long addr) {
    if (addr == 0) {
      s.append("NULL");
      return;
    }
    s.append('"');
    try {
      for (int i = 0; i < MAX_STRING; i++) {
        int c = task.mm().readByte(addr + i) & 0xff;
        if (c == 0) {
          s.append('"');
          return;
        }
        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
          s.append("\\x").append(Integer.toHexString(c | 0x100).substring(1));
        } else {
          s.append((char) c);
        }
      }
      s.append("\"...");
    } catch (ErrnoException e) {
      s.append("\"?");
    }
  }

  private static String result(long number, long result) {
    if (result < 0 && result >= -MAX_ERRNO) {
      if (result <= -512 && result >= -HIGHEST_RESTART) {
        return "? (to be restarted)";
      }
      for (Errno e : Errno.values()) {
        if (e.number() == -result) {
          return "-1 " + e + " (" + e.message() + ")";
        }
      }
    }
    return Formats.returnsAddress((int) number) ? "0x" + Long.toHexString(result) : Long.toString(result);
  }
}
