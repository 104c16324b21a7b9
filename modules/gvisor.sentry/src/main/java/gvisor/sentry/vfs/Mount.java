package gvisor.sentry.vfs;

/** A superblock attached to the tree. Like Linux {@code struct mount}. */
public final class Mount {
  private final Superblock superblock;

  public Mount(Superblock superblock) {
    this.superblock = superblock;
  }

  public Superblock superblock() {
    return superblock;
  }

  /** An open file of this mount is gone. */
  void fileClosed(FileDescription file) {}
}
