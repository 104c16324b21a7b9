package gvisor.sentry.boot;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FilesystemType;
import gvisor.sentry.vfs.Superblock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * File systems in memory that several containers of a sandbox mount ({@link MountSpec#SHARED_MEMORY}). Thread-safe.
 */
final class SharedMemory {
  private final FilesystemType tmpfs;
  private final Map<String, Shared> shared = new HashMap<>();

  /** One of them, and in how many containers it is. */
  private static final class Shared {
    final Superblock superblock;
    int users;

    Shared(Superblock superblock) {
      this.superblock = superblock;
    }
  }

  /** What one container has of them. One thread makes the container, and one ends it. */
  final class User {
    private final List<String> names = new ArrayList<>();

    /** The file system called {@code name}, made with {@code options} if it is not there yet. */
    Superblock get(Caller caller, String name, String options) throws ErrnoException {
      synchronized (shared) {
        Shared found = shared.get(name);
        if (found == null) {
          found = new Shared(tmpfs.mount(caller, name, options));
          shared.put(name, found);
        }
        found.users++;
        names.add(name);
        return found.superblock;
      }
    }

    /** The container is over; its mounts are gone. */
    void release() {
      synchronized (shared) {
        for (String name : names) {
          if (--shared.get(name).users == 0) {
            shared.remove(name);
          }
        }
        names.clear();
      }
    }
  }

  SharedMemory(FilesystemType tmpfs) {
    this.tmpfs = tmpfs;
  }
}
