package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.MountNamespace;

/** {@code man 2 unshare}: a task's own copy of what it shares. */
public final class Unshare {
  private static final long NAMESPACES = CloneArgs.CLONE_NEWNS | CloneArgs.CLONE_NEWUTS | CloneArgs.CLONE_NEWIPC
      | CloneArgs.CLONE_NEWPID | CloneArgs.CLONE_NEWNET | CloneArgs.CLONE_NEWCGROUP;
  private static final long KNOWN = NAMESPACES | CloneArgs.CLONE_FS | CloneArgs.CLONE_FILES | CloneArgs.CLONE_SYSVSEM
      | CloneArgs.CLONE_THREAD | CloneArgs.CLONE_SIGHAND | CloneArgs.CLONE_VM;

  private Unshare() {}

  /** Unshares what {@code flags} name, all or nothing. */
  public static void unshare(Task t, long flags) throws ErrnoException {
    // User namespaces are not there: as on a kernel built without them.
    if ((flags & ~KNOWN) != 0) {
      throw EINVAL.error();
    }
    boolean alone = t.threadGroup().threadCount() == 1;
    if ((flags & (CloneArgs.CLONE_THREAD | CloneArgs.CLONE_SIGHAND | CloneArgs.CLONE_VM)) != 0
        && (!alone || t.mm().users() > 1)) {
      throw EINVAL.error();
    }
    if ((flags & NAMESPACES) != 0 && !t.creds().has(Capability.CAP_SYS_ADMIN)) {
      throw EPERM.error();
    }
    Kernel kernel = t.kernel();
    if ((flags & CloneArgs.CLONE_NEWPID) != 0) {
      if (t.childPidNamespace != t.pidNamespace()) {
        throw EINVAL.error();
      }
      t.childPidNamespace = new PidNamespace(kernel, t.pidNamespace());
    }
    FsContext fs = t.fs();
    if ((flags & CloneArgs.CLONE_NEWNS) != 0) {
      t.setFs(Namespaces.newMountNamespace(t));
      fs.release();
    } else if ((flags & CloneArgs.CLONE_FS) != 0 && fs.isShared()) {
      t.setFs(fs.fork());
      fs.release();
    }
    FdTable fds = t.fds();
    if ((flags & CloneArgs.CLONE_FILES) != 0 && fds.isShared()) {
      t.setFds(fds.fork());
      fds.release();
    }
    if ((flags & CloneArgs.CLONE_NEWUTS) != 0) {
      t.setUts(t.uts().copy(kernel));
    }
    if ((flags & CloneArgs.CLONE_NEWIPC) != 0) {
      t.setIpc(new IpcNamespace(kernel));
    }
    if ((flags & CloneArgs.CLONE_NEWNET) != 0) {
      t.netNamespace = new NetNamespace(kernel);
    }
  }

  /** {@code setns(2)} with a namespace's file. */
  public static void join(Task t, NamespaceFile file) throws ErrnoException {
    switch (file.namespace()) {
      case UtsNamespace uts -> t.setUts(uts);
      case IpcNamespace ipc -> t.setIpc(ipc);
      case NetNamespace net -> t.netNamespace = net;
      case PidNamespace pids -> {
        checkInner(t, pids);
        t.childPidNamespace = pids;
      }
      case MountNamespace mounts -> enter(t, mounts);
      case null, default -> {
        // Of these kinds there is one: who is in it already. A user namespace may not be joined twice.
        if (file.kind() == CloneArgs.CLONE_NEWUSER) {
          throw EINVAL.error();
        }
      }
    }
  }

  private static void checkInner(Task t, PidNamespace pids) throws ErrnoException {
    if (!t.pidNamespace().contains(pids)) {
      throw EINVAL.error();
    }
  }

  private static void enter(Task t, MountNamespace mounts) throws ErrnoException {
    if (t.fs().isShared()) {
      throw EINVAL.error();
    }
    t.fs().setRoot(mounts.root());
    t.fs().setCwd(mounts.root());
  }

  /** {@code setns(2)} with a pidfd: joins the namespaces of {@code of} that {@code flags} name. */
  public static void join(Task t, Task of, long flags) throws ErrnoException {
    if ((flags & CloneArgs.CLONE_NEWPID) != 0) {
      checkInner(t, of.childPidNamespace);
    }
    FsContext theirs = of.fs();
    if ((flags & CloneArgs.CLONE_NEWNS) != 0) {
      MountNamespace mounts = theirs == null ? null : theirs.root().mount().namespace();
      if (mounts == null) {
        throw EINVAL.error();
      }
      enter(t, mounts);
    }
    if ((flags & CloneArgs.CLONE_NEWPID) != 0) {
      t.childPidNamespace = of.childPidNamespace;
    }
    if ((flags & CloneArgs.CLONE_NEWUTS) != 0) {
      t.setUts(of.uts());
    }
    if ((flags & CloneArgs.CLONE_NEWIPC) != 0) {
      t.setIpc(of.ipc());
    }
    if ((flags & CloneArgs.CLONE_NEWNET) != 0) {
      t.netNamespace = of.netNamespace;
    }
  }
}
