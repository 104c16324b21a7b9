package gvisor.sentry.fs.dev;

import gvisor.api.host.Entropy;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.DeviceRegistry;

/** Registers the memory devices, major 1. */
public final class MemoryDevices {
  private static final int MEM_MAJOR = 1;

  private MemoryDevices() {}

  /** Registers them; pages for mappings of {@code /dev/zero} come from {@code allocator}. */
  public static void register(DeviceRegistry devices, Entropy entropy, PageAllocator allocator) {
    ZeroPages zeros = new ZeroPages(allocator);
    for (MemoryDevice.Kind kind : MemoryDevice.Kind.values()) {
      MemoryDevice device = new MemoryDevice(kind, entropy, zeros);
      devices.registerCharacter(MEM_MAJOR, kind.minor, (caller, path, rdev, flags) -> device);
    }
  }
}
