package gvisor.sentry.fs.overlay;

import static gvisor.api.errno.Errno.ENAMETOOLONG;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Open;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;
import gvisor.sentry.vfs.StatBuf;
import java.util.ArrayList;
import java.util.List;

/**
 * Copies what is in a directory into an empty one of another file system, with owners, permissions, times and extended
 * attributes; a file with several names becomes several files. The size of the other file system is the bound.
 */
public final class TreeCopy {
  private static final int MAX_DEPTH = 256;

  private final Caller caller;
  private final CopyUp content;

  /** @param pages memory that files are copied through */
  public TreeCopy(Caller caller, PageAllocator pages) {
    this.caller = caller;
    this.content = new CopyUp(pages);
  }

  /**
   * Copies.
   *
   * @throws ErrnoException ENOSPC when the other file system is full; ENAMETOOLONG for a tree that is too deep
   */
  public void copy(Path from, Inode to) throws ErrnoException {
    copy(from, to, 0);
  }

  private void copy(Path from, Inode to, int depth) throws ErrnoException {
    if (depth > MAX_DEPTH) {
      throw ENAMETOOLONG.error();
    }
    for (String name : names(from)) {
      Path child = PathWalk.resolve(caller, from, name, false);
      Inode inode = child.dentry().inode();
      StatBuf stat = new StatBuf();
      inode.stat(stat);
      Inode made =
          switch (inode.type()) {
            case Inode.S_IFREG -> copyRegular(child, to, name, stat.size);
            case Inode.S_IFDIR -> to.mkdir(caller, name, stat.mode & 07777);
            case Inode.S_IFLNK -> to.symlink(caller, name, inode.readlink(caller));
            default -> to.mknod(caller, name, stat.mode, stat.rdev);
          };
      if (inode.isDirectory()) {
        copy(child, made, depth + 1);
      }
      CopyUp.copyAttributes(caller, inode, made);
    }
  }

  private Inode copyRegular(Path from, Inode directory, String name, long length) throws ErrnoException {
    Inode made = directory.create(caller, name, 0600);
    FileOps to = made.open(caller, null, OpenFlags.O_RDWR);
    try {
      FileDescription file = Open.openExisting(caller, from, OpenFlags.O_RDONLY);
      try {
        content.copyContent(caller, file.ops(), to, length);
      } finally {
        file.close();
      }
    } finally {
      to.release(null);
    }
    return made;
  }

  private List<String> names(Path directory) throws ErrnoException {
    List<String> names = new ArrayList<>();
    FileDescription file = Open.openExisting(caller, directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
    try {
      long[] cookie = new long[1];
      int before;
      do {
        before = names.size();
        long start = cookie[0];
        file.ops().readdir(caller, file, start, (name, ino, type, next) -> {
          cookie[0] = next;
          if (!name.equals(".") && !name.equals("..")) {
            names.add(name);
          }
          return true;
        });
      } while (names.size() > before);
      return names;
    } finally {
      file.close();
    }
  }
}
