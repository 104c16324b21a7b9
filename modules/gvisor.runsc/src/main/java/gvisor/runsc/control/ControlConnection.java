package gvisor.runsc.control;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.runsc.json.MalformedJsonException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One end of a control connection. A message is its length (four bytes, little-endian), then that many bytes of JSON in binary ({@link Cbor});
 * descriptors travel with the first byte. One thread sends and one receives.
 */
public final class ControlConnection implements AutoCloseable {
  /** Longest message that is believed: a peer must not make this process allocate without end. */
  private static final int MAX_LENGTH = 16 << 20;

  private static final int HEADER = 4;
  private static final int MAX_FDS = ScmSocket.MAX_FDS;

  /** A message is believed to be as long as it says only as it comes in. */
  private static final int FIRST_PIECE = 64 << 10;

  private final ScmSocket socket;

  /** Time for a message, 0 for any; set before the connection is used. */
  private long limitMillis;

  private boolean hasReceived;

  /** Takes ownership of {@code socket}, a connected stream. */
  public ControlConnection(ScmSocket socket) {
    this.socket = socket;
  }

  /** The socket under this. */
  public ScmSocket socket() {
    return socket;
  }

  /**
   * Limits what a peer can make this side wait: {@code millis} for each message from its first byte to its last, for the
   * first message to begin, and for each piece of one that is sent. Set before the connection is used.
   */
  public void limitTime(long millis) throws IOException {
    try {
      socket.setTimeout(millis);
      limitMillis = millis;
    } catch (ErrnoException e) {
      throw new IOException("control connection: " + e.errno());
    }
  }

  /** Sends a message and duplicates of {@code fds}. */
  public void send(JsonNode body, List<Fd> fds) throws IOException {
    byte[] text = Cbor.write(body);
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
      int first = awaitFirst(header, fds);
      if (first == 0) {
        return null;
      }
      long deadline = System.nanoTime() + limitMillis * 1_000_000;
      fill(header, first, fds, deadline);
      int length =
          MemorySegment.ofArray(header).get(JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
      if (length < 0 || length > MAX_LENGTH) {
        throw new IOException("control connection: message of " + Integer.toUnsignedString(length) + " bytes");
      }
      byte[] text = new byte[Math.min(length, FIRST_PIECE)];
      fill(text, 0, fds, deadline);
      while (text.length < length) {
        int done = text.length;
        text = Arrays.copyOf(text, (int) Math.min(length, 2L * done));
        fill(text, done, fds, deadline);
      }
      Message message = new Message(Cbor.read(text), List.copyOf(fds));
      fds.clear(); // The message owns them now.
      hasReceived = true;
      return message;
    } catch (MalformedJsonException e) {
      throw new IOException("control connection: " + e.getMessage());
    } finally {
      fds.forEach(Fd::close);
    }
  }

  /** Waits for the first bytes of a message: how many came, 0 at the end of the connection. */
  private int awaitFirst(byte[] header, List<Fd> fds) throws IOException {
    while (true) {
      int n = receive(MemorySegment.ofArray(header), fds);
      if (n >= 0) {
        return n;
      }
      if (!hasReceived) {
        throw new IOException("control connection: nothing was said for " + limitMillis + " ms");
      }
    }
  }

  /** Fills the rest of {@code bytes}. */
  private void fill(byte[] bytes, int from, List<Fd> fds, long deadline) throws IOException {
    MemorySegment target = MemorySegment.ofArray(bytes);
    int done = from;
    while (done < bytes.length) {
      int n = receive(target.asSlice(done), fds);
      if (n == 0) {
        throw new IOException("control connection: closed in the middle of a message");
      }
      if (limitMillis != 0 && (n < 0 || System.nanoTime() > deadline)) {
        throw new IOException("control connection: a message was not complete after " + limitMillis + " ms");
      }
      done += n;
    }
  }

  /** Receives some bytes and what comes with them: how many, 0 at the end, -1 when the time is over. */
  private int receive(MemorySegment target, List<Fd> fds) throws IOException {
    ScmSocket.Received received;
    try {
      received = socket.receive(target);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EAGAIN && limitMillis != 0) {
        return -1;
      }
      throw new IOException("control connection: " + e.errno());
    }
    fds.addAll(List.of(received.fds()));
    if (fds.size() > MAX_FDS) {
      throw new IOException("control connection: more than " + MAX_FDS + " descriptors");
    }
    return (int) received.length();
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
