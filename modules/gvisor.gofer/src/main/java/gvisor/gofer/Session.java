package gvisor.gofer;

import static gvisor.api.errno.Errno.EBADMSG;
import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOSYS;
import static gvisor.api.errno.Errno.ENOTDIR;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPROTO;
import static gvisor.api.p9.MessageType.*;

import gvisor.api.abi.Stat;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.MessageReader;
import gvisor.api.p9.MessageWriter;
import gvisor.api.p9.P9;
import gvisor.host.Fd;
import gvisor.host.HostFile;
import gvisor.host.P9Socket;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One connection: takes a request, answers it, takes the next. So requests take effect in the order they came in, and by
 * the time a Tflush is read what it wants to flush has been answered. A handler takes all fields of its message, sees to
 * it that none are left, and only then acts.
 */
final class Session implements AutoCloseable {
  private static final int MAX_DEFECTS_TOLD = 10;

  final MessageReader in;
  final MessageWriter out;
  final FidTable fids = new FidTable();
  final Attributes attributes = new Attributes();

  /** Names of the request, each ending in a zero byte. */
  final MemorySegment name;

  final MemorySegment secondName;

  /** A longer text of the request, ending in a zero byte; or what a host call fills. */
  final MemorySegment text;

  final MemorySegment stat;

  /** What may be reached beside files. */
  final HostAccess access;

  private final P9Socket socket;
  private final List<Gofer.Root> roots;
  private final MemorySegment request;
  private final MemorySegment reply;
  private final TreeMessages tree = new TreeMessages(this);
  private final DataMessages data = new DataMessages(this);
  private final XattrMessages xattrs = new XattrMessages(this);
  private final SocketMessages sockets = new SocketMessages(this, tree);

  /** Goes out beside the reply and is closed then; or null. */
  private Fd replyFd;

  private int defects;
  private boolean isVersioned;
  private boolean isExtended;

  Session(P9Socket socket, List<Gofer.Root> roots, HostAccess access) {
    this.socket = socket;
    this.roots = roots;
    this.access = access;
    request = socket.newBuffer(P9.MAX_MESSAGE);
    reply = socket.newBuffer(P9.MAX_MESSAGE);
    in = new MessageReader(request, EBADMSG);
    out = new MessageWriter(reply);
    name = socket.newBuffer(P9.MAX_NAME + 1L);
    secondName = socket.newBuffer(P9.MAX_NAME + 1L);
    text = socket.newBuffer(P9.MAX_TARGET + 1L);
    stat = socket.newBuffer(Stat.SIZE);
  }

  /** Serves until the peer is gone or sends what is no message. */
  void run() {
    try {
      long received = socket.receive(request);
      while (received > 0 && in.begin(received)) {
        answer();
        received = socket.receive(request);
      }
    } catch (ErrnoException e) {
      // The peer is gone in the middle of something: there is nobody to tell.
      return;
    }
  }

  /** How many requests failed by a defect of this server. */
  int defects() {
    return defects;
  }

  @Override
  public void close() {
    fids.close();
    socket.close();
  }

  /** Has {@code fd} go out beside the reply; owns it from now on. */
  void replyWith(Fd fd) {
    replyFd = fd;
  }

  /** The attributes of {@code file} now, until the next call. */
  FileAttr attrOf(HostFile file) throws ErrnoException {
    file.stat(stat);
    return attributes.of(stat);
  }

  /** Puts the attributes of {@code file} into the reply, as the extensions carry them. */
  void putStat(HostFile file) throws ErrnoException {
    file.stat(stat);
    out.statAttr(attributes.qidPath(stat), stat);
  }

  /** Puts the qid of {@code file} into the reply. */
  void putQid(HostFile file) throws ErrnoException {
    FileAttr a = attrOf(file);
    out.qid(a.qidType, a.qidVersion, a.qidPath);
  }

