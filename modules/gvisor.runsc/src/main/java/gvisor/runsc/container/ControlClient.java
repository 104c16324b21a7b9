package gvisor.runsc.container;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import gvisor.runsc.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jnr.unixsocket.UnixSocketAddress;
import jnr.unixsocket.UnixSocketChannel;

/** Asks a running sandbox, one request at a time. */
public final class ControlClient implements AutoCloseable {
  private final ControlConnection connection;
  private final String id;

  /** What the connection came through, to be closed with it; or null. */
  private final UnixSocketChannel channel;

  /** A client for container {@code id} on a connection that is there already. */
  public ControlClient(String id, ControlConnection connection) {
    this(id, connection, null);
  }

  private ControlClient(String id, ControlConnection connection, UnixSocketChannel channel) {
    this.id = id;
    this.connection = connection;
    this.channel = channel;
  }

  /**
   * Connects to the sandbox of container {@code id}, for commands that engines wait for: jnr-unixsocket, which
   * {@link #connect} uses, describes its types to itself by reflection first, and takes as long as the rest of a command.
   */
  public static ControlClient connectDirectly(String id, Path socket) throws CommandFailure {
    try {
      return new ControlClient(id, new ControlConnection(ScmSocket.connect(socket.toString(), ScmSocket.STREAM)));
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot reach the sandbox of container \"" + id + "\": " + e.errno().message());
    }
  }

  /** Connects to the sandbox of container {@code id}. */
  public static ControlClient connect(String id, Path socket) throws CommandFailure {
    try (ScmSocket.ShortName name = ScmSocket.ShortName.of(socket.toString())) {
      UnixSocketChannel channel = UnixSocketChannel.open(new UnixSocketAddress(name.path()));
      // What is sent over the connection may hold descriptors, which a channel has no way to send.
      Fd connected = Fd.adopt(channel.getFD()).duplicate();
      return new ControlClient(id, new ControlConnection(ScmSocket.adopt(connected)), channel);
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot reach the sandbox of container \"" + id + "\": " + e.errno().message());
    } catch (IOException e) {
      throw new CommandFailure("cannot reach the sandbox of container \"" + id + "\": " + e.getMessage());
    }
  }

  /** What it is connected with; stays this object's. */
  Fd socket() {
    return connection.socket().fd();
  }

  /** Gives up on answers that take longer; returns this. */
  public ControlClient within(long millis) throws CommandFailure {
    try {
      connection.socket().setTimeout(millis);
      return this;
    } catch (ErrnoException e) {
      throw gone();
    }
  }

  /** A request about this container. */
  public ObjectNode request(String op) {
    return Json.object().put("op", op).put("id", id);
  }

  /** Sends without waiting for the answer; {@link #answer} must follow, in order. */
  public void send(ObjectNode request, List<Fd> fds) throws CommandFailure {
    try {
      connection.send(request, fds);
    } catch (IOException e) {
      throw gone();
    }
  }

  /** Waits for the answer to the oldest request not yet answered. */
  public JsonNode answer() throws CommandFailure {
    Message message = answerWithFds();
    message.closeFds();
    return message.body();
  }

  /** As {@link #answer}, with the descriptors that came beside it: the caller's from now on. */
  public Message answerWithFds() throws CommandFailure {
    Message message;
    try {
      message = connection.receive();
    } catch (IOException e) {
      throw gone();
    }
    if (message == null) {
      throw gone();
    }
    JsonNode error = message.body().get("error");
    if (error != null) {
      message.closeFds();
      throw new CommandFailure(error.asText(), message.body().path("exitCode").asInt(CommandFailure.FAILED));
    }
    return message;
  }

  /** Sends and waits. */
  public JsonNode call(ObjectNode request) throws CommandFailure {
    send(request, List.of());
    return answer();
  }

  private CommandFailure gone() {
    return new CommandFailure("the sandbox of container \"" + id + "\" has ended");
  }

  @Override
  public void close() {
    connection.close();
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        return; // It is gone either way.
      }
    }
  }
}
