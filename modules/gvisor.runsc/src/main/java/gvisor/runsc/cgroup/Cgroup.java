package gvisor.runsc.cgroup;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.spec.Resources;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The control group of a container on the host, one directory in version 2 and one a controller in version 1. The
 * sandbox and the gofer are born into it.
 *
 * <p>Limits of memory and tasks are the application's: the kernel of the sandbox holds them exactly. The host's limits
 * lie above by what the sandbox itself needs, and end what the sandbox' kernel would fail to hold.
 */
public abstract class Cgroup {
  /** Memory that sandbox and gofer may use beside the application's, in bytes. */
  static final long SANDBOX_MEMORY = 512L << 20;

  /** Threads of sandbox and gofer that are no application's. */
  static final long SANDBOX_TASKS = 256;

  /** Threads of the host for one task: the one that runs it, and the process that holds its memory. */
  static final long TASKS_EACH = 2;

  private static final int O_WRONLY = 1;
  private static final long REMOVAL_MILLIS = 2000;

  /**
   * The group at {@code path}, made or not.
   *
   * @throws CommandFailure when this host has no control groups
   */
  public static Cgroup at(CgroupPath path) throws CommandFailure {
    Hierarchies found;
    try {
      found = Hierarchies.find();
    } catch (IOException e) {
      throw new CommandFailure("cannot find the host's control groups: " + e.getMessage());
    }
    if (found.unified() != null) {
      return new CgroupV2(found, path);
    }
    if (found.controllers().isEmpty()) {
      throw new CommandFailure("this host has no control groups mounted; see --ignore-cgroups");
    }
    return new CgroupV1(found, path);
  }

  /** Its directories, the one of version 2 or those of version 1. */
  abstract List<Path> directories();

  /** Makes it, and what it lies in. */
  public abstract void create() throws CommandFailure;

  /** Sets the limits that are named; the others stay. */
  public abstract void set(Resources resources) throws CommandFailure;

  /** Files that a process joins by writing "0" into each; the caller closes them. */
  public List<Fd> membership() throws CommandFailure {
    List<Fd> files = new ArrayList<>();
    for (Path directory : directories()) {
      try {
        files.add(Fd.open(directory.resolve("cgroup.procs").toString(), O_WRONLY, 0));
      } catch (ErrnoException e) {
        files.forEach(Fd::close);
        throw new CommandFailure("cannot join the control group " + directory + ": " + e.errno().message());
      }
    }
    return files;
  }

  /** Removes it when its processes have ended; waits a moment for the last. Returns what is left, or null. */
  public String remove() {
    long deadline = System.nanoTime() + REMOVAL_MILLIS * 1_000_000;
    for (Path directory : directories()) {
      while (true) {
        try {
          Files.deleteIfExists(directory);
          break;
        } catch (DirectoryNotEmptyException e) {
          return directory + " has groups in it";
        } catch (IOException e) {
          if (System.nanoTime() > deadline) {
            return directory + ": " + ControlFile.reason(e);
          }
        }
        try {
          Thread.sleep(2);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return directory + ": interrupted";
        }
      }
    }
    return null;
  }

  /** Makes {@code directory}. */
  static void make(Path directory) throws CommandFailure {
    try {
      Files.createDirectories(directory);
    } catch (NoSuchFileException e) {
      throw new CommandFailure("cannot make the control group " + directory + ": its parent is not there");
    } catch (IOException e) {
      throw new CommandFailure(
          "cannot make the control group " + directory + ": " + ControlFile.reason(e) + "; see --ignore-cgroups");
    }
  }

  /** The host's limit of tasks for an application's, or "max". */
  static String tasks(long limit) {
    return limit <= 0 || limit > Integer.MAX_VALUE ? "max" : Long.toString(limit * TASKS_EACH + SANDBOX_TASKS);
  }

  /** The host's limit of memory for an application's of {@code bytes}. */
  static long memory(long bytes) {
    return bytes > Long.MAX_VALUE - SANDBOX_MEMORY ? Long.MAX_VALUE : bytes + SANDBOX_MEMORY;
  }
}
