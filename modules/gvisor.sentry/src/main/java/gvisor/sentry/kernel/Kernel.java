package gvisor.sentry.kernel;

import gvisor.api.host.Host;
import gvisor.api.platform.Platform;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.Vfs;

/** All there is one of in a sandbox. No static state: whoever needs it is given it. */
public final class Kernel {
  private final Platform platform;
  private final PageAllocator pages;
  private final Host host;
  private final DeviceNumbers deviceNumbers = new DeviceNumbers();

  private final Vfs vfs = new Vfs(deviceNumbers);

  public Kernel(Platform platform, PageAllocator pages, Host host) {
    this.platform = platform;
    this.pages = pages;
    this.host = host;
  }

  public Platform platform() {
    return platform;
  }

  public PageAllocator pages() {
    return pages;
  }

  public Host host() {
    return host;
  }

  /** File systems, devices and mounts. */
  public Vfs vfs() {
    return vfs;
  }

  public DeviceNumbers deviceNumbers() {
    return deviceNumbers;
  }
}
