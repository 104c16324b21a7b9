package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.host.HostClock;
import gvisor.host.libc.MachineCode;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** The host's clocks, by system call: none of the callers is so hot that the host's vDSO would show. Any thread. */
public final class HostClocks implements HostClock {
  private static final int CLOCK_REALTIME = 0;
  private static final int CLOCK_THREAD_CPUTIME_ID = 3;
  private static final int CLOCK_BOOTTIME = 7;
  private static final long NANOS = 1_000_000_000L;

  private final boolean hasTimestampCounter;

  public HostClocks() {
    hasTimestampCounter = hostTrustsTimestampCounter();
  }

  @Override
  public long monotonicNanos() {
    // The JVM reads CLOCK_MONOTONIC for this, through the vDSO and without leaving Java code.
    return System.nanoTime();
  }

  @Override
  public long realtimeNanos() {
    return read(CLOCK_REALTIME);
  }

  @Override
  public long boottimeNanos() {
    return read(CLOCK_BOOTTIME);
  }

  @Override
  public long threadCpuNanos() {
    return read(CLOCK_THREAD_CPUTIME_ID);
  }

  @Override
  public long timestampCounter() {
    return hasTimestampCounter ? MachineCode.timestampCounter() : 0;
  }

  private static long read(int clock) {
    MemorySegment timespec = Memory.scratch();
    long failed = MachineCode.syscall(Sys.NR_CLOCK_GETTIME, clock, timespec.address(), 0, 0, 0, 0);
    if (failed < 0) {
      throw new IllegalStateException("clock " + clock + " cannot be read: error " + -failed);
    }
    return timespec.get(JAVA_LONG, 0) * NANOS + timespec.get(JAVA_LONG, 8);
  }

  /** Whether the counter runs evenly on every processor: the host's kernel has found out, and uses it itself. */
  private static boolean hostTrustsTimestampCounter() {
    String file = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    try (RandomAccessFile f = new RandomAccessFile(file, "r")) {
      byte[] name = new byte[3];
      f.readFully(name);
      return new String(name, StandardCharsets.US_ASCII).equals("tsc");
    } catch (IOException e) {
      return cpuinfoSaysInvariant();
    }
  }

  private static boolean cpuinfoSaysInvariant() {
    try (RandomAccessFile f = new RandomAccessFile("/proc/cpuinfo", "r")) {
      for (String line = f.readLine(); line != null; line = f.readLine()) {
        if (line.startsWith("flags")) {
          return line.contains(" constant_tsc") && line.contains(" nonstop_tsc");
        }
      }
    } catch (IOException e) {
      // Without /proc nobody can tell; applications then read the clock by system call.
    }
    return false;
  }
}
