package gvisor.sentry.boot;

import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOTDIR;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.boot.Sentry.StartException;
import gvisor.sentry.fs.devpts.TerminalDevices;
import gvisor.sentry.fs.host.HostFiles;
import gvisor.sentry.fs.host.HostTerminal;
import gvisor.sentry.kernel.Container;
import gvisor.sentry.kernel.FdTable;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Rlimits;
import gvisor.sentry.kernel.SchedulingAttributes;
import gvisor.sentry.kernel.Seccomp;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskExec;
import gvisor.sentry.kernel.TaskStart;
import gvisor.sentry.tty.Terminal;
import gvisor.sentry.tty.TerminalFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.KernelCaller;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;
import java.io.IOException;
import java.util.List;

/** Turns a {@link ProcessSpec} into a process that waits to be started. */
final class ProcessMaker {
  private static final int NOT_EXECUTABLE = 126;
  private static final int NOT_FOUND = 127;
  private static final int DEFAULT_UMASK = 022;
  private static final int IOPRIO_CLASS_SHIFT = 13;

  /** The first descriptor behind standard input, output and error. */
  private static final int FIRST_PRESERVED = 3;
  private static final String DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private final Kernel kernel;
  private final HostFiles hostFiles;

  ProcessMaker(Kernel kernel, HostFiles hostFiles) {
    this.kernel = kernel;
    this.hostFiles = hostFiles;
  }

  /** A process, and the terminal it was given or null. */
  record Made(Task task, Terminal terminal) {}

  /** Makes the process in {@code spaces} below {@code root}, with {@code seccomp} over it unless that is null. */
  Made make(ProcessSpec spec, Container container, TaskStart.Spaces spaces, Path root, Seccomp seccomp)
      throws IOException {
    if (spec.args().isEmpty()) {
      throw new IOException("process.args is empty");
    }
    checkIds(spec, container);
    FsContext fs = directories(spec, root);
    Task task;
    try {
      task = TaskStart.create(kernel, container, spaces, credentials(spec), fs, new FdTable(), limits(spec));
    } catch (ErrnoException e) {
      fs.release();
      throw new IOException("process: cannot be made: " + e.errno().message());
    }
    boolean done = false;
    try {
      task.threadGroup().setOomScoreAdj(spec.oomScoreAdj());
      schedule(task.scheduling(), spec.scheduling());
      if (seccomp != null) {
        seccomp.putOver(task);
      }
      Terminal terminal = openFiles(task, spec);
      load(task, spec);
      done = true;
      return new Made(task, terminal);
    } finally {
      if (!done) {
        TaskStart.discard(task);
      }
    }
  }

  private static void checkIds(ProcessSpec spec, Container container) throws IOException {
    if (!container.users().has(spec.uid())) {
      throw new IOException("process.user.uid: " + Integer.toUnsignedString(spec.uid()) + " is not in linux.uidMappings");
    }
    if (!container.groups().has(spec.gid())) {
      throw new IOException("process.user.gid: " + Integer.toUnsignedString(spec.gid()) + " is not in linux.gidMappings");
    }
    for (int gid : spec.additionalGids() == null ? new int[0] : spec.additionalGids()) {
      if (!container.groups().has(gid)) {
        throw new IOException(
            "process.user.additionalGids: " + Integer.toUnsignedString(gid) + " is not in linux.gidMappings");
      }
    }
  }

  private FsContext directories(ProcessSpec spec, Path root) throws IOException {
    FsContext atRoot = new FsContext(root, root, 0);
    Caller caller = new KernelCaller(atRoot, kernel.host().clock());
    String cwd = spec.cwd() == null || spec.cwd().isEmpty() ? "/" : spec.cwd();
    try {
      if (!cwd.startsWith("/")) {
        throw new IOException("process.cwd is not absolute: " + cwd);
      }
      Path at;
      try {
        at = PathWalk.resolve(caller, null, cwd, true);
      } catch (ErrnoException e) {
        if (e.errno() != ENOENT) {
          throw e;
        }
        ContainerMounts.makeDirectories(caller, cwd);
        at = PathWalk.resolve(caller, null, cwd, true);
      }
      if (!at.dentry().inode().isDirectory()) {
        throw ENOTDIR.error();
      }
      return new FsContext(root, at, spec.umask() < 0 ? DEFAULT_UMASK : spec.umask() & 0777);
    } catch (ErrnoException e) {
      throw new IOException("process.cwd: " + cwd + ": " + e.errno().message());
    } finally {
      atRoot.release();
    }
  }

  private static void schedule(SchedulingAttributes task, ProcessSpec.Scheduling wanted) {
    task.policy = wanted.policy();
    task.nice = wanted.nice();
    task.priority = wanted.priority();
    task.ioPriority = wanted.ioClass() << IOPRIO_CLASS_SHIFT | wanted.ioPriority();
  }

  private static Credentials credentials(ProcessSpec spec) {
    long[] c = spec.capabilities();
    int uid = spec.uid();
    int gid = spec.gid();
    Credentials creds = Credentials.root(0).withUids(uid, uid, uid, uid).withGids(gid, gid, gid, gid);
    if (spec.additionalGids() != null) {
      creds = creds.withGroups(spec.additionalGids());
    }
    if (c != null) {
      long all = Capability.ALL;
      creds = creds.withCapabilities(c[3] & all, c[1] & all, c[2] & all, c[0] & all, c[4] & all);
    }
    return spec.noNewPrivileges() ? creds.withNoNewPrivs() : creds;
  }

