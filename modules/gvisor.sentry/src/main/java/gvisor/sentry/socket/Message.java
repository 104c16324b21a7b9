package gvisor.sentry.socket;

import gvisor.api.host.HostMessage;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What {@code sendmsg} and {@code recvmsg} move beside the data: the kernel's side of {@code struct msghdr}. One a
 * task, reused; {@link #clear} starts it over.
 */
public final class Message {
  /** Most bytes of control data a socket adds by itself; files and credentials come on top. */
  private static final int CONTROL_SIZE = 512;

  /** Destination of a send, source of a receive; length 0 for none. */
  public final AddrBuffer name = new AddrBuffer();

  /** Control messages a receive produced, formatted as in memory, but for files and credentials. */
  public final MemorySegment control = MemorySegment.ofArray(new long[CONTROL_SIZE / 8]);

  public int controlLength;

  /** MSG_* that a receive reports. */
  public int flags;

  /** Files to send, with their references, which the socket takes by nulling this; or files received. */
  public FileDescription[] files;

  /** Credentials to send that the sender spelled out, or that were received; null for none. */
  public SocketCreds creds;

  /** RLIMIT_NOFILE of the sender: how many files it may have in flight; -1 for no limit. */
  public long inFlightLimit;

  /** The receive must not be continued with more data, although it filled less than was asked for. */
  public boolean isComplete;

  /** IP_PKTINFO or IPV6_PKTINFO of a send: the source address, valid if {@link #hasSource}. */
  public boolean hasSource;

  public long sourceHigh;
  public long sourceLow;

  /** IP_TTL, IPV6_HOPLIMIT, or -1; IP_TOS, IPV6_TCLASS, or -1. */
  public int ttl;

  public int tos;

  /** What a receive of a message finds beside it. */
  public final PacketQueue.Received received = new PacketQueue.Received();

  /** The value of a socket option. */
  public final OptionValue option = new OptionValue();

  /** {@link #name} and {@link #control} as the host takes and gives them. */
  public final HostMessage host = new HostMessage(name.segment(), control);

  /** Starts over; files of an earlier call are not this one's to close. */
  public void clear() {
    name.length = 0;
    controlLength = 0;
    flags = 0;
    files = null;
    creds = null;
    inFlightLimit = -1;
    isComplete = false;
    hasSource = false;
    ttl = -1;
    tos = -1;
  }

  /** Begins a control message with {@code length} bytes of data; where in {@link #control} they go, or -1: no room. */
  public int addControl(int level, int type, int length) {
    int at = controlLength;
    int size = (16 + length + 7) & ~7;
    if (at + size > CONTROL_SIZE) {
      return -1;
    }
    control.asSlice(at, size).fill((byte) 0);
    control.set(ValueLayout.JAVA_LONG_UNALIGNED, at, 16 + length);
    control.set(ValueLayout.JAVA_INT_UNALIGNED, at + 8, level);
    control.set(ValueLayout.JAVA_INT_UNALIGNED, at + 12, type);
    controlLength = at + size;
    return at + 16;
  }

  /** Adds a control message that is one {@code int}. */
  public void addControlInt(int level, int type, int value) {
    int at = addControl(level, type, 4);
    if (at >= 0) {
      control.set(ValueLayout.JAVA_INT_UNALIGNED, at, value);
    }
  }
}
