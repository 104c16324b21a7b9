package gvisor.sentry.syscall.linux;

import static gvisor.api.abi.SocketAbi.*;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOBUFS;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.Rlimits;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketCreds;
import gvisor.sentry.vfs.FileDescription;
import java.util.Arrays;

/** Control messages in application memory: {@code struct cmsghdr} ({@code man 3 cmsg}). */
final class SocketControl {
  /** {@code /proc/sys/net/core/optmem_max}. */
  private static final long MAX_LENGTH = 131_072;

  private static final int IP_TOS = 1;
  private static final int IP_TTL = 2;
  private static final int IP_PKTINFO = 8;
  private static final int IPV6_PKTINFO = 50;
  private static final int IPV6_HOPLIMIT = 52;
  private static final int IPV6_TCLASS = 67;
  private static final int IPV6_FLOWINFO = 11;
  private static final int IPV6_DONTFRAG = 62;
  private static final int UDP_SEGMENT = 103;
  private static final int MAX_PASSED = 32;

  private SocketControl() {}

  // ---- sending ----

  /**
   * Reads the control messages of a send into {@code m}. The caller closes {@code m.files} left after the send.
   *
   * @throws ErrnoException EINVAL for a malformed one, EBADF, EPERM for credentials that are not the sender's, ENOBUFS
   */
  static void read(Task t, Socket s, Message m, long addr, long length) throws ErrnoException {
    if (length < 0 || length > MAX_LENGTH) {
      throw ENOBUFS.error();
    }
    MemoryManager mm = t.mm();
    long at = 0;
    while (length - at >= CMSG_HEADER) {
      long size = mm.readLong(addr + at);
      if (size < CMSG_HEADER || size > length - at) {
        throw EINVAL.error();
      }
      int level = mm.readInt(addr + at + 8);
      int type = mm.readInt(addr + at + 12);
      long data = addr + at + CMSG_HEADER;
      int dataLength = (int) (size - CMSG_HEADER);
      if (s.family() == AF_UNIX || s.family() == AF_NETLINK) {
        if (level == SOL_SOCKET) {
          readPassed(t, s, m, type, data, dataLength);
        }
      } else if (s.passesControl()) {
        pass(mm, m, level, type, data, dataLength);
      } else if (s.type() == SOCK_DGRAM) {
        readInet(t, s, m, level, type, data, dataLength);
      }
      at += size + 7 & ~7L;
    }
  }

  private static void readPassed(Task t, Socket s, Message m, int type, long data, int length) throws ErrnoException {
    switch (type) {
      case SCM_RIGHTS -> {
        if (s.family() != AF_UNIX) {
          throw EINVAL.error();
        }
        readFiles(t, m, data, length);
      }
      case SCM_CREDENTIALS -> {
        if (length != SocketCreds.SIZE) {
          throw EINVAL.error();
        }
        int pid = t.mm().readInt(data);
        int uid = t.mm().readInt(data + 4);
        int gid = t.mm().readInt(data + 8);
        checkCreds(t, pid, uid, gid);
        m.creds = new SocketCreds(pid, uid, gid);
      }
      default -> throw EINVAL.error();
    }
  }

  private static void checkCreds(Task t, int pid, int uid, int gid) throws ErrnoException {
    Credentials c = t.creds();
    boolean pidOk = pid == t.tgid() || c.has(Capability.CAP_SYS_ADMIN);
    boolean uidOk = uid == c.uid() || uid == c.euid() || uid == c.suid() || c.has(Capability.CAP_SETUID);
    boolean gidOk = gid == c.gid() || gid == c.egid() || gid == c.sgid() || c.has(Capability.CAP_SETGID);
    if (!pidOk || !uidOk || !gidOk) {
      throw EPERM.error();
    }
  }

  private static void readFiles(Task t, Message m, long data, int length) throws ErrnoException {
    int count = length / 4;
    int before = m.files == null ? 0 : m.files.length;
    if (before + count > SCM_MAX_FD) {
      throw EINVAL.error();
    }
    if (count == 0) {
      return;
    }
    boolean isPrivileged = t.creds().has(Capability.CAP_SYS_RESOURCE) || t.creds().has(Capability.CAP_SYS_ADMIN);
    m.inFlightLimit = isPrivileged ? Rlimits.NR_OPEN : t.fdLimit();
    FileDescription[] files = new FileDescription[count];
    int have = 0;
    try {
      for (; have < count; have++) {
        files[have] = t.fds().getAny(t.mm().readInt(data + 4L * have));
      }
    } finally {
      if (have < count) {
        for (int i = 0; i < have; i++) {
          files[i].close();
        }
      }
    }
    if (before > 0) {
      FileDescription[] both = Arrays.copyOf(m.files, before + count);
      System.arraycopy(files, 0, both, before, count);
      files = both;
    }
    m.files = files;
  }

