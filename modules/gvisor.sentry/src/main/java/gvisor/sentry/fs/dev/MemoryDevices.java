package gvisor.sentry.fs.dev;

import gvisor.api.host.Entropy;
import gvisor.sentry.vfs.DeviceRegistry;

/** Registers the memory devices, major 1. */
public final class MemoryDevices {
  private static final int MEM_MAJOR = 1;

  private MemoryDevices() {}

  /** Registers them. */
  public static void register(DeviceRegistry devices, Entropy entropy) {
    for (MemoryDevice.Kind kind : MemoryDevice.Kind.values()) {
      MemoryDevice device = new MemoryDevice(kind, entropy);
      devices.registerCharacter(MEM_MAJOR, kind.minor, (caller, path, rdev, flags) -> device);
    }
  }
}
