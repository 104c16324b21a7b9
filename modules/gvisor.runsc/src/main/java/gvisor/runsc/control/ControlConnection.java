package gvisor.runsc.control;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * One end of a control connection. A message is its length (four bytes, little-endian), then that many bytes of JSON;
 * descriptors travel with the first byte. One thread sends and one receives.
 */
public final class ControlConnection implements AutoCloseable {
  /** Longest message that is believed: a peer must not make this process allocate without end. */
  private static final int MAX_LENGTH = 16 << 20;

  private static final int HEADER = 4;
  private static final int MAX_FDS = ScmSocket.MAX_FDS;

  private final ScmSocket socket;

  /** Takes ownership of {@code socket}, a connected stream. */
  public ControlConnection(ScmSocket socket) {
    this.socket = socket;
  }

  /** The socket under this. */
  public ScmSocket socket() {
    return socket;
  }

  /** Sends a message and duplicates of {@code fds}. */
  public void send(JsonNode body, List<Fd> fds) throws IOException {
    byte[] text = Json.write(body);
    byte[] frame = new byte[HEADER + text.length];
    MemorySegment segment = MemorySegment.ofArray(frame);
    segment.set(JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0, text.length);
    System.arraycopy(text, 0, frame, HEADER, text.length);
    try {
      long sent = socket.send(segment, fds);
      socket.sendFully(segment.asSlice(sent));
    } catch (ErrnoException e) {
      throw new IOException("control connection: " + e.errno());
    }
  }

  /** Waits for a message; null when the other side has closed the connection. */
  public Message receive() throws IOException {
    List<Fd> fds = new ArrayList<>();
    try {
      byte[] header = new byte[HEADER];
      if (!fill(header, fds)) {
        return null;
      }
      int length =
          MemorySegment.ofArray(header).get(JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
      if (length < 0 || length > MAX_LENGTH) {
        throw new IOException("control connection: message of " + Integer.toUnsignedString(length) + " bytes");
      }
      byte[] text = new byte[length];
      if (!fill(text, fds)) {
        throw new IOException("control connection: closed in the middle of a message");
      }
      Message message = new Message(Json.read(text), List.copyOf(fds));
      fds.clear(); // The message owns them now.
      return message;
    } catch (MalformedJsonException e) {
      throw new IOException("control connection: " + e.getMessage());
    } finally {
      fds.forEach(Fd::close);
    }
  }

  /** Fills {@code bytes}; false if the connection ended before the first. */
  private boolean fill(byte[] bytes, List<Fd> fds) throws IOException {
    MemorySegment target = MemorySegment.ofArray(bytes);
    long done = 0;
    while (done < bytes.length) {
      ScmSocket.Received received;
      try {
        received = socket.receive(target.asSlice(done));
      } catch (ErrnoException e) {
        throw new IOException("control connection: " + e.errno());
      }
      fds.addAll(List.of(received.fds()));
      if (fds.size() > MAX_FDS) {
        throw new IOException("control connection: too many descriptors");
      }
      if (received.length() == 0) {
        if (done == 0) {
          return false;
        }
        throw new IOException("control connection: closed in the middle of a message");
      }
      done += received.length();
    }
    return true;
  }

  /** Makes a thread that waits in {@link #receive} see the end. */
  public void shutdown() {
    socket.shutdown();
  }

  @Override
  public void close() {
    socket.close();
  }
}
