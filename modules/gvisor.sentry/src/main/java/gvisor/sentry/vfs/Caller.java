package gvisor.sentry.vfs;

import gvisor.sentry.auth.Credentials;
import gvisor.sentry.auth.IdMap;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.PageAllocator;

/** On whose behalf a file operation runs: what the file layer needs of a task. */
public interface Caller {
  /** Who asks; permission checks use the file system ids. */
  Credentials creds();

  /** The caller's memory, for {@code ioctl} arguments; null for the kernel itself. */
  MemoryManager mm();

  /** Root directory, current directory and umask; null for the kernel itself. */
  FsContext fs();

  /** The caller's process id in the namespace of {@code /proc}'s reader: thread group and thread, 0 for the kernel. */
  int tgid();

  int tid();

  /** Wall clock now, for time stamps, in nanoseconds since the epoch. */
  long realtimeNanos();

  /** RLIMIT_FSIZE, in bytes; -1 for no limit. */
  long fileSizeLimit();

  /** What memory for the caller is charged to; {@code otherwise} when that is nobody in particular. */
  default PageAllocator pages(PageAllocator otherwise) {
    return otherwise;
  }

  /** Which users there are for the caller. */
  default IdMap users() {
    return IdMap.ALL;
  }

  /** Which groups there are for the caller. */
  default IdMap groups() {
    return IdMap.ALL;
  }

  /** Which devices the caller may make and open. */
  default DevicePolicy devices() {
    return DevicePolicy.EVERYTHING;
  }
}
