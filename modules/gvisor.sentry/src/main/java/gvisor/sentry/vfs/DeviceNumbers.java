package gvisor.sentry.vfs;

import java.util.concurrent.atomic.AtomicInteger;

/** Device numbers: Linux's encoding ({@code man 3 makedev}) and anonymous ones for file systems without a device. */
public final class DeviceNumbers {
  private final AtomicInteger nextAnonymous = new AtomicInteger(20);

  /** A device number with major 0 that no other file system has. */
  public long anonymous() {
    return make(0, nextAnonymous.getAndIncrement());
  }

  public static long make(int major, int minor) {
    return (minor & 0xffL) | (major & 0xfffL) << 8 | (minor & ~0xffL) << 12 | (major & ~0xfffL) << 32;
  }

  public static int major(long dev) {
    return (int) (dev >>> 8 & 0xfff | dev >>> 32 & ~0xfff);
  }

  public static int minor(long dev) {
    return (int) (dev & 0xff | dev >>> 12 & ~0xff);
  }
}
