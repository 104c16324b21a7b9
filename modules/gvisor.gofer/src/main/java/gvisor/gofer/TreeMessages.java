package gvisor.gofer;

import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESTALE;
import static gvisor.api.errno.Errno.EXDEV;

import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.MessageReader;
import gvisor.api.p9.P9;
import gvisor.api.p9.SetAttr;
import gvisor.host.Fd;
import gvisor.host.HostFile;

/** Messages that open, make, move and remove files, and change their attributes. */
final class TreeMessages {
  private static final int O_ACCMODE = 3;
  private static final int O_TRUNC = 01000;
  private static final int AT_REMOVEDIR = 0x200;
  private static final int RENAME_FLAGS = 7;
  private static final int S_IFMT = 0170000;
  private static final int S_IFDIR = 0040000;
  private static final int S_IFLNK = 0120000;
  private static final int S_IFREG = 0100000;
  private static final int S_IFCHR = 0020000;
  private static final int S_IFBLK = 0060000;
  private static final int S_IFIFO = 0010000;
  private static final int S_IFSOCK = 0140000;
  private static final int SET_IDS = 06000;
  private static final int UNCHANGED = -1;
  private static final long UTIME_NOW = 0x3fffffff;
  private static final long UTIME_OMIT = 0x3ffffffe;
  private static final long NANOS = 1_000_000_000L;

  private final Session s;
  private final SetAttr change = new SetAttr();

  TreeMessages(Session session) {
    this.s = session;
  }

