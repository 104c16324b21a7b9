package gvisor.sentry.socket;

import gvisor.sentry.vfs.Caller;

/** {@code struct ucred}: who is at the other end of a socket, or sent a message ({@code man 7 unix}). */
public record SocketCreds(int pid, int uid, int gid) {
  /** Bytes of the struct. */
  public static final int SIZE = 12;

  private static final int OVERFLOW_ID = 65534;

  /** Of a sender that nobody asked to be named. */
  public static final SocketCreds NOBODY = new SocketCreds(0, OVERFLOW_ID, OVERFLOW_ID);

  /** What SO_PEERCRED says of a socket without a peer. */
  public static final SocketCreds NONE = new SocketCreds(0, -1, -1);

  /** As a peer: effective ids. */
  public static SocketCreds peer(Caller caller) {
    return new SocketCreds(caller.tgid(), caller.creds().euid(), caller.creds().egid());
  }

  /** As the sender of a message: real ids. */
  public static SocketCreds sender(Caller caller) {
    return new SocketCreds(caller.tgid(), caller.creds().uid(), caller.creds().gid());
  }
}
