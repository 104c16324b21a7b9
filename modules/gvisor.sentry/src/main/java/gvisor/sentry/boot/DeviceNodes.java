package gvisor.sentry.boot;

import static gvisor.api.errno.Errno.EEXIST;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Names;
import gvisor.sentry.vfs.Path;
import java.util.List;

/** What a container finds in {@code /dev} ({@code runtime-spec}, "Default Devices"). */
final class DeviceNodes {
  private static final int MEM_MAJOR = 1;
  private static final int TTY_MAJOR = 5;
  private static final int ALL_MAY = 0666;
  private static final List<String> DEVICES = List.of("null", "zero", "full", "random", "urandom", "tty", "console");

  private static final String DIRECTORY = "/dev/";

  private DeviceNodes() {}

  /** Whether {@link #populate} makes a device at {@code path}. */
  static boolean isDefault(String path) {
    return path.startsWith(DIRECTORY) && DEVICES.contains(path.substring(DIRECTORY.length()));
  }

  /** Makes nodes and links in {@code dev}; what is there already stays. */
  static void populate(Caller caller, Path dev) throws ErrnoException {
    device(caller, dev, "null", MEM_MAJOR, 3);
    device(caller, dev, "zero", MEM_MAJOR, 5);
    device(caller, dev, "full", MEM_MAJOR, 7);
    device(caller, dev, "random", MEM_MAJOR, 8);
    device(caller, dev, "urandom", MEM_MAJOR, 9);
    device(caller, dev, "tty", TTY_MAJOR, 0);
    device(caller, dev, "console", TTY_MAJOR, 1);
    link(caller, dev, "ptmx", "pts/ptmx");
    link(caller, dev, "fd", "/proc/self/fd");
    link(caller, dev, "stdin", "/proc/self/fd/0");
    link(caller, dev, "stdout", "/proc/self/fd/1");
    link(caller, dev, "stderr", "/proc/self/fd/2");
    link(caller, dev, "core", "/proc/kcore");
    directory(caller, dev, "pts", 0755);
    directory(caller, dev, "shm", 01777);
  }

  private static void device(Caller caller, Path dev, String name, int major, int minor) throws ErrnoException {
    try {
      Names.mknod(caller, dev, name, Inode.S_IFCHR | ALL_MAY, DeviceNumbers.make(major, minor));
    } catch (ErrnoException e) {
      tolerate(e);
    }
  }

  private static void link(Caller caller, Path dev, String name, String target) throws ErrnoException {
    try {
      Names.symlink(caller, target, dev, name);
    } catch (ErrnoException e) {
      tolerate(e);
    }
  }

  private static void directory(Caller caller, Path dev, String name, int mode) throws ErrnoException {
    try {
      Names.mkdir(caller, dev, name, mode);
    } catch (ErrnoException e) {
      tolerate(e);
    }
  }

  private static void tolerate(ErrnoException e) throws ErrnoException {
    if (e.errno() != EEXIST) {
      throw e;
    }
  }
}
