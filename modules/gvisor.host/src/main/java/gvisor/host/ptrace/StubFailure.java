package gvisor.host.ptrace;

import gvisor.api.errno.Errno;
import java.io.IOException;

/** The first stub process could not be made; the message says which step the host refused. */
public final class StubFailure extends IOException {
  private static final long serialVersionUID = 1L;

  StubFailure(long number, Errno errno) {
    super("system call " + number + " of the first stub process: " + errno.message());
  }

  StubFailure(String message) {
    super(message);
  }
}
