package gvisor.sentry.fs.kernfs;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A directory of fixed entries, to which a subclass may add some that come and go. Entries are added while the tree is
 * built, by one thread.
 */
public class KernDir extends KernInode {
  /** Cookies from here on are a subclass'; below are ".", ".." and the fixed entries. */
  protected static final long FIRST_DYNAMIC = 1L << 32;

  private static final long FIRST_FIXED = 2;

  private final Map<String, KernInode> children = new HashMap<>();
  private final List<String> names = new ArrayList<>();
  private int directories;

  public KernDir(KernSuperblock superblock, long ino) {
    this(superblock, ino, 0555);
  }

  /** @param permissions permission bits */
  public KernDir(KernSuperblock superblock, long ino, int permissions) {
    super(superblock, ino, S_IFDIR | permissions);
  }

  /** The inode number for an entry called {@code name}. */
  public final long inoOf(String name) {
    return KernSuperblock.childIno(ino(), name);
  }

  /** Adds an entry. */
  public final <T extends KernInode> T add(String name, T child) {
    if (children.put(name, child) == null) {
      names.add(name);
      if (child.isDirectory()) {
        directories++;
      }
    }
    return child;
  }

  /** Adds a directory. */
  public final KernDir dir(String name) {
    return add(name, new KernDir(kernSuperblock(), inoOf(name)));
  }

  /** Adds a file that everybody may read. */
  public final void file(String name, Content content) {
    file(name, 0444, content, null);
  }

  /** Adds a file whose content never changes. */
  public final void file(String name, String content) {
    file(name, 0444, (caller, out) -> out.append(content), null);
  }

  /**
   * Adds a file.
   *
   * @param store what a write does; null when it cannot be written
   */
  public final void file(String name, int permissions, Content content, Store store) {
    add(name, new KernFile(kernSuperblock(), inoOf(name), permissions, content, store));
  }

  /** Adds a symbolic link. */
  public final void link(String name, String target) {
    add(name, new KernLink(kernSuperblock(), inoOf(name), target));
  }

  @Override
  protected int links() {
    return 2 + directories;
  }

  @Override
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    return children.get(name);
  }

  /**
   * Emits the entries that come and go.
   *
   * @param cookie where to start: {@link #FIRST_DYNAMIC} or the cookie of an entry emitted before
   * @return the cookie of the first entry not emitted
   */
  protected long dynamicEntries(Caller caller, long cookie, DirSink sink) throws ErrnoException {
    return cookie;
  }

  /** Looked at before a listing: ENOENT or EACCES when it is not there any more, or not for the caller. */
  protected void checkList(Caller caller) throws ErrnoException {}

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    return new Listing(dentry);
  }

  private final class Listing implements FileOps {
    private final Dentry dentry;

    Listing(Dentry dentry) {
      this.dentry = dentry;
    }

    @Override
    public boolean isSeekable() {
      return true;
    }

    @Override
    public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
      if (whence != 0 || offset < 0) {
        throw EINVAL.error();
      }
      return offset;
    }

    @Override
    public long readdir(Caller caller, FileDescription file, long cookie, DirSink sink) throws ErrnoException {
      checkList(caller);
      long at = cookie;
      if (at == 0) {
        if (!sink.entry(".", ino(), S_IFDIR >> 12, 1)) {
          return at;
        }
        at = 1;
      }
      if (at == 1) {
        Dentry parent = dentry.parent();
        long up = parent == null ? ino() : parent.inode().ino();
        if (!sink.entry("..", up, S_IFDIR >> 12, FIRST_FIXED)) {
          return at;
        }
        at = FIRST_FIXED;
      }
      while (at < FIRST_FIXED + names.size()) {
        int i = (int) (at - FIRST_FIXED);
        String name = names.get(i);
        KernInode child = children.get(name);
        long next = i + 1 == names.size() ? FIRST_DYNAMIC : at + 1;
        if (!sink.entry(name, child.ino(), child.type() >> 12, next)) {
          return at;
        }
        at = next;
      }
      return dynamicEntries(caller, Math.max(at, FIRST_DYNAMIC), sink);
    }
  }
}
