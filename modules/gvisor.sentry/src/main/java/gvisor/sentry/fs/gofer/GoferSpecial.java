package gvisor.sentry.fs.gofer;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.p9.FileAttr;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OpenFlags;

/** A fifo, socket or device node. Fifos and sockets may be the host's, if the gofer lets them be. */
final class GoferSpecial extends GoferInode {
  GoferSpecial(GoferSuperblock sb, FileAttr attr, GoferDirectory parent, String name) {
    super(sb, attr, parent, name);
  }

  @Override
  public FileOps openHostFifo(int flags) throws ErrnoException {
    if (sb.hasNoFifos) {
      return null;
    }
    GoferFifo fifo = new GoferFifo(this, flags & OpenFlags.O_ACCMODE);
    try {
      fifo.isOpening();
      return fifo;
    } catch (ErrnoException e) {
      if (e.errno() != EINVAL) {
        throw e;
      }
      sb.hasNoFifos = true;
      return null;
    }
  }

  /** A descriptor of the host's fifo; ENXIO for O_WRONLY while nobody reads; EINVAL when the gofer serves none. */
  HostFd openFifo(int accessMode) throws ErrnoException {
    int fid = acquireFid();
    try {
      return sb.client.open(fid, accessMode).fd();
    } finally {
      releaseFid();
    }
  }

  @Override
  public HostFd connectSocket(int socketType) throws ErrnoException {
    int fid = acquireFid();
    try {
      return sb.client.connect(fid, socketType);
    } finally {
      releaseFid();
    }
  }
}
