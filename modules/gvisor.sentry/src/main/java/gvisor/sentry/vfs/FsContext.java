package gvisor.sentry.vfs;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Root directory, current directory and umask, shared by tasks made with CLONE_FS. Like Linux {@code struct fs_struct}.
 * Thread-safe: each field changes on its own.
 */
public final class FsContext {
  private final AtomicInteger users = new AtomicInteger(1);
  private volatile Path root;
  private volatile Path cwd;
  private volatile int umask;

  public FsContext(Path root, Path cwd, int umask) {
    this.root = root;
    this.cwd = cwd;
    this.umask = umask;
    root.mount().pin();
    cwd.mount().pin();
  }

  public Path root() {
    return root;
  }

  public Path cwd() {
    return cwd;
  }

  public int umask() {
    return umask;
  }

  /** {@code chroot(2)}; permission has been checked. */
  public synchronized void setRoot(Path path) {
    path.mount().pin();
    root.mount().unpin();
    root = path;
  }

  /** {@code chdir(2)}; permission has been checked. */
  public synchronized void setCwd(Path path) {
    path.mount().pin();
    cwd.mount().unpin();
    cwd = path;
  }

  /** What was at {@code from} is at {@code to} now ({@code pivot_root}). */
  public synchronized void moved(Path from, Path to) {
    if (users.get() == 0) {
      return;
    }
    if (root.equals(from)) {
      setRoot(to);
    }
    if (cwd.equals(from)) {
      setCwd(to);
    }
  }

  /** Sets the umask; the one before. */
  public synchronized int setUmask(int mask) {
    int before = umask;
    umask = mask & 0777;
    return before;
  }

  /** A context of its own with the same content ({@code fork}). */
  public FsContext fork() {
    return new FsContext(root, cwd, umask);
  }

  /** One more task uses it (CLONE_FS). */
  public FsContext share() {
    users.getAndIncrement();
    return this;
  }

  /** Whether more than one task uses it. */
  public boolean isShared() {
    return users.get() > 1;
  }

  /** A task does not use it any more. */
  public synchronized void release() {
    if (users.decrementAndGet() == 0) {
      root.mount().unpin();
      cwd.mount().unpin();
    }
  }
}
