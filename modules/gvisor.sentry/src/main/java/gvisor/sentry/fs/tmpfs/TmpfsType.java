package gvisor.sentry.fs.tmpfs;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FilesystemType;

/** The {@code tmpfs} file system, also under other names ({@code ramfs}). */
public final class TmpfsType implements FilesystemType {
  private final String name;
  private final PageAllocator allocator;
  private final DeviceNumbers numbers;
  private final long memoryBytes;

  /** @param memoryBytes the machine's memory: half of it is the default size */
  public TmpfsType(String name, PageAllocator allocator, DeviceNumbers numbers, long memoryBytes) {
    this.name = name;
    this.allocator = allocator;
    this.numbers = numbers;
    this.memoryBytes = memoryBytes;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public TmpfsSuperblock mount(Caller caller, String source, String options) throws ErrnoException {
    TmpfsOptions parsed = TmpfsOptions.parse(options, TmpfsOptions.defaults(memoryBytes));
    return new TmpfsSuperblock(numbers.anonymous(), name, caller.pages(allocator), parsed, caller);
  }
}