  private void answer() throws ErrnoException {
    int type = in.type();
    int tag = in.tag();
    out.begin(type + 1, tag);
    Errno failure = null;
    try {
      dispatch(type);
    } catch (ErrnoException e) {
      failure = e.errno();
    } catch (RuntimeException e) {
      // A defect here must not take the container's files away, nor fill the disk with what it is.
      failure = EIO;
      if (defects++ < MAX_DEFECTS_TOLD) {
        System.err.println("gofer: request of type " + type + " failed: " + e + " at " + e.getStackTrace()[0]);
      }
    }
    Fd fd = replyFd;
    replyFd = null;
    try {
      if (failure != null) {
        out.begin(R_LERROR, tag).u32(failure.number());
      }
      long length = out.finish();
      if (fd != null && failure == null) {
        socket.send(reply, length, fd);
      } else {
        socket.send(reply, length);
      }
    } finally {
      if (fd != null) {
        fd.close();
      }
    }
  }

  private void dispatch(int type) throws ErrnoException {
    if (type == T_VERSION) {
      version();
      return;
    }
    if (!isVersioned) {
      throw EPROTO.error();
    }
    if (type >= FIRST_EXTENSION && !isExtended) {
      throw EOPNOTSUPP.error();
    }
    switch (type) {
      case T_WALKATTR -> walkAttr();
      case T_OPENFD -> tree.openFd();
      case T_WALKOPENFD -> tree.walkOpenFd();
      case T_CREATEFD -> tree.createFd();
      case T_READDIRATTR -> data.readdirAttr();
      case T_CLUNKS -> clunks();
      case T_GETATTR -> getattr();
      case T_READLINK -> tree.readlink();
      case T_SETATTR -> tree.setattr(false);
      case T_SETATTRX -> tree.setattr(true);
      case T_MAKE -> tree.make();
      case T_UNLINKAT -> tree.unlinkat();
      case T_RENAMEX -> tree.renameat(true);
      case T_RENAMEAT -> tree.renameat(false);
      case T_CONNECT -> sockets.connect();
      case T_BIND -> sockets.bind();
      case T_LISTEN -> sockets.listen();
      case T_LINK -> tree.link();
      case T_ATTACH -> attach();
      case T_WALK -> walk();
      case T_CLUNK -> clunk();
      case T_FLUSH -> flush();
      case T_STATFS -> data.statfs();
      case T_FSYNC -> data.fsync();
      case T_LOPEN -> tree.lopen();
      case T_LCREATE -> tree.lcreate();
      case T_SYMLINK -> tree.symlink();
      case T_MKNOD -> tree.mknod();
      case T_MKDIR -> tree.mkdir();
      case T_READ -> data.read();
      case T_WRITE -> data.write();
      case T_READDIR -> data.readdir();
      case T_LOCK -> data.lock();
      case T_GETLOCK -> data.getlock();
      case T_GETXATTR -> xattrs.get();
      case T_LISTXATTR -> xattrs.list();
      case T_SETXATTR -> xattrs.set();
      case T_REMOVEXATTR -> xattrs.remove();
      case T_XATTRWALK -> xattrs.walk();
      case T_XATTRCREATE -> xattrs.create();
      case T_REMOVE -> remove();
      // A fid does not know its name here; every client of 9P2000.L falls back to, or starts with, Trenameat.
      case T_RENAME -> throw EOPNOTSUPP.error();
      case T_AUTH -> throw EOPNOTSUPP.error();
      default -> throw ENOSYS.error();
    }
  }

  private void version() throws ErrnoException {
    int size = in.u32();
    String version = in.string(P9.MAX_NAME);
    in.end();
    if (Integer.compareUnsigned(size, P9.MIN_MESSAGE) < 0) {
      throw EINVAL.error();
    }
    fids.close();
    boolean extended = version.equals(P9.VERSION_EXTENDED);
    isVersioned = extended || version.equals(P9.VERSION);
    isExtended = extended;
    int agreed = Integer.compareUnsigned(size, P9.MAX_MESSAGE) > 0 ? P9.MAX_MESSAGE : size;
    out.u32(agreed).string(isVersioned ? version : "unknown");
    out.limit(agreed);
  }

