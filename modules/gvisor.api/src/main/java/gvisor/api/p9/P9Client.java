package gvisor.api.p9;

import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ENOSYS;
import static gvisor.api.errno.Errno.ERANGE;
import static gvisor.api.p9.MessageType.*;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.p9.P9Connection.Call;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The Sentry's side of a connection to a gofer. Every method is one round trip and blocks for it; any thread may call.
 * Failures are the errno the server gave, or EIO once the connection is broken (the gofer died or broke the protocol);
 * it never recovers from that.
 *
 * <p>Fids are numbers the client gives out: {@link #newFid} before the call that binds one, {@link #clunk} when it is
 * done with; a call that fails to bind gives its new fid back itself.
 */
public final class P9Client implements AutoCloseable {
  /** Takes one entry of {@link #readDirectory}. */
  public interface EntrySink {
    /** An entry; {@code next} is the offset to go on from. {@code attr} and {@code name} are the receiver's to keep. */
    void entry(String name, FileAttr attr, long next);
  }

  /** What {@link #open} and {@link #create} give: attributes and, the caller's own, the descriptor. */
  public record Opened(FileAttr attr, HostFd fd) {}

  private final P9Connection connection;
  private final ReentrantLock fidLock = new ReentrantLock();
  private int[] freeFids = new int[256];
  private int freeFidCount;
  private int nextFid;
  private int[] pendingClunks = new int[P9.MAX_CLUNKS];
  private int pendingClunkCount;

  /**
   * Agrees on version and message size over {@code transport}, which the client then owns.
   *
   * @throws ErrnoException ENOSYS when the server does not know our extensions; EIO when it is no 9P server
   */
  public P9Client(P9Transport transport) throws ErrnoException {
    connection = new P9Connection(transport);
    Call c = connection.begin(T_VERSION);
    try {
      c.request.u32(P9.MAX_MESSAGE).string(P9.VERSION_EXTENDED);
      connection.transact(c);
      int size = c.reply.u32();
      String version = c.reply.string(64);
      c.reply.end();
      if (size < P9.MIN_MESSAGE || size > P9.MAX_MESSAGE) {
        throw EIO.error();
      }
      if (!version.equals(P9.VERSION_EXTENDED)) {
        throw ENOSYS.error();
      }
      connection.messageSize(size);
    } catch (ErrnoException e) {
      connection.close();
      throw e;
    } finally {
      connection.end(c);
    }
  }

  /** Whether the server is gone for good. */
  public boolean isBroken() {
    return connection.isBroken();
  }

  /** A number no live fid has. */
  public int newFid() {
    fidLock.lock();
    try {
      return freeFidCount > 0 ? freeFids[--freeFidCount] : nextFid++;
    } finally {
      fidLock.unlock();
    }
  }

  /** Binds {@code fid} to the root of the attach point {@code name}. */
  public FileAttr attach(int fid, String name) throws ErrnoException {
    Call c = connection.begin(T_ATTACH);
    try {
      c.request.u32(fid).u32(P9.NO_FID).string("").string(name).u32(P9.NO_UID);
      connection.transact(c);
    } catch (ErrnoException e) {
      forget(fid);
      throw e;
    } finally {
      connection.end(c);
    }
    return getAttr(fid);
  }

  /**
   * Walks {@code count} names down from {@code fid} as far as they exist; symbolic links are not followed, so one ends
   * the walk after its own name. Binds {@code newFid}, unless it is NO_FID, when all were found; if not, the caller
   * may use its number again.
   *
   * @param attrs gets the attributes of each that was found
   * @return how many were found: less than {@code count} when a name does not exist or is below what is no directory
   */
  public int walk(int fid, int newFid, String[] names, int count, FileAttr[] attrs) throws ErrnoException {
    Call c = connection.begin(T_WALKATTR);
    try {
      c.request.u32(fid).u32(newFid).u16(count);
      for (int i = 0; i < count; i++) {
        c.request.string(names[i]);
      }
      connection.transact(c);
      int found = c.reply.u16();
      if (found > count) {
        throw broken();
      }
      for (int i = 0; i < found; i++) {
        attrs[i] = c.reply.statAttr();
      }
      finish(c);
      return found;
    } finally {
      connection.end(c);
    }
  }

  /** A second fid for the same file. */
  public void cloneFid(int fid, int newFid) throws ErrnoException {
    walk(fid, newFid, null, 0, null);
  }

  /** {@code stat(2)}. */
  public FileAttr getAttr(int fid) throws ErrnoException {
    Call c = connection.begin(T_GETATTR);
    try {
      c.request.u32(fid).u64(P9.GET_BASIC);
      connection.transact(c);
      FileAttr attr = c.reply.attr();
      finish(c);
      return attr;
    } finally {
      connection.end(c);
    }
  }

  /** Changes attributes; returns them all as they are then. */
  public FileAttr setAttr(int fid, SetAttr change) throws ErrnoException {
    Call c = connection.begin(T_SETATTRX);
    try {
      c.request.u32(fid).setAttr(change);
      connection.transact(c);
      FileAttr attr = c.reply.statAttr();
      finish(c);
      return attr;
    } finally {
      connection.end(c);
    }
  }

  /** Opens a regular file: {@code flags} are O_RDONLY, O_WRONLY or O_RDWR and may have O_TRUNC. */
  public Opened open(int fid, int flags) throws ErrnoException {
    Call c = connection.begin(T_OPENFD);
    try {
      c.request.u32(fid).u32(flags);
      connection.transact(c);
      FileAttr attr = c.reply.statAttr();
      finish(c);
      return opened(c, attr);
    } finally {
      connection.end(c);
    }
  }

  /** Walks to the regular file {@code name}, binding {@code newFid} to it, and opens it as {@link #open} does. */
  public Opened walkOpen(int directoryFid, int newFid, String name, int flags) throws ErrnoException {
    Call c = connection.begin(T_WALKOPENFD);
    try {
      c.request.u32(directoryFid).u32(newFid).u32(flags).string(name);
      connection.transact(c);
      FileAttr attr = c.reply.statAttr();
      finish(c);
      return opened(c, attr);
    } finally {
      connection.end(c);
    }
  }

  /** Makes a regular file that must not be there yet, opens it and binds {@code newFid} to it. */
  public Opened create(int directoryFid, int newFid, String name, int flags, int mode, int uid, int gid)
      throws ErrnoException {
    Call c = connection.begin(T_CREATEFD);
    try {
      c.request.u32(directoryFid).u32(newFid).u32(flags).u32(mode).u32(uid).u32(gid).string(name);
      connection.transact(c);
      FileAttr attr = c.reply.statAttr();
      finish(c);
      return opened(c, attr);
    } finally {
      connection.end(c);
    }
  }

  /**
   * Makes a directory, symbolic link, fifo, socket or device, as the type in {@code mode} says, and binds
   * {@code newFid} to it.
   *
   * @param target of a symbolic link; empty for others
   */
  public FileAttr make(int directoryFid, int newFid, String name, int mode, int uid, int gid, int major, int minor,
      String target) throws ErrnoException {
    Call c = connection.begin(T_MAKE);
    try {
      c.request.u32(directoryFid).u32(newFid).u32(mode).u32(uid).u32(gid).u32(major).u32(minor).string(name)
          .string(target);
      connection.transact(c);
      FileAttr attr = c.reply.statAttr();
      finish(c);
      return attr;
    } finally {
      connection.end(c);
    }
  }

  /** Connects to the socket that {@code fid} is; the connected one is the caller's own. */
  public HostFd connect(int fid, int socketType) throws ErrnoException {
    Call c = connection.begin(T_CONNECT);
    try {
      c.request.u32(fid).u32(socketType);
      connection.transact(c);
      finish(c);
      return opened(c, null).fd();
    } finally {
      connection.end(c);
    }
  }

  /** Makes a socket called {@code name} and binds {@code newFid} to it, for {@link #listen}. */
  public Opened bind(int directoryFid, int newFid, String name, int socketType, int mode, int uid, int gid)
      throws ErrnoException {
    Call c = connection.begin(T_BIND);
    try {
      c.request.u32(directoryFid).u32(newFid).u32(socketType).u32(mode).u32(uid).u32(gid).string(name);
      connection.transact(c);
      FileAttr attr = c.reply.statAttr();
      finish(c);
      return opened(c, attr);
    } finally {
      connection.end(c);
    }
  }

  /** {@code listen(2)} on a socket that {@link #bind} has made. */
  public void listen(int fid, int backlog) throws ErrnoException {
    Call c = connection.begin(T_LISTEN);
    try {
      c.request.u32(fid).u32(backlog);
      connection.transact(c);
      finish(c);
    } finally {
      connection.end(c);
    }
  }

  /** {@code link(2)}: one more name for {@code fid}. */
  public void link(int directoryFid, int fid, String name) throws ErrnoException {
    Call c = connection.begin(T_LINK);
    try {
      c.request.u32(directoryFid).u32(fid).string(name);
      connection.transact(c);
      finish(c);
    } finally {
      connection.end(c);
    }
  }

  /** {@code unlinkat(2)}; {@code flags} 0 or AT_REMOVEDIR. */
  public void unlink(int directoryFid, String name, int flags) throws ErrnoException {
    Call c = connection.begin(T_UNLINKAT);
    try {
      c.request.u32(directoryFid).string(name).u32(flags);
      connection.transact(c);
      finish(c);
    } finally {
      connection.end(c);
    }
  }

  /** {@code renameat2(2)}. */
  public void rename(int oldDirectoryFid, String oldName, int newDirectoryFid, String newName, int flags)
      throws ErrnoException {
    Call c = connection.begin(T_RENAMEX);
    try {
      c.request.u32(oldDirectoryFid).u32(newDirectoryFid).u32(flags).string(oldName).string(newName);
      connection.transact(c);
      finish(c);
    } finally {
      connection.end(c);
    }
  }

  /** {@code readlink(2)}. */
  public String readLink(int fid) throws ErrnoException {
    Call c = connection.begin(T_READLINK);
    try {
      c.request.u32(fid);
      connection.transact(c);
      String target = c.reply.string(P9.MAX_TARGET);
      finish(c);
      return target;
    } finally {
      connection.end(c);
    }
  }

  /**
   * Some entries of a directory, without {@code .} and {@code ..}.
   *
   * @param offset 0, or {@code next} of the last entry before
   * @return how many; 0 is the end
   */
  public int readDirectory(int fid, long offset, EntrySink sink) throws ErrnoException {
    Call c = connection.begin(T_READDIRATTR);
    try {
      c.request.u32(fid).u64(offset).u32(P9.MAX_DATA);
      connection.transact(c);
      int count = c.reply.u16();
      for (int i = 0; i < count; i++) {
        long next = c.reply.u64();
        FileAttr attr = c.reply.statAttr();
        String name = c.reply.string(P9.MAX_NAME);
        if (name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('/') >= 0
            || name.indexOf(0) >= 0) {
          throw broken();
        }
        sink.entry(name, attr, next);
      }
      finish(c);
      return count;
    } finally {
      connection.end(c);
    }
  }

  /** {@code statfs(2)}. */
  public FsStat statFs(int fid) throws ErrnoException {
    Call c = connection.begin(T_STATFS);
    try {
      c.request.u32(fid);
      connection.transact(c);
      MessageReader r = c.reply;
      FsStat s = new FsStat(r.u32(), r.u32(), r.u64(), r.u64(), r.u64(), r.u64(), r.u64(), r.u64(), r.u32());
      finish(c);
      return s;
    } finally {
      connection.end(c);
    }
  }

  /**
   * The value of an extended attribute, into the start of {@code out}.
   *
   * @return its length; with an empty {@code out} the length is all that is asked for
   * @throws ErrnoException ENODATA, EOPNOTSUPP; ERANGE when it does not fit
   */
  public int getXattr(int fid, String name, byte[] out) throws ErrnoException {
    Call c = connection.begin(T_GETXATTR);
    try {
      c.request.u32(fid).u32(out.length).string(name);
      connection.transact(c);
      return takeBytes(c, out);
    } finally {
      connection.end(c);
    }
  }

  /** The names of the extended attributes, each ended by a zero byte; otherwise as {@link #getXattr}. */
  public int listXattr(int fid, byte[] out) throws ErrnoException {
    Call c = connection.begin(T_LISTXATTR);
    try {
      c.request.u32(fid).u32(out.length);
      connection.transact(c);
      return takeBytes(c, out);
    } finally {
      connection.end(c);
    }
  }

  /** {@code setxattr(2)}; {@code flags} 0, XATTR_CREATE or XATTR_REPLACE. */
  public void setXattr(int fid, String name, byte[] value, int length, int flags) throws ErrnoException {
    Call c = connection.begin(T_SETXATTR);
    try {
      c.request.u32(fid).u32(flags).string(name).u32(length)
          .bytes(MemorySegment.ofArray(value).asSlice(0, length));
      connection.transact(c);
      finish(c);
    } finally {
      connection.end(c);
    }
  }

  /** {@code removexattr(2)}. */
  public void removeXattr(int fid, String name) throws ErrnoException {
    Call c = connection.begin(T_REMOVEXATTR);
    try {
      c.request.u32(fid).string(name);
      connection.transact(c);
      finish(c);
    } finally {
      connection.end(c);
    }
  }

  /** {@code fsync(2)} of a file or directory. */
  public void sync(int fid, boolean dataOnly) throws ErrnoException {
    Call c = connection.begin(T_FSYNC);
    try {
      c.request.u32(fid).u32(dataOnly ? 1 : 0);
      connection.transact(c);
      finish(c);
    } finally {
      connection.end(c);
    }
  }

  /** Forgets {@code fid} some time soon; never fails, and rarely costs a round trip. */
  public void clunk(int fid) {
    int[] batch;
    fidLock.lock();
    try {
      pendingClunks[pendingClunkCount++] = fid;
      if (pendingClunkCount < P9.MAX_CLUNKS) {
        return;
      }
      batch = pendingClunks;
      pendingClunks = new int[P9.MAX_CLUNKS];
      pendingClunkCount = 0;
    } finally {
      fidLock.unlock();
    }
    try {
      sendClunks(batch);
    } catch (ErrnoException e) {
      // The connection is broken, and the server's fids went with it.
      return;
    }
    for (int f : batch) {
      forget(f);
    }
  }

  /** As {@link #clunk}, at once: for a fid whose end is to be seen by others. */
  public void clunkNow(int fid) {
    try {
      sendClunks(new int[] {fid});
    } catch (ErrnoException e) {
      // The connection is broken, and the server's fids went with it.
      return;
    }
    forget(fid);
  }

  /** Gives back the number of a fid that was never bound. */
  public void forget(int fid) {
    fidLock.lock();
    try {
      if (freeFidCount == freeFids.length) {
        freeFids = java.util.Arrays.copyOf(freeFids, freeFids.length * 2);
      }
      freeFids[freeFidCount++] = fid;
    } finally {
      fidLock.unlock();
    }
  }

  /** Ends the connection; the server then ends, too. Calls under way are EIO. */
  @Override
  public void close() {
    connection.close();
  }

  private void sendClunks(int[] fids) throws ErrnoException {
    Call c = connection.begin(T_CLUNKS);
    try {
      c.request.u16(fids.length);
      for (int fid : fids) {
        c.request.u32(fid);
      }
      connection.transact(c);
      finish(c);
    } finally {
      connection.end(c);
    }
  }

  private int takeBytes(Call c, byte[] out) throws ErrnoException {
    long length = Integer.toUnsignedLong(c.reply.u32());
    if (out.length == 0) {
      finish(c);
      if (length > 0x10000) {
        throw broken();
      }
      return (int) length;
    }
    if (length > out.length) {
      throw length > 0x10000 ? broken() : ERANGE.error();
    }
    long base = c.reply.take(length);
    MemorySegment.copy(c.reply.segment(), JAVA_BYTE, base, out, 0, (int) length);
    finish(c);
    return (int) length;
  }

  private Opened opened(Call c, FileAttr attr) throws ErrnoException {
    HostFd fd = c.fd;
    c.fd = null;
    if (fd == null) {
      throw broken();
    }
    return new Opened(attr, fd);
  }

  /** The reply has been read whole. */
  private void finish(Call c) throws ErrnoException {
    if (c.reply.remaining() != 0) {
      throw broken();
    }
  }

  private ErrnoException broken() {
    connection.breakOff();
    return EIO.error();
  }
}
