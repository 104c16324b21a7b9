package gvisor.sentry.vfs;

import gvisor.sentry.auth.Credentials;
import gvisor.sentry.auth.IdMap;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.PageAllocator;

/**
 * A caller with other credentials: {@code access(2)} asks as the real user, an overlay touches its layers as its
 * mounter.
 *
 * @param caller the caller in every other respect
 */
public record CallerAs(Caller caller, Credentials creds) implements Caller {
  @Override
  public MemoryManager mm() {
    return caller.mm();
  }

  @Override
  public FsContext fs() {
    return caller.fs();
  }

  @Override
  public int tgid() {
    return caller.tgid();
  }

  @Override
  public int tid() {
    return caller.tid();
  }

  @Override
  public long realtimeNanos() {
    return caller.realtimeNanos();
  }

  @Override
  public long fileSizeLimit() {
    return caller.fileSizeLimit();
  }

  @Override
  public PageAllocator pages(PageAllocator otherwise) {
    return caller.pages(otherwise);
  }

  @Override
  public IdMap users() {
    return caller.users();
  }

  @Override
  public IdMap groups() {
    return caller.groups();
  }

  @Override
  public DevicePolicy devices() {
    return caller.devices();
  }
}
