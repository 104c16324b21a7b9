package gvisor.runsc.sandbox;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.ScmSocket;
import gvisor.runsc.control.ControlConnection;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/**
 * Accepts control connections, each served by a thread of its own. The socket's directory keeps others out already;
 * this does not rely on it: only the user who started the sandbox, and root, are listened to. What one peer does (says
 * nothing, stops in the middle, does not take its answer, comes too often) costs the others nothing: a message has a
 * time to come in, and connections are counted.
 */
final class ControlListener {
  /** Connections at a time: one a command that is running, which for exec and wait is as long as their process. */
  static final int MAX_CONNECTIONS = 256;

  /** What a peer of the sandbox gets for a message: much more than any that works needs. */
  static final long MESSAGE_MILLIS = 10_000;

  /** A stranger must not fill the disk either. */
  private static final int MAX_REFUSALS_TOLD = 10;

  private static final long RETRY_MILLIS = 20;
  private static final int ROOT = 0;

  private final ScmSocket listener;
  private final int owner;
  private final long messageMillis;
  private final Consumer<ControlConnection> service;
  private final Semaphore free = new Semaphore(MAX_CONNECTIONS);
  private int refusals;

  /**
   * @param owner user id of who started the sandbox
   * @param messageMillis time for a message to come in, for the first to begin, and for an answer to be taken
   * @param service serves a connection to its end, and closes it
   */
  ControlListener(ScmSocket listener, int owner, long messageMillis, Consumer<ControlConnection> service) {
    this.listener = listener;
    this.owner = owner;
    this.messageMillis = messageMillis;
    this.service = service;
  }

  /** Accepts until the socket is gone. */
  void run() {
    while (true) {
      ScmSocket socket;
      try {
        socket = listener.accept();
      } catch (ErrnoException e) {
        if (!isPassing(e.errno()) || !rest()) {
          return;
        }
        continue;
      }
      accepted(socket);
    }
  }

  /** What the host may say although the next attempt can succeed: a peer that went away, or that it is short of room. */
  private static boolean isPassing(Errno errno) {
    return switch (errno) {
      case ECONNABORTED, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO, EPERM -> true;
      default -> false;
    };
  }

  private static boolean rest() {
    try {
      Thread.sleep(RETRY_MILLIS);
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  private void accepted(ScmSocket socket) {
    try {
      int uid = socket.peer().uid();
      if (uid != owner && uid != ROOT) {
        if (refusals++ < MAX_REFUSALS_TOLD) {
          System.err.println(
              "sandbox: user " + Integer.toUnsignedString(uid) + " tried to use the control socket");
        }
        socket.close();
        return;
      }
    } catch (ErrnoException e) {
      socket.close();
      return;
    }
    ControlConnection connection = new ControlConnection(socket);
    boolean counted = free.tryAcquire();
    try {
      connection.limitTime(messageMillis);
      if (!counted) {
        IOException why = new IOException("the sandbox has " + MAX_CONNECTIONS + " control connections already");
        connection.send(ControlServer.failure(why), List.of());
        connection.close();
        return;
      }
      ControlServer.startThread(
          "control",
          () -> {
            try {
              service.accept(connection);
            } finally {
              free.release();
            }
          });
    } catch (IOException | OutOfMemoryError e) {
      connection.close();
      if (counted) {
        free.release();
      }
    }
  }
}
