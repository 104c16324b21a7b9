package gvisor.sentry.socket.unix;

import static gvisor.api.errno.Errno.EADDRINUSE;
import static gvisor.api.errno.Errno.ENOSPC;

import gvisor.api.errno.ErrnoException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Abstract names of one network namespace, and every AF_UNIX socket in it. Thread-safe. */
public final class UnixNames {
  private static final int AUTOBIND_NAMES = 1 << 20;

  /** A name is taken for one socket type at a time; others may have it too. */
  private record Key(int type, String name) {}

  private final ConcurrentHashMap<Key, UnixSocket> names = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<UnixSocket, Boolean> sockets = new ConcurrentHashMap<>();
  private final AtomicInteger nextAutobind = new AtomicInteger();

  /** Gives {@code socket} the abstract name {@code name}, which starts with NUL; EADDRINUSE. */
  void bind(String name, UnixSocket socket) throws ErrnoException {
    if (names.putIfAbsent(new Key(socket.type(), name), socket) != null) {
      throw EADDRINUSE.error();
    }
  }

  /** Gives {@code socket} a free name of five hexadecimal digits behind NUL, and returns it; ENOSPC. */
  String autobind(UnixSocket socket) throws ErrnoException {
    for (int tries = 0; tries < AUTOBIND_NAMES; tries++) {
      String name = String.format("\0%05x", nextAutobind.incrementAndGet() & AUTOBIND_NAMES - 1);
      if (names.putIfAbsent(new Key(socket.type(), name), socket) == null) {
        return name;
      }
    }
    throw ENOSPC.error();
  }

  /** The socket of {@code type} called {@code name}, or null. */
  UnixSocket find(int type, String name) {
    return names.get(new Key(type, name));
  }

  void unbind(String name, UnixSocket socket) {
    names.remove(new Key(socket.type(), name), socket);
  }

  void add(UnixSocket socket) {
    sockets.put(socket, Boolean.TRUE);
  }

  void remove(UnixSocket socket) {
    sockets.remove(socket);
  }

  /** Every socket, for {@code /proc/net/unix}; a live view. */
  public Collection<UnixSocket> sockets() {
    return sockets.keySet();
  }

  static String string(byte[] bytes, int offset, int length) {
    return new String(bytes, offset, length, StandardCharsets.ISO_8859_1);
  }
}
