package gvisor.gofer;

import static gvisor.api.errno.Errno.E2BIG;
import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODATA;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.P9;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Messages about extended attributes. The peer sees the {@code user} namespace and may read file capabilities; what else
 * the host keeps there (security labels, its own overlay's marks) is not a container's business.
 */
final class XattrMessages {
  /** XATTR_SIZE_MAX, XATTR_LIST_MAX. */
  private static final int MAX_VALUE = 0x10000;

  private static final int FLAGS = 3;
  private static final String USER = "user.";
  private static final String FILE_CAPABILITIES = "security.capability";

  private final Session s;

  XattrMessages(Session session) {
    this.s = session;
  }

  void get() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    long size = Integer.toUnsignedLong(s.in.u32());
    String name = s.in.string(P9.MAX_NAME);
    s.in.end();
    requireReadable(name);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(Math.min(size, MAX_VALUE));
      int length = fid.file.getXattr(cString(arena, name), value);
      s.out.u32(length);
      if (size > 0) {
        s.out.bytes(value.asSlice(0, length));
      }
    }
  }

  void list() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    long size = Integer.toUnsignedLong(s.in.u32());
    s.in.end();
    byte[] names = visibleNames(fid);
    if (size > 0 && names.length > size) {
      throw gvisor.api.errno.Errno.ERANGE.error();
    }
    s.out.u32(names.length);
    if (size > 0) {
      s.out.bytes(MemorySegment.ofArray(names));
    }
  }

  void set() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    int flags = s.in.u32();
    String name = s.in.string(P9.MAX_NAME);
    long length = Integer.toUnsignedLong(s.in.u32());
    MemorySegment value = s.in.segment().asSlice(s.in.take(length), length);
    s.in.end();
    requireWritable(fid, name, flags);
    try (Arena arena = Arena.ofConfined()) {
      fid.file.setXattr(cString(arena, name), value, flags);
    }
  }

  void remove() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    String name = s.in.string(P9.MAX_NAME);
    s.in.end();
    requireWritable(fid, name, 0);
    try (Arena arena = Arena.ofConfined()) {
      fid.file.removeXattr(cString(arena, name));
    }
  }

  /** Txattrwalk: a new fid to read the value from, or the list of names when the name is empty. */
  void walk() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    int newNumber = s.in.u32();
    String name = s.in.string(P9.MAX_NAME);
    s.in.end();
    s.fids.requireFree(newNumber);
    byte[] value = name.isEmpty() ? visibleNames(fid) : value(fid, name);
    Fid made = new Fid(fid.root, fid.file.duplicate(), false);
    made.xattr = new Fid.Xattr(name, value, false, 0);
    s.fids.put(newNumber, made);
    s.out.u64(value.length);
  }

  /** Txattrcreate: the fid from now on takes the value, which Tclunk stores. */
  void create() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    String name = s.in.string(P9.MAX_NAME);
    long size = s.in.u64();
    int flags = s.in.u32();
    s.in.end();
    requireWritable(fid, name, flags);
    if (size < 0 || size > MAX_VALUE) {
      throw E2BIG.error();
    }
    if (fid.isOpen || fid.xattr != null) {
      throw EBUSY.error();
    }
    fid.xattr = new Fid.Xattr(name, new byte[(int) size], true, flags);
  }

  /** What Txattrcreate and Twrite left in the fid, at its end. */
  void storeWritten(Fid fid) throws ErrnoException {
    Fid.Xattr x = fid.xattr;
    if (x == null || !x.isWrite) {
      return;
    }
    if (x.written != x.value.length) {
      throw EINVAL.error();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(x.value.length);
      MemorySegment.copy(x.value, 0, value, JAVA_BYTE, 0, x.value.length);
      fid.file.setXattr(cString(arena, x.name), value, x.flags);
    }
  }

  static long read(Fid fid, long offset, MemorySegment target) throws ErrnoException {
    Fid.Xattr x = fid.xattr;
    if (x.isWrite) {
      throw EBADF.error();
    }
    if (offset >= x.value.length) {
      return 0;
    }
    int n = (int) Math.min(target.byteSize(), x.value.length - offset);
    MemorySegment.copy(x.value, (int) offset, target, JAVA_BYTE, 0, n);
    return n;
  }

  static long write(Fid fid, long offset, MemorySegment source) throws ErrnoException {
    Fid.Xattr x = fid.xattr;
    if (!x.isWrite) {
      throw EBADF.error();
    }
    if (offset != x.written || source.byteSize() > x.value.length - offset) {
      throw EINVAL.error();
    }
    MemorySegment.copy(source, JAVA_BYTE, 0, x.value, x.written, (int) source.byteSize());
    x.written += (int) source.byteSize();
    return source.byteSize();
  }

  private byte[] value(Fid fid, String name) throws ErrnoException {
    requireReadable(name);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(MAX_VALUE);
      int length = fid.file.getXattr(cString(arena, name), value);
      return value.asSlice(0, length).toArray(JAVA_BYTE);
    }
  }

  private byte[] visibleNames(Fid fid) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment names = arena.allocate(MAX_VALUE);
      int length = fid.file.listXattr(names);
      StringBuilder visible = new StringBuilder();
      for (String name : new String(names.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.ISO_8859_1)
          .split("\0")) {
        if (isReadable(name)) {
          visible.append(name).append('\0');
        }
      }
      return visible.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
  }

  private static boolean isReadable(String name) {
    return name.startsWith(USER) || name.equals(FILE_CAPABILITIES);
  }

  private static void requireReadable(String name) throws ErrnoException {
    if (name.indexOf(0) >= 0) {
      throw EINVAL.error();
    }
    if (!isReadable(name)) {
      throw ENODATA.error();
    }
  }

  private static void requireWritable(Fid fid, String name, int flags) throws ErrnoException {
    if (name.indexOf(0) >= 0 || (flags & ~FLAGS) != 0) {
      throw EINVAL.error();
    }
    if (!name.startsWith(USER)) {
      throw EOPNOTSUPP.error();
    }
    fid.requireWritable();
  }

  private static MemorySegment cString(Arena arena, String text) {
    return arena.allocateFrom(text, StandardCharsets.ISO_8859_1);
  }
}