  private static void readInet(Task t, Socket s, Message m, int level, int type, long data, int length)
      throws ErrnoException {
    MemoryManager mm = t.mm();
    if (level == SOL_IP) {
      switch (type) {
        case IP_PKTINFO -> {
          requireLength(length, 12);
          int source = Integer.reverseBytes(mm.readInt(data + 4));
          if (source != 0) {
            m.hasSource = true;
            m.sourceHigh = 0;
            m.sourceLow = 0xffff_0000_0000L | source & 0xffff_ffffL;
          }
        }
        case IP_TTL -> m.ttl = readByte(mm, data, length, 1);
        case IP_TOS -> m.tos = readByte(mm, data, length, 0);
        default -> throw EINVAL.error();
      }
    } else if (level == SOL_IPV6 && s.family() == AF_INET6) {
      switch (type) {
        case IPV6_PKTINFO -> {
          requireLength(length, 20);
          m.sourceHigh = Long.reverseBytes(mm.readLong(data));
          m.sourceLow = Long.reverseBytes(mm.readLong(data + 8));
          m.hasSource = (m.sourceHigh | m.sourceLow) != 0;
        }
        case IPV6_HOPLIMIT -> m.ttl = readByte(mm, data, length, -1);
        case IPV6_TCLASS -> m.tos = readByte(mm, data, length, -1);
        default -> throw EINVAL.error();
      }
    }
  }

  /** Takes over a control message of an internet socket for the host to check. */
  private static void pass(MemoryManager mm, Message m, int level, int type, long data, int length)
      throws ErrnoException {
    boolean isKnown = switch (level) {
      case SOL_SOCKET -> type == SO_MARK || type == SO_TIMESTAMPING;
      case SOL_IP -> type == IP_TOS || type == IP_TTL || type == IP_PKTINFO;
      case SOL_IPV6 -> type == IPV6_PKTINFO || type == IPV6_HOPLIMIT || type == IPV6_TCLASS || type == IPV6_FLOWINFO
          || type == IPV6_DONTFRAG;
      case SOL_UDP -> type == UDP_SEGMENT;
      default -> false;
    };
    if (level != SOL_SOCKET && level != SOL_IP && level != SOL_IPV6 && level != SOL_UDP) {
      return; // Linux passes over other levels.
    }
    if (!isKnown || length > MAX_PASSED) {
      throw EINVAL.error();
    }
    int at = m.addControl(level, type, length);
    if (at < 0) {
      throw ENOBUFS.error();
    }
    mm.copyIn(data, m.control, at, length);
  }

  private static int readByte(MemoryManager mm, long data, int length, int least) throws ErrnoException {
    int value = length == 1 ? mm.readByte(data) & 0xff : 0;
    if (length != 1) {
      requireLength(length, 4);
      value = mm.readInt(data);
    }
    if (value < least || value > 255) {
      throw EINVAL.error();
    }
    return value;
  }

  private static void requireLength(int length, int least) throws ErrnoException {
    if (length < least) {
      throw EINVAL.error();
    }
  }

  /** Closes files that a message still has. */
  static void closeFiles(Message m) {
    FileDescription[] files = m.files;
    if (files != null) {
      m.files = null;
      for (FileDescription f : files) {
        f.close();
      }
    }
  }

  // ---- receiving ----

  /**
   * Writes what came beside the data, as far as there is room, and sets MSG_CTRUNC in {@code m.flags} when there was
   * not; the bytes written. Takes {@code m.files}.
   */
  static long write(Task t, Message m, long addr, long room, boolean cloexec) throws ErrnoException {
    long at = 0;
    try {
      int from = 0;
      while (from < m.controlLength) {
        int size = (int) m.control.get(java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED, from);
        at += put(t, m, addr + at, room - at, from, size);
        from += size + 7 & ~7;
      }
      if (m.creds != null) {
        int data = m.addControl(SOL_SOCKET, SCM_CREDENTIALS, SocketCreds.SIZE);
        if (data >= 0) {
          m.control.set(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, data, m.creds.pid());
          m.control.set(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, data + 4, m.creds.uid());
          m.control.set(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, data + 8, m.creds.gid());
          at += put(t, m, addr + at, room - at, data - CMSG_HEADER, CMSG_HEADER + SocketCreds.SIZE);
        }
      }
      if (m.files != null) {
        at += putFiles(t, m, addr + at, room - at, cloexec);
      }
      return at;
    } finally {
      closeFiles(m);
    }
  }

  private static long put(Task t, Message m, long addr, long room, int from, int size) throws ErrnoException {
    if (room < CMSG_HEADER) {
      m.flags |= MSG_CTRUNC;
      return 0;
    }
    long n = size;
    if (room < size) {
      m.flags |= MSG_CTRUNC;
      n = room;
    }
    t.mm().copyOut(addr, m.control, from, n);
    if (n < size) {
      t.mm().writeLong(addr, n);
    }
    return Math.min(n + 7 & ~7L, room);
  }

  private static long putFiles(Task t, Message m, long addr, long room, boolean cloexec) throws ErrnoException {
    FileDescription[] files = m.files;
    int fit = (int) Math.min(Math.max((room - CMSG_HEADER) / 4, 0), files.length);
    int installed = 0;
    for (; installed < fit; installed++) {
      FileDescription f = files[installed];
      int fd;
      try {
        fd = t.fds().install(f.acquire(), cloexec, t.fdLimit());
      } catch (ErrnoException e) {
        break;
      }
      try {
        t.mm().writeInt(addr + CMSG_HEADER + 4L * installed, fd);
      } catch (ErrnoException e) {
        t.fds().close(fd);
        break;
      }
    }
    if (installed < files.length) {
      m.flags |= MSG_CTRUNC;
    }
    if (installed == 0) {
      return 0;
    }
    long size = CMSG_HEADER + 4L * installed;
    t.mm().writeLong(addr, size);
    t.mm().writeInt(addr + 8, SOL_SOCKET);
    t.mm().writeInt(addr + 12, SCM_RIGHTS);
    return Math.min(size + 7 & ~7L, room);
  }
}