  private void attach() throws ErrnoException {
    int number = in.u32();
    in.u32();
    in.string(P9.MAX_NAME);
    String attachName = in.string(P9.MAX_TARGET);
    in.u32();
    in.end();
    fids.requireFree(number);
    for (Gofer.Root root : roots) {
      if (root.name().equals(attachName)) {
        Fid fid = new Fid(root, root.file().duplicate(), true);
        fids.put(number, fid);
        putQid(fid.file);
        return;
      }
    }
    throw ENOENT.error();
  }

  private void walk() throws ErrnoException {
    int number = in.u32();
    int newNumber = in.u32();
    Fid from = fids.get(number);
    int count = walkCount(from);
    if (newNumber != number) {
      fids.requireFree(newNumber);
    }
    long countAt = out.reserve(2);
    int found = walkNames(from, count, newNumber, false);
    if (found == 0 && count > 0) {
      throw ENOENT.error();
    }
    out.patchU16(countAt, found);
  }

  private void walkAttr() throws ErrnoException {
    Fid from = fids.get(in.u32());
    int newNumber = in.u32();
    int count = walkCount(from);
    if (newNumber != P9.NO_FID) {
      fids.requireFree(newNumber);
    }
    long countAt = out.reserve(2);
    out.patchU16(countAt, walkNames(from, count, newNumber, true));
  }

  private int walkCount(Fid from) throws ErrnoException {
    int count = in.u16();
    if (count > P9.MAX_NAMES) {
      throw EINVAL.error();
    }
    if (from.isOpen || from.xattr != null) {
      throw EBUSY.error();
    }
    return count;
  }

  /** Walks as far as names exist, putting attributes or qids; binds {@code newNumber} when all do. */
  private int walkNames(Fid from, int count, int newNumber, boolean attr) throws ErrnoException {
    HostFile at = from.file;
    int found = 0;
    try {
      while (found < count) {
        in.name(name);
        HostFile next = step(at, found == 0);
        if (next == null) {
          return found;
        }
        if (at != from.file) {
          at.close();
        }
        at = next;
        if (attr) {
          out.statAttr(attributes.qidPath(stat), stat);
        } else {
          FileAttr a = attributes.of(stat);
          out.qid(a.qidType, a.qidVersion, a.qidPath);
        }
        found++;
      }
      in.end();
      if (newNumber != P9.NO_FID) {
        bindWalked(from, at == from.file ? at.duplicate() : at, newNumber, count == 0 && from.isRoot);
        at = from.file;
      }
      return found;
    } finally {
      if (at != from.file) {
        at.close();
      }
    }
  }

  /** The child, or null when there is none; an error on the way is one only for the first name, as 9P has it. */
  private HostFile step(HostFile at, boolean first) throws ErrnoException {
    try {
      return at.walk(name, stat);
    } catch (ErrnoException e) {
      if (first && e.errno() != ENOTDIR) {
        throw e;
      }
      return null;
    }
  }

  private void bindWalked(Fid from, HostFile file, int newNumber, boolean isRoot) {
    Fid old = fids.remove(newNumber);
    fids.put(newNumber, new Fid(from.root, file, isRoot));
    if (old != null) {
      old.close();
    }
  }

  private void getattr() throws ErrnoException {
    Fid fid = fids.get(in.u32());
    in.u64();
    in.end();
    out.attr(attrOf(fid.file));
  }

  private void flush() throws ErrnoException {
    in.u16();
    in.end();
  }

  private void clunk() throws ErrnoException {
    int number = in.u32();
    in.end();
    Fid fid = fids.get(number);
    fids.remove(number);
    try (fid) {
      xattrs.storeWritten(fid);
    }
  }

  private void clunks() throws ErrnoException {
    int count = in.u16();
    if (count > P9.MAX_CLUNKS) {
      throw EINVAL.error();
    }
    for (int i = 0; i < count; i++) {
      Fid fid = fids.remove(in.u32());
      if (fid != null) {
        fid.close();
      }
    }
    in.end();
  }

  /** Tremove gives the fid up whatever becomes of the file; the file itself is removed through Tunlinkat. */
  private void remove() throws ErrnoException {
    int number = in.u32();
    in.end();
    fids.get(number);
    fids.remove(number).close();
    throw EOPNOTSUPP.error();
  }
}
