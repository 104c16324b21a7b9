package gvisor.sentry.boot;

import gvisor.sentry.vfs.MountFlags;
import java.util.List;

/** Options of an OCI mount: the flags of {@code mount(2)} among them, and what is left for the file system. */
final class MountOptions {
  int flags;
  int propagation;
  boolean recursive;
  boolean bind;

  /** A file system in memory begins with what is at its place. */
  boolean copyUp;

  final StringBuilder data = new StringBuilder();

  static MountOptions parse(List<String> options) {
    MountOptions m = new MountOptions();
    if (options != null) {
      for (String o : options) {
        m.add(o);
      }
    }
    return m;
  }

  private void add(String option) {
    switch (option) {
      case "defaults", "rw", "exec", "suid", "dev", "async", "diratime", "sync", "dirsync", "norelatime",
          "nostrictatime", "loud", "silent", "mand", "nomand", "nosymfollow", "symfollow" -> set(option);
      case "ro" -> flags |= MountFlags.MS_RDONLY;
      case "nosuid" -> flags |= MountFlags.MS_NOSUID;
      case "nodev" -> flags |= MountFlags.MS_NODEV;
      case "noexec" -> flags |= MountFlags.MS_NOEXEC;
      case "noatime" -> flags |= MountFlags.MS_NOATIME;
      case "nodiratime" -> flags |= MountFlags.MS_NODIRATIME;
      case "relatime" -> flags |= MountFlags.MS_RELATIME;
      case "strictatime" -> flags |= MountFlags.MS_STRICTATIME;
      case "atime" -> flags &= ~MountFlags.MS_NOATIME;
      case "tmpcopyup" -> copyUp = true;
      case "bind" -> bind = true;
      case "rbind" -> {
        bind = true;
        recursive = true;
      }
      case "private", "rprivate" -> propagation = MountFlags.MS_PRIVATE;
      case "slave", "rslave" -> propagation = MountFlags.MS_SLAVE;
      case "shared", "rshared" -> propagation = MountFlags.MS_SHARED;
      case "unbindable", "runbindable" -> propagation = MountFlags.MS_UNBINDABLE;
      default -> data.append(data.isEmpty() ? "" : ",").append(option);
    }
  }

  private void set(String option) {
    switch (option) {
      case "rw" -> flags &= ~MountFlags.MS_RDONLY;
      case "exec" -> flags &= ~MountFlags.MS_NOEXEC;
      case "suid" -> flags &= ~MountFlags.MS_NOSUID;
      case "dev" -> flags &= ~MountFlags.MS_NODEV;
      case "diratime" -> flags &= ~MountFlags.MS_NODIRATIME;
      case "nosymfollow" -> flags |= MountFlags.MS_NOSYMFOLLOW;
      default -> {
        // What is left has no meaning for a file system in memory.
      }
    }
  }
}
