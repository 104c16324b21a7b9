package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernLink;
import gvisor.sentry.mm.MappedFile;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.MemoryReport;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.MappedDescription;
import gvisor.sentry.vfs.Path;
import java.util.List;

/** {@code /proc/[pid]/map_files}: a link for each mapping of a file, called by its addresses. */
final class MapFilesDir extends KernDir {
  private static final int HEX = 16;

  private final TaskRef target;

  MapFilesDir(TaskRef target, long ino) {
    super(target.proc(), ino, 0500);
    this.target = target;
  }

  @Override
  public int uid() {
    return TaskFile.owner(target).euid();
  }

  @Override
  public int gid() {
    return TaskFile.owner(target).egid();
  }

  @Override
  public boolean cachesLookups() {
    return false;
  }

  @Override
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    target.traceable(caller);
    int dash = name.indexOf('-');
    long start = dash < 0 ? -1 : address(name.substring(0, dash));
    long end = dash < 0 ? -1 : address(name.substring(dash + 1));
    if (start < 0 || end < 0) {
      return null;
    }
    Mapping mapping = new Mapping(target, start, end);
    FileDescription file = mapping.acquire();
    if (file == null) {
      return null;
    }
    int access = (file.isReadable() ? 0400 : 0) | (file.isWritable() ? 0200 : 0);
    file.close();
    return new Link(mapping, inoOf(name), access);
  }

  /** The address, or -1 for what is not written as the listing has it. */
  private static long address(String digits) {
    try {
      long address = Long.parseUnsignedLong(digits, HEX);
      return Long.toHexString(address).equals(digits) ? address : -1;
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  @Override
  protected void checkList(Caller caller) throws ErrnoException {
    target.traceable(caller);
  }

  @Override
  protected long dynamicEntries(Caller caller, long cookie, DirSink sink) throws ErrnoException {
    MemoryManager mm = target.acquireMm();
    if (mm == null) {
      return cookie;
    }
    List<MemoryReport.Area> areas;
    try {
      areas = mm.report(false).areas();
    } finally {
      mm.release();
    }
    long at = cookie;
    for (MemoryReport.Area area : areas) {
      // A mapping's cookie is its page number: it stays when others come and go.
      long own = FIRST_DYNAMIC + (area.start() >>> 12);
      if (own < at || area.ino() == 0) {
        continue;
      }
      String name = Long.toHexString(area.start()) + '-' + Long.toHexString(area.end());
      if (!sink.entry(name, inoOf(name), S_IFLNK >> 12, own + 1)) {
        return at;
      }
      at = own + 1;
    }
    return at;
  }

  /** A mapping of exactly these addresses. */
  private record Mapping(TaskRef target, long start, long end) {
    /** The open file behind it with one more reference, or null. */
    FileDescription acquire() throws ErrnoException {
      MemoryManager mm = target.acquireMm();
      if (mm == null) {
        return null;
      }
      try {
        MappedFile file = mm.acquireFile(start, end);
        if (file instanceof MappedDescription d) {
          return d.file();
        }
        if (file != null) {
          file.release();
        }
        return null;
      } finally {
        mm.release();
      }
    }
  }

  private static final class Link extends KernLink {
    private final Mapping mapping;
    private final int access;

    Link(Mapping mapping, long ino, int access) {
      super(mapping.target().proc(), ino, null);
      this.mapping = mapping;
      this.access = access;
    }

    @Override
    public int mode() {
      return S_IFLNK | access;
    }

    @Override
    protected long size() {
      return 64;
    }

    @Override
    public int uid() {
      return TaskFile.owner(mapping.target()).euid();
    }

    @Override
    public int gid() {
      return TaskFile.owner(mapping.target()).egid();
    }

    @Override
    public Path magicTarget(Caller caller) throws ErrnoException {
      if (!caller.creds().has(Capability.CAP_SYS_ADMIN) && !caller.creds().has(Capability.CAP_CHECKPOINT_RESTORE)) {
        throw EPERM.error();
      }
      return path(caller);
    }

    private Path path(Caller caller) throws ErrnoException {
      mapping.target().traceable(caller);
      FileDescription file = mapping.acquire();
      if (file == null) {
        throw ENOENT.error();
      }
      Path path = file.path();
      file.close();
      return path;
    }

    @Override
    public String readlink(Caller caller) throws ErrnoException {
      return TaskLink.text(path(caller), caller);
    }
  }
}
