package gvisor.sentry.vfs;

/** Root directory, current directory and umask, shared by tasks made with CLONE_FS. Like Linux {@code struct fs_struct}. */
public final class FsContext {
  private volatile Path root;
  private volatile Path cwd;
  private volatile int umask;

  public FsContext(Path root, Path cwd, int umask) {
    this.root = root;
    this.cwd = cwd;
    this.umask = umask;
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
}