  private static Rlimits limits(ProcessSpec spec) throws IOException {
    Rlimits limits = new Rlimits();
    if (spec.rlimits() != null) {
      for (ProcessSpec.Rlimit r : spec.rlimits()) {
        if (r.resource() < 0 || r.resource() >= Rlimits.COUNT || Long.compareUnsigned(r.soft(), r.hard()) > 0) {
          throw new IOException("process.rlimits: resource " + r.resource() + " is unknown, or soft is above hard");
        }
        boolean files = r.resource() == Rlimits.RLIMIT_NOFILE;
        limits.put(r.resource(), files ? atMostOpen(r.soft()) : r.soft(), files ? atMostOpen(r.hard()) : r.hard());
      }
    }
    return limits;
  }

  private static long atMostOpen(long limit) {
    return Long.compareUnsigned(limit, Rlimits.NR_OPEN) > 0 ? Rlimits.NR_OPEN : limit;
  }

  /** Puts standard input, output and error into the table; the terminal if it has one. */
  private Terminal openFiles(Task task, ProcessSpec spec) throws IOException {
    HostFd[] stdio = spec.stdio() == null ? new HostFd[0] : spec.stdio().clone();
    try {
      Terminal terminal = null;
      if (spec.terminal()) {
        terminal = openTerminal(task, spec, stdio);
        for (int i = 0; i < Math.min(FIRST_PRESERVED, stdio.length); i++) {
          stdio[i] = null;
        }
      }
      FileDescription[] files = hostFiles.open(stdio, spec.uid(), spec.gid());
      for (int i = 0; i < files.length; i++) {
        if (files[i] != null) {
          task.fds().replace(i, files[i], false, FdTable.MAX_FDS);
        }
      }
      return terminal;
    } catch (ErrnoException e) {
      throw new IOException("process: standard input, output or error cannot be used: " + e.errno().message());
    }
  }

  private Terminal openTerminal(Task task, ProcessSpec spec, HostFd[] stdio) throws ErrnoException, IOException {
    if (stdio.length == 0 || stdio[0] == null) {
      throw new IOException("process.terminal is true, but there is no terminal");
    }
    Terminal terminal = TerminalDevices.of(kernel).newConsole();
    TerminalDevices.Shown shown = TerminalDevices.of(kernel).show(task, terminal);
    // The first process' terminal is the container's /dev/console, which may be opened again.
    HostTerminal.connect(stdio[0], terminal, task.tgid() != 1, shown.hide());
    if (spec.rows() > 0 && spec.columns() > 0) {
      terminal.resize(spec.rows(), spec.columns());
    }
    TerminalFile ops = new TerminalFile(terminal, task, OpenFlags.O_RDWR);
    FileDescription file = new FileDescription(ops, shown.path(), OpenFlags.O_RDWR);
    task.fds().replace(0, file.acquire(), false, FdTable.MAX_FDS);
    task.fds().replace(1, file.acquire(), false, FdTable.MAX_FDS);
    task.fds().replace(2, file, false, FdTable.MAX_FDS);
    return terminal;
  }

  private void load(Task task, ProcessSpec spec) throws IOException {
    String name = spec.file() == null ? spec.args().getFirst() : spec.file();
    String path = name.indexOf('/') >= 0 ? name : search(task, spec.env(), name);
    try {
      FileDescription file = TaskExec.open(task, null, path, true);
      try {
        List<String> env = HomeDirectory.added(task, spec.env(), spec.uid());
        TaskStart.load(task, file, path, spec.args().toArray(String[]::new), env.toArray(String[]::new));
      } finally {
        file.close();
      }
    } catch (ErrnoException e) {
      Errno errno = e.errno();
      boolean missing = errno == ENOENT || errno == ENOTDIR;
      throw new StartException("exec: \"" + path + "\": " + lower(errno.message()), missing ? NOT_FOUND : NOT_EXECUTABLE);
    }
  }

  /** Finds {@code name} in the PATH of the process' own environment, as a shell would. */
  private String search(Task task, List<String> env, String name) throws StartException {
    String variable = DEFAULT_PATH;
    for (String e : env) {
      if (e.startsWith("PATH=")) {
        variable = e.substring("PATH=".length());
      }
    }
    Errno refused = null;
    for (String directory : variable.split(":", -1)) {
      String path = directory.isEmpty() ? "./" + name : directory + "/" + name;
      try {
        TaskExec.open(task, null, path, true).close();
        return path;
      } catch (ErrnoException e) {
        if (e.errno() != ENOENT && e.errno() != ENOTDIR && refused == null) {
          refused = e.errno();
        }
      }
    }
    if (refused != null) {
      throw new StartException("exec: \"" + name + "\": " + lower(refused.message()), NOT_EXECUTABLE);
    }
    throw new StartException("exec: \"" + name + "\": executable file not found in $PATH", NOT_FOUND);
  }

  private static String lower(String message) {
    return message.isEmpty() ? message : Character.toLowerCase(message.charAt(0)) + message.substring(1);
  }
}
