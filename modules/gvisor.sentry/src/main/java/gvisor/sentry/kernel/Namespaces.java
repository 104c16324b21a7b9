package gvisor.sentry.kernel;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.MountNamespace;
import gvisor.sentry.vfs.Path;

/** Copies of namespaces for {@code clone(2)} and {@code unshare(2)}. */
final class Namespaces {
  private Namespaces() {}

  /** A context of {@code t}'s directories in a copy of its mount namespace. */
  static FsContext newMountNamespace(Task t) throws ErrnoException {
    FsContext fs = t.fs();
    Path root = fs.root();
    Path cwd = fs.cwd();
    MountNamespace.Copy copy = root.mount().namespace().copy();
    return new FsContext(copy.translate(root), copy.translate(cwd), fs.umask());
  }

  /** Gives {@code child} the namespaces that are not part of its constructor. */
  static void inherit(Task t, Task child, CloneArgs args) {
    child.netNamespace = args.has(CloneArgs.CLONE_NEWNET) ? new NetNamespace(t.kernel()) : t.netNamespace;
  }
}
