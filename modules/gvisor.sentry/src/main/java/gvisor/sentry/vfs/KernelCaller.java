package gvisor.sentry.vfs;

import gvisor.api.host.HostClock;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.PageAllocator;

/**
 * The kernel itself as a caller: root with every capability, for mounting and making directories before a task
 * exists.
 */
public final class KernelCaller implements Caller {
  private static final Credentials ROOT = Credentials.root(Capability.ALL);

  private final FsContext fs;
  private final HostClock clock;
  private final PageAllocator pages;

  /** @param fs where paths start; null while there is no root: only calls with an absolute {@link Path} work then */
  public KernelCaller(FsContext fs, HostClock clock) {
    this(fs, clock, null);
  }

  /** @param pages what memory for files is charged to; null for nobody in particular */
  public KernelCaller(FsContext fs, HostClock clock, PageAllocator pages) {
    this.fs = fs;
    this.clock = clock;
    this.pages = pages;
  }

  @Override
  public Credentials creds() {
    return ROOT;
  }

  @Override
  public MemoryManager mm() {
    return null;
  }

  @Override
  public FsContext fs() {
    return fs;
  }

  @Override
  public int tgid() {
    return 0;
  }

  @Override
  public int tid() {
    return 0;
  }

  @Override
  public long realtimeNanos() {
    return clock.realtimeNanos();
  }

  @Override
  public long fileSizeLimit() {
    return -1;
  }

  @Override
  public PageAllocator pages(PageAllocator otherwise) {
    return pages == null ? otherwise : pages;
  }
}
