package gvisor.host;

import gvisor.host.libc.Libc;
import gvisor.host.libc.Sys;

/** The process that this VM is. */
public final class OwnProcess {
  private OwnProcess() {}

  /** Does ahead of time what the first host call would begin with. Any thread. */
  public static void prepareCalls() {
    Libc.syscall(Sys.NR_GETPID, 0, 0, 0, 0, 0, 0);
  }

  /**
   * Ends it at once with exit code {@code code}: no shutdown hooks, nothing flushed. {@link Runtime#halt} would do the
   * same after waiting up to 0.3 s for threads that are in host calls, as those of a sandbox always are. Only the VM's
   * own end, though, writes down what a run of the build has learnt ({@code -Dgvisor.recording=true}).
   */
  public static void exit(int code) {
    if (!Boolean.getBoolean("gvisor.recording")) {
      Libc.syscall(Sys.NR_EXIT_GROUP, code, 0, 0, 0, 0, 0);
    }
    Runtime.getRuntime().halt(code);
  }
}
