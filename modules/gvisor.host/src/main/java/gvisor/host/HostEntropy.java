package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.host.Entropy;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.MemorySegment;

/** Random bytes from {@code getrandom(2)}. Any thread. */
public final class HostEntropy implements Entropy {
  @Override
  public void fill(MemorySegment dst) {
    MemorySegment target = dst.isNative() ? dst : Memory.bounce();
    long done = 0;
    while (done < dst.byteSize()) {
      long at = dst.isNative() ? done : 0;
      long want = Math.min(dst.byteSize() - done, target.byteSize() - at);
      long n = Libc.syscall(Sys.NR_GETRANDOM, target.address() + at, want, 0, 0, 0, 0);
      if (n < 0) {
        if (Libc.errno() == gvisor.api.errno.Errno.EINTR) {
          continue;
        }
        throw new IllegalStateException("getrandom: " + Libc.errno().message());
      }
      if (!dst.isNative()) {
        MemorySegment.copy(target, 0, dst, done, n);
      }
      done += n;
    }
  }

  @Override
  public long nextLong() {
    MemorySegment scratch = Memory.scratch().asSlice(0, 8);
    fill(scratch);
    long value = scratch.get(JAVA_LONG_UNALIGNED, 0);
    scratch.set(JAVA_LONG_UNALIGNED, 0, 0);
    return value;
  }
}
