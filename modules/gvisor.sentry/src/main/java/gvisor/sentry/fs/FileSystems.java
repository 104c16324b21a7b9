package gvisor.sentry.fs;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Host;
import gvisor.sentry.fs.dev.DevType;
import gvisor.sentry.fs.dev.MemoryDevices;
import gvisor.sentry.fs.pipe.Pipe;
import gvisor.sentry.fs.tmpfs.TmpfsType;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.KernelCaller;
import gvisor.sentry.vfs.Vfs;

/** The file systems that need nothing but memory, and what opens fifos and the memory devices. */
public final class FileSystems {
  private FileSystems() {}

  /** Registers tmpfs, ramfs, devtmpfs, fifos and memory devices, and makes the file system of {@code memfd_create}. */
  public static void register(Vfs vfs, PageAllocator allocator, Host host) {
    TmpfsType tmpfs = new TmpfsType("tmpfs", allocator, vfs.numbers(), host.memoryBytes());
    vfs.register(tmpfs);
    vfs.register(new TmpfsType("ramfs", allocator, vfs.numbers(), host.memoryBytes()));
    vfs.register(new DevType(allocator, vfs.numbers(), host.memoryBytes()));
    vfs.devices().registerFifo(Pipe.fifos());
    MemoryDevices.register(vfs.devices(), host.entropy());
    try {
      // As large as memory: the sandbox's limit, not this file system's, stops who fills memory.
      vfs.setMemoryFiles(tmpfs.mount(new KernelCaller(null, host.clock()), "memfd", "size=200%,mode=0700"));
    } catch (ErrnoException e) {
      throw new IllegalStateException("tmpfs refuses its own options", e);
    }
  }
}
