package gvisor.sentry.vfs;

/** A name in a directory and what it leads to. Like Linux {@code struct dentry}. */
public final class Dentry {
  private volatile Dentry parent;
  private volatile String name;
  private final Inode inode;

  /** @param parent null for the root of a file system and for anonymous files */
  public Dentry(Dentry parent, String name, Inode inode) {
    this.parent = parent;
    this.name = name;
    this.inode = inode;
  }

  public Dentry parent() {
    return parent;
  }

  public String name() {
    return name;
  }

  public Inode inode() {
    return inode;
  }
}
