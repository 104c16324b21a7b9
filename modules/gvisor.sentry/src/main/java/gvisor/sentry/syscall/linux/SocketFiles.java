package gvisor.sentry.syscall.linux;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.AF_INET6;
import static gvisor.api.abi.SocketAbi.SOCKADDR_STORAGE;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOTSOCK;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketLayer;
import gvisor.sentry.socket.inet.InetFamily;
import gvisor.sentry.socket.netlink.NetlinkFamily;
import gvisor.sentry.socket.unix.UnixFamily;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.OpenFlags;

/** Sockets as open files, and addresses in application memory. */
public final class SocketFiles {
  private SocketFiles() {}

  /** The sockets' share of the kernel, with every address family. */
  public static SocketLayer layer(Kernel kernel) {
    return kernel.part(SocketLayer.class, SocketFiles::newLayer);
  }

  private static SocketLayer newLayer(Kernel kernel) {
    SocketLayer layer = new SocketLayer(kernel.host());
    layer.register(new UnixFamily());
    layer.register(new InetFamily(AF_INET));
    layer.register(new InetFamily(AF_INET6));
    layer.register(new NetlinkFamily());
    return layer;
  }

  /** What the task's network namespace has. */
  public static Network network(Task t) {
    Kernel kernel = t.kernel();
    return t.netNamespace().registry(Network.class, () -> new Network(layer(kernel)));
  }

  /** The socket that {@code f} is; ENOTSOCK. */
  static Socket socket(FileDescription f) throws ErrnoException {
    if (f.ops() instanceof Socket socket) {
      return socket;
    }
    throw ENOTSOCK.error();
  }

  /** A descriptor for {@code socket}. */
  static int install(Task t, Socket socket, boolean nonblocking, boolean cloexec) throws ErrnoException {
    return t.fds().install(open(t, socket, nonblocking), cloexec, t.fdLimit());
  }

  /** The open file that {@code socket} becomes; ENFILE, and the socket is closed then. */
  static FileDescription open(Task t, Socket socket, boolean nonblocking) throws ErrnoException {
    try {
      socket.count();
    } catch (ErrnoException e) {
      socket.close();
      throw e;
    }
    FileDescription file = AnonFile.open(t, t.kernel().vfs(), socket, Inode.S_IFSOCK | 0777, "socket",
        OpenFlags.O_RDWR | (nonblocking ? OpenFlags.O_NONBLOCK : 0));
    socket.setInode(file.inode().ino());
    return file;
  }

  /** Copies an address in; EINVAL when it is too long. */
  static void readAddress(Task t, AddrBuffer into, long addr, int length) throws ErrnoException {
    if (length < 0 || length > SOCKADDR_STORAGE) {
      throw EINVAL.error();
    }
    into.length = 0;
    if (length > 0) {
      t.mm().copyIn(addr, into.segment(), 0, length);
      into.length = length;
    }
  }

  /** Copies an address out, cut to the room that the word at {@code lengthAddr} says; the word becomes its length. */
  static void writeAddress(Task t, AddrBuffer from, long addr, long lengthAddr) throws ErrnoException {
    int room = t.mm().readInt(lengthAddr);
    if (room < 0) {
      throw EINVAL.error();
    }
    t.mm().copyOut(addr, from.segment(), 0, Math.min(room, from.length));
    t.mm().writeInt(lengthAddr, from.length);
  }

  /** When a wait of {@code timeoutNanos} from now ends. */
  static long deadline(Task t, long timeoutNanos) {
    return timeoutNanos < 0 ? Task.FOREVER : t.kernel().host().clock().monotonicNanos() + timeoutNanos;
  }
}
