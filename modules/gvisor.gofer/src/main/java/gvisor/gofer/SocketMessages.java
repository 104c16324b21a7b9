package gvisor.gofer;

import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPROTOTYPE;
import static gvisor.api.errno.Errno.ESTALE;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.HostFile;

/** Messages about AF_UNIX sockets of the host, where {@link HostAccess} lets the peer have them. */
final class SocketMessages {
  private static final int SOCK_STREAM = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int SOCK_SEQPACKET = 5;
  private static final int S_IFSOCK = 0140000;

  /** Most that Linux lets wait by default, net.core.somaxconn. */
  private static final int MAX_BACKLOG = 4096;

  private final Session s;
  private final TreeMessages tree;

  SocketMessages(Session session, TreeMessages tree) {
    this.s = session;
    this.tree = tree;
  }

  void connect() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    int type = s.in.u32();
    s.in.end();
    if (!s.access.connects()) {
      throw ECONNREFUSED.error();
    }
    requireType(type);
    s.replyWith(fid.file.connect(type));
  }

  void bind() throws ErrnoException {
    Fid directory = s.fids.get(s.in.u32());
    int newNumber = s.in.u32();
    int type = s.in.u32();
    int mode = s.in.u32();
    int uid = s.in.u32();
    int gid = s.in.u32();
    s.in.name(s.name);
    s.in.end();
    s.fids.requireFree(newNumber);
    if (!s.access.binds()) {
      throw EOPNOTSUPP.error();
    }
    requireType(type);
    directory.requireWritable();
    Fd socket = directory.file.bindSocket(s.name, type);
    Fid fid = null;
    try {
      fid = new Fid(directory.root, made(directory, mode, uid, gid), false);
      fid.socket = socket.duplicate();
      s.putStat(fid.file);
    } catch (ErrnoException e) {
      if (fid != null) {
        fid.close();
      }
      socket.close();
      directory.file.unlink(s.name, false);
      throw e;
    }
    s.fids.put(newNumber, fid);
    s.replyWith(socket);
  }

  private HostFile made(Fid directory, int mode, int uid, int gid) throws ErrnoException {
    HostFile file = directory.file.walk(s.name, s.stat);
    if (file == null) {
      throw ESTALE.error();
    }
    try {
      // As for what Tmake makes: the name may be somebody else's by now.
      if (file.type() != S_IFSOCK) {
        throw ESTALE.error();
      }
      tree.own(file, mode & 07777, uid, gid);
      return file;
    } catch (ErrnoException e) {
      file.close();
      throw e;
    }
  }

  void listen() throws ErrnoException {
    Fid fid = s.fids.get(s.in.u32());
    int backlog = s.in.u32();
    s.in.end();
    if (fid.socket == null || backlog < 0) {
      throw EINVAL.error();
    }
    fid.socket.listen(Math.min(backlog, MAX_BACKLOG));
  }

  private static void requireType(int type) throws ErrnoException {
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) {
      throw EPROTOTYPE.error();
    }
  }
}