  void openFd() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    int flags = s.in.u32();
    s.in.end();
    Fd fd = open(fid, flags);
    s.replyWith(fd);
    s.putStat(fid.file);
  }

  void walkOpenFd() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    int newNumber = s.in.u32();
    int flags = s.in.u32();
    s.in.name(s.name);
    s.in.end();
    s.fids.requireFree(newNumber);
    HostFile file = directory.file.walk(s.name, s.stat);
    if (file == null) {
      throw ENOENT.error();
    }
    Fid fid = new Fid(directory.root, file, false);
    try {
      s.replyWith(open(fid, flags));
      s.putStat(file);
    } catch (ErrnoException e) {
      fid.close();
      throw e;
    }
    s.fids.put(newNumber, fid);
  }

  void createFd() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    int newNumber = s.in.u32();
    int flags = s.in.u32();
    int mode = s.in.u32();
    int uid = s.in.u32();
    int gid = s.in.u32();
    s.in.name(s.name);
    s.in.end();
    s.fids.requireFree(newNumber);
    Fd fd = create(directory, flags, mode);
    s.replyWith(fd);
    HostFile file = own(directory, fd, mode, uid, gid);
    s.fids.put(newNumber, new Fid(directory.root, file, false));
    s.putStat(file);
  }

  void make() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    int newNumber = s.in.u32();
    int mode = s.in.u32();
    int uid = s.in.u32();
    int gid = s.in.u32();
    int major = s.in.u32();
    int minor = s.in.u32();
    s.in.name(s.name);
    s.in.text(s.text);
    s.in.end();
    s.fids.requireFree(newNumber);
    HostFile file = make(directory, mode, makedev(major, minor), uid, gid);
    s.fids.put(newNumber, new Fid(directory.root, file, false));
    s.putStat(file);
  }

  void lopen() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    int flags = s.in.u32();
    s.in.end();
    requireUnopened(fid);
    if (fid.file.isDirectory()) {
      fid.openedDirectory();
    } else {
      fid.data = open(fid, flags & (O_ACCMODE | O_TRUNC));
      fid.dataMode = flags & O_ACCMODE;
    }
    fid.isOpen = true;
    s.putQid(fid.file);
    s.out.u32(0);
  }

  void lcreate() throws ErrnoException {
    int number = s.in.u32();
    Fid directory = s.fids.get(number);
    s.in.name(s.name);
    int flags = s.in.u32();
    int mode = s.in.u32();
    int gid = s.in.u32();
    s.in.end();
    requireUnopened(directory);
    Fd fd = create(directory, flags & O_ACCMODE, mode);
    HostFile file;
    try {
      file = own(directory, fd, mode, UNCHANGED, gid);
    } catch (ErrnoException e) {
      fd.close();
      throw e;
    }
    Fid created = new Fid(directory.root, file, false);
    created.data = fd;
    created.dataMode = flags & O_ACCMODE;
    created.isOpen = true;
    s.fids.put(number, created);
    directory.close();
    s.putQid(file);
    s.out.u32(0);
  }

  void mkdir() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    s.in.name(s.name);
    int mode = s.in.u32();
    int gid = s.in.u32();
    s.in.end();
    putMade(directory, mode & ~S_IFMT | S_IFDIR, 0, gid);
  }

  void mknod() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    s.in.name(s.name);
    int mode = s.in.u32();
    int major = s.in.u32();
    int minor = s.in.u32();
    int gid = s.in.u32();
    s.in.end();
    putMade(directory, mode, makedev(major, minor), gid);
  }

  void symlink() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    s.in.name(s.name);
    s.in.text(s.text);
    int gid = s.in.u32();
    s.in.end();
    putMade(directory, S_IFLNK | 0777, 0, gid);
  }

  void link() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    Fid target = s.fids.get(s.in.u32());
    s.in.name(s.name);
    s.in.end();
    directory.requireWritable();
    requireSameRoot(directory, target);
    directory.file.link(s.name, target.file);
  }

  void unlinkat() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    s.in.name(s.name);
    int flags = s.in.u32();
    s.in.end();
    if ((flags & ~AT_REMOVEDIR) != 0) {
      throw EINVAL.error();
    }
    directory.requireWritable();
    directory.file.unlink(s.name, (flags & AT_REMOVEDIR) != 0);
  }

  /** Trenameat, or its extension with the flags of {@code renameat2(2)}. */
  void renameat(boolean hasFlags) throws ErrnoException {
    MessageReader in = s.in;
    Fid from = s.fids.get(in.u32());
    Fid to;
    int flags = 0;
    if (hasFlags) {
      to = s.fids.get(in.u32());
      flags = in.u32();
      in.name(s.name);
    } else {
      in.name(s.name);
      to = s.fids.get(in.u32());
    }
    in.name(s.secondName);
    in.end();
    if ((flags & ~RENAME_FLAGS) != 0) {
      throw EINVAL.error();
    }
    from.requireWritable();
    requireSameRoot(from, to);
    from.file.rename(s.name, to.file, s.secondName, flags);
  }

  void readlink() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    s.in.end();
    if (!fid.file.isSymlink()) {
      throw EINVAL.error();
    }
    s.out.string(s.text, 0, fid.file.readLink(s.text));
  }

  void setattr(boolean replyAttr) throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    s.in.setAttr(change);
    s.in.end();
    fid.requireWritable();
    if ((change.valid & ~P9.SET_ALL) != 0) {
      throw EINVAL.error();
    }
    apply(fid.file);
    if (replyAttr) {
      s.putStat(fid.file);
    }
  }

  private void apply(HostFile file) throws ErrnoException {
    int valid = change.valid;
    if ((valid & P9.SET_SIZE) != 0) {
      if (change.size < 0) {
        throw EINVAL.error();
      }
      file.truncate(change.size);
    }
    if ((valid & (P9.SET_UID | P9.SET_GID)) != 0) {
      file.chown((valid & P9.SET_UID) != 0 ? change.uid : UNCHANGED,
          (valid & P9.SET_GID) != 0 ? change.gid : UNCHANGED);
    }
    // After chown, which takes the set-id bits away.
    if ((valid & P9.SET_MODE) != 0) {
      file.chmod(change.mode);
    }
    if ((valid & (P9.SET_ATIME | P9.SET_MTIME)) != 0) {
      file.setTimes(change.atimeSeconds,
          timeNanos(P9.SET_ATIME, P9.SET_ATIME_SET, change.atimeNanos),
          change.mtimeSeconds,
          timeNanos(P9.SET_MTIME, P9.SET_MTIME_SET, change.mtimeNanos));
    }
  }

  private long timeNanos(int set, int given, long nanos) throws ErrnoException {
    if ((change.valid & set) == 0) {
      return UTIME_OMIT;
    }
    if ((change.valid & given) == 0) {
      return UTIME_NOW;
    }
    if (nanos < 0 || nanos >= NANOS) {
      throw EINVAL.error();
    }
    return nanos;
  }

  private Fd open(Fid fid, int flags) throws ErrnoException {
    if (s.access.fifos() && fid.file.type() == S_IFIFO) {
      // As on Linux, a read-only mount says nothing about what goes through a fifo.
      return fid.file.openFifo(flags & ~O_TRUNC);
    }
    if ((flags & (O_ACCMODE | O_TRUNC)) != 0) {
      fid.requireWritable();
    }
    return fid.file.openData(flags);
  }

  private Fd create(Fid directory, int flags, int mode) throws ErrnoException {
    directory.requireWritable();
    if ((flags & O_ACCMODE) == O_ACCMODE) {
      throw EINVAL.error();
    }
    return directory.file.create(s.name, flags, mode);
  }

  /** Gives the new file {@code fd} its owner; takes its name back when that fails. */
  private HostFile own(Fid directory, Fd fd, int mode, int uid, int gid) throws ErrnoException {
    HostFile file = null;
    try {
      file = HostFile.of(fd);
      own(file, mode, uid, gid);
      return file;
    } catch (ErrnoException e) {
      if (file != null) {
        file.close();
      }
      directory.file.unlink(s.name, false);
      throw e;
    }
  }

  /** Gives a file that was just made its owner and mode. */
  void own(HostFile file, int mode, int uid, int gid) throws ErrnoException {
    FileAttr now = s.attrOf(file);
    boolean changes = uid != UNCHANGED && uid != now.uid || gid != UNCHANGED && gid != now.gid;
    if (changes) {
      file.chown(uid, gid);
    }
    if (!file.isSymlink() && (changes && (mode & SET_IDS) != 0 || (now.mode & 07777) != (mode & 07777))) {
      file.chmod(mode);
    }
  }

  private void putMade(Fid directory, int mode, long rdev, int gid) throws ErrnoException {
    try (HostFile file = make(directory, mode, rdev, UNCHANGED, gid)) {
      s.putQid(file);
    }
  }

  /** Makes what is no regular file, called {@link Session#name}. */
  private HostFile make(Fid directory, int mode, long rdev, int uid, int gid) throws ErrnoException {
    directory.requireWritable();
    HostFile parent = directory.file;
    int type = mode & S_IFMT;
    switch (type) {
      case S_IFDIR -> parent.mkdir(s.name, mode);
      case S_IFLNK -> parent.symlink(s.name, s.text);
      case S_IFIFO, S_IFSOCK -> parent.mknod(s.name, mode & (S_IFMT | 07777), 0);
      case S_IFCHR, S_IFBLK -> {
        // Overlay whiteouts alone: a real device of the host is no business of a container.
        if (type != S_IFCHR || rdev != 0) {
          throw EPERM.error();
        }
        parent.mknod(s.name, mode & (S_IFMT | 07777), 0);
      }
      case S_IFREG, 0 -> parent.mknod(s.name, S_IFREG | mode & 07777, 0);
      default -> throw EINVAL.error();
    }
    HostFile made = parent.walk(s.name, s.stat);
    if (made == null) {
      throw ESTALE.error();
    }
    try {
      // The name may have been taken over by somebody on the host between the two calls: own nothing but what we made.
      if (made.type() != (type == 0 ? S_IFREG : type)) {
        throw ESTALE.error();
      }
      own(made, mode, uid, gid);
      return made;
    } catch (ErrnoException e) {
      made.close();
      parent.unlink(s.name, type == S_IFDIR);
      throw e;
    }
  }

  private static void requireUnopened(Fid fid) throws ErrnoException {
    if (fid.isOpen || fid.xattr != null) {
      throw EBUSY.error();
    }
  }

  private static void requireSameRoot(Fid a, Fid b) throws ErrnoException {
    if (a.root != b.root) {
      throw EXDEV.error();
    }
  }

  private static long makedev(int major, int minor) {
    long a = Integer.toUnsignedLong(major);
    long b = Integer.toUnsignedLong(minor);
    return b & 0xff | (a & 0xfff) << 8 | (b & ~0xffL) << 12 | (a & ~0xfffL) << 32;
  }
}
