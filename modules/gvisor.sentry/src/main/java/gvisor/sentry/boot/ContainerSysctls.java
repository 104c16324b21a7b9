package gvisor.sentry.boot;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Open;
import gvisor.sentry.vfs.OpenFlags;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** {@code linux.sysctl} of a container's spec: written into its {@code /proc/sys} before that may become read-only. */
final class ContainerSysctls {
  private ContainerSysctls() {}

  /** Applies them in order; each is a name and a value. */
  static void apply(Caller caller, List<String[]> sysctls) throws IOException {
    for (String[] sysctl : sysctls) {
      try {
        FileDescription file = Open.open(caller, null, "/proc/sys/" + path(sysctl[0]), OpenFlags.O_WRONLY, 0, 0);
        try {
          byte[] value = (sysctl[1] + "\n").getBytes(StandardCharsets.ISO_8859_1);
          file.ops().write(caller, file, new KernelBuffer(MemorySegment.ofArray(value)), 0);
        } finally {
          file.close();
        }
      } catch (ErrnoException e) {
        String reason = e.errno() == ENOENT ? "this kernel has no such setting"
            : e.errno() == EACCES ? "cannot be changed" : e.errno().message();
        throw new IOException("linux.sysctl." + sysctl[0] + ": " + reason);
      }
    }
  }

  /** As {@code man 8 sysctl} has it: what stands between the parts first, a dot or a slash, is what separates them. */
  static String path(String name) {
    int dot = name.indexOf('.');
    int slash = name.indexOf('/');
    if (dot < 0 || slash >= 0 && slash < dot) {
      return name;
    }
    StringBuilder path = new StringBuilder(name);
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      path.setCharAt(i, c == '.' ? '/' : c == '/' ? '.' : c);
    }
    return path.toString();
  }
}
