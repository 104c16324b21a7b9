package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FilesystemType;
import gvisor.sentry.vfs.Superblock;

/** The proc file system. Every mount is an instance of its own, as since Linux 5.8. */
public final class ProcType implements FilesystemType {
  private final Kernel kernel;

  public ProcType(Kernel kernel) {
    this.kernel = kernel;
  }

  @Override
  public String name() {
    return "proc";
  }

  @Override
  public Superblock mount(Caller caller, String source, String options) throws ErrnoException {
    PidNamespace pids = caller instanceof Task task ? task.pidNamespace() : kernel.rootPidNamespace();
    return mount(pids, options);
  }

  /** An instance for the tasks of {@code pids}: for mounts that are made before the first task exists. */
  public Superblock mount(PidNamespace pids, String options) throws ErrnoException {
    int hidePid = 0;
    int gid = 0;
    boolean onlyPids = false;
    for (String option : options.split(",")) {
      int equals = option.indexOf('=');
      String value = equals < 0 ? "" : option.substring(equals + 1);
      switch (equals < 0 ? option : option.substring(0, equals)) {
        case "" -> {}
        case "hidepid" -> hidePid = switch (value) {
          case "0", "off" -> 0;
          case "1", "noaccess" -> 1;
          case "2", "invisible", "4", "ptraceable" -> 2;
          default -> throw EINVAL.error();
        };
        case "gid" -> gid = (int) Sysctls.parse(value);
        case "subset" -> {
          if (!value.equals("pid")) {
            throw EINVAL.error();
          }
          onlyPids = true;
        }
        default -> throw EINVAL.error();
      }
    }
    ProcSuperblock superblock = new ProcSuperblock(kernel, pids, hidePid, gid, onlyPids);
    superblock.setRoot(new ProcRoot(superblock));
    return superblock;
  }
}
