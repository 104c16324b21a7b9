package gvisor.gofer;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EINVAL;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.P9;
import gvisor.api.p9.WireQid;
import gvisor.api.p9.WireStat;
import gvisor.host.HostDirectory;
import gvisor.host.HostFile;
import gvisor.host.HostLock;
import java.lang.foreign.MemorySegment;

/** Messages that move data: directories, file contents, and what belongs to open files. */
final class DataMessages {
  private static final int O_RDONLY = 0;
  private static final int O_WRONLY = 1;
  private static final int F_TYPE = 0, F_BSIZE = 8, F_BLOCKS = 16, F_BFREE = 24, F_BAVAIL = 32, F_FILES = 40,
      F_FFREE = 48, F_FSID = 56, F_NAMELEN = 64;

  private final Session s;

  DataMessages(Session session) {
    this.s = session;
  }

  void readdirAttr() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    long offset = s.in.u64();
    int count = s.in.u32();
    s.in.end();
    HostDirectory directory = fid.openedDirectory();
    directory.seek(offset);
    long countAt = s.out.reserve(2);
    long end = Math.min(Integer.toUnsignedLong(count), s.out.remaining()) + s.out.position();
    int n = 0;
    while (n < 0xffff && directory.advance()) {
      if (directory.isDots()) {
        continue;
      }
      MemorySegment name = directory.name();
      long size = 8 + WireStat.SIZE + 2 + name.byteSize();
      if (s.out.position() + size > end) {
        directory.putBack();
        requireProgress(n);
        s.out.patchU16(countAt, n);
        return;
      }
      if (fid.file.statChild(name, s.stat)) {
        s.out.u64(directory.next()).statAttr(s.attributes.qidPath(s.stat), s.stat);
        s.out.string(name, 0, (int) name.byteSize());
        n++;
      }
    }
    s.out.patchU16(countAt, n);
    if (n == 0) {
      // Read to the end: the descriptor can go until somebody starts over.
      fid.closeDirectory();
    }
  }

  void readdir() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    long offset = s.in.u64();
    int count = s.in.u32();
    s.in.end();
    if (!fid.isOpen || fid.directory == null) {
      throw EBADF.error();
    }
    HostDirectory directory = fid.directory;
    directory.seek(offset);
    long countAt = s.out.reserve(4);
    long start = s.out.position();
    long end = Math.min(Integer.toUnsignedLong(count), s.out.remaining()) + start;
    int n = 0;
    while (directory.advance()) {
      if (directory.isDots()) {
        continue;
      }
      MemorySegment name = directory.name();
      if (s.out.position() + WireQid.SIZE + 8 + 1 + 2 + name.byteSize() > end) {
        directory.putBack();
        requireProgress(n);
        break;
      }
      if (fid.file.statChild(name, s.stat)) {
        FileAttr a = s.attributes.of(s.stat);
        s.out.qid(a.qidType, a.qidVersion, a.qidPath).u64(directory.next()).u8(directory.type());
        s.out.string(name, 0, (int) name.byteSize());
        n++;
      }
    }
    s.out.patchU32(countAt, (int) (s.out.position() - start));
  }

  void read() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    long offset = s.in.u64();
    long count = Integer.toUnsignedLong(s.in.u32());
    s.in.end();
    if (offset < 0) {
      throw EINVAL.error();
    }
    long countAt = s.out.reserve(4);
    long room = Math.min(count, s.out.remaining());
    MemorySegment target = s.out.segment().asSlice(s.out.position(), room);
    long n;
    if (fid.xattr != null) {
      n = XattrMessages.read(fid, offset, target);
    } else {
      if (fid.data == null || fid.dataMode == O_WRONLY) {
        throw EBADF.error();
      }
      n = fid.data.pread(target, offset);
    }
    s.out.reserve(n);
    s.out.patchU32(countAt, (int) n);
  }

  void write() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    long offset = s.in.u64();
    long count = Integer.toUnsignedLong(s.in.u32());
    long base = s.in.take(count);
    s.in.end();
    if (offset < 0) {
      throw EINVAL.error();
    }
    MemorySegment source = s.in.segment().asSlice(base, count);
    long n;
    if (fid.xattr != null) {
      n = XattrMessages.write(fid, offset, source);
    } else {
      if (fid.data == null || fid.dataMode == O_RDONLY) {
        throw EBADF.error();
      }
      n = fid.data.pwrite(source, offset);
    }
    s.out.u32((int) n);
  }

  void fsync() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    boolean dataOnly = s.in.u32() != 0;
    s.in.end();
    fid.file.sync(dataOnly);
  }

  void statfs() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    s.in.end();
    MemorySegment f = s.text.asSlice(0, HostFile.STATFS_SIZE);
    fid.file.statFs(f);
    s.out.u32((int) f.get(JAVA_LONG, F_TYPE)).u32((int) f.get(JAVA_LONG, F_BSIZE));
    s.out.u64(f.get(JAVA_LONG, F_BLOCKS)).u64(f.get(JAVA_LONG, F_BFREE)).u64(f.get(JAVA_LONG, F_BAVAIL));
    s.out.u64(f.get(JAVA_LONG, F_FILES)).u64(f.get(JAVA_LONG, F_FFREE));
    s.out.u32(f.get(JAVA_INT, F_FSID)).u32(f.get(JAVA_INT, F_FSID + 4));
    s.out.u32((int) f.get(JAVA_LONG, F_NAMELEN));
  }

  void lock() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    int type = s.in.u8();
    s.in.u32();
    long start = s.in.u64();
    long length = s.in.u64();
    int pid = s.in.u32();
    s.in.string(P9.MAX_NAME);
    s.in.end();
    boolean taken = HostLock.trySet(requireData(fid), range(type, start, length, pid));
    s.out.u8(taken ? P9.LOCK_SUCCESS : P9.LOCK_BLOCKED);
  }

  void getlock() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    int type = s.in.u8();
    long start = s.in.u64();
    long length = s.in.u64();
    int pid = s.in.u32();
    String client = s.in.string(P9.MAX_NAME);
    s.in.end();
    HostLock.Range found = HostLock.test(requireData(fid), range(type, start, length, pid));
    s.out.u8(found.type()).u64(found.start()).u64(found.length()).u32(found.pid()).string(client);
  }

  private static HostLock.Range range(int type, long start, long length, int pid) throws ErrnoException {
    if (type > P9.LOCK_UNLOCK || start < 0 || length < 0) {
      throw EINVAL.error();
    }
    return new HostLock.Range(type, start, length, pid);
  }

  private static gvisor.host.Fd requireData(Fid fid) throws ErrnoException {
    if (fid.data == null) {
      throw EBADF.error();
    }
    return fid.data;
  }

  /** An empty reply would say that the directory ends here. */
  private static void requireProgress(int entries) throws ErrnoException {
    if (entries == 0) {
      throw EINVAL.error();
    }
  }
}
