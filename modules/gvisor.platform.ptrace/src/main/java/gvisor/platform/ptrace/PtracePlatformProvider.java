package gvisor.platform.ptrace;

import gvisor.api.mem.MemoryFile;
import gvisor.api.platform.Platform;
import gvisor.api.platform.PlatformProvider;
import gvisor.host.MemFd;
import java.io.IOException;
import java.io.RandomAccessFile;

/** Offers the ptrace platform: works wherever a process may trace its children. */
public final class PtracePlatformProvider implements PlatformProvider {
  static final String NAME = "ptrace";

  private static final String YAMA = "/proc/sys/kernel/yama/ptrace_scope";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int preference() {
    return 10;
  }

  @Override
  public String unavailableReason() {
    if (!System.getProperty("os.arch").equals("amd64")) {
      return "the ptrace platform needs an x86-64 processor, not " + System.getProperty("os.arch");
    }
    // 1 (only descendants) is what the platform keeps to; 2 is for administrators, which the sandbox is not.
    try (RandomAccessFile f = new RandomAccessFile(YAMA, "r")) {
      int scope = f.read() - '0';
      if (scope >= 2) {
        return "ptrace is restricted (" + YAMA + " is " + scope + "): write 1 to it";
      }
    } catch (IOException e) {
      // No such restriction in this kernel.
    }
    return null;
  }

  /** No: a process may trace only what has its own credentials, so they change before the first stub is made. */
  @Override
  public boolean opensFiles() {
    return false;
  }

  @Override
  public Platform open(MemoryFile memory) throws IOException {
    if (!(memory instanceof MemFd file)) {
      throw new IOException("the ptrace platform needs a host memory file");
    }
    return new PtracePlatform(file);
  }
}
