package gvisor.sentry.boot;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Open;
import gvisor.sentry.vfs.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * HOME for a process whose environment has none: what the container's own {@code /etc/passwd} says of its user, or
 * {@code /}, as runc does it. Source: {@code man 5 passwd}.
 */
final class HomeDirectory {
  /** More of a file of users is not read: it is the container's, and may be anything. */
  private static final int MAX_BYTES = 1 << 20;

  private static final int UID_FIELD = 2, HOME_FIELD = 5;

  private HomeDirectory() {}

  /** {@code env}, with HOME. */
  static List<String> added(Caller caller, List<String> env, int uid) {
    for (String variable : env) {
      if (variable.startsWith("HOME=") && variable.length() > "HOME=".length()) {
        return env;
      }
    }
    List<String> more = new ArrayList<>(env);
    more.removeIf(variable -> variable.equals("HOME="));
    more.add("HOME=" + of(users(caller), uid));
    return more;
  }

  /** The home of user {@code uid} in the text of a file of users. */
  static String of(String users, int uid) {
    String number = Integer.toUnsignedString(uid);
    for (String line : users.split("\n")) {
      String[] fields = line.split(":", -1);
      if (fields.length > HOME_FIELD && fields[UID_FIELD].equals(number) && !fields[HOME_FIELD].isEmpty()) {
        return fields[HOME_FIELD];
      }
    }
    return "/";
  }

  private static String users(Caller caller) {
    byte[] text = new byte[MAX_BYTES];
    int length = 0;
    try {
      FileDescription file = Open.open(caller, null, "/etc/passwd", OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, 0, 0);
      try {
        KernelBuffer buffer = new KernelBuffer();
        MemorySegment segment = MemorySegment.ofArray(text);
        while (length < MAX_BYTES) {
          long n = file.ops().read(caller, file, buffer.wrap(segment, length, MAX_BYTES - length), length);
          if (n <= 0) {
            break;
          }
          length += (int) n;
        }
      } finally {
        file.close();
      }
    } catch (ErrnoException e) {
      return ""; // A container need not know its users.
    }
    return new String(text, 0, length, StandardCharsets.ISO_8859_1);
  }
}
