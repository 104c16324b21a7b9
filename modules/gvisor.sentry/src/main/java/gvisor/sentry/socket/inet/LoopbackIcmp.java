package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.IPPROTO_ICMP;
import static gvisor.api.abi.SocketAbi.IPPROTO_ICMPV6;

import java.util.List;

/** ICMP within one machine (RFC 792, RFC 4443): messages reach the raw sockets, and an echo request is answered. */
final class LoopbackIcmp {
  private static final int IP_HEADER = 20;
  private static final int MIN_MESSAGE = 8;
  private static final int CHECKSUM_AT = 2;
  private static final int ECHO_REPLY = 0;
  private static final int ECHO_REQUEST = 8;
  private static final int ECHO_REQUEST_V6 = 128;
  private static final int ECHO_REPLY_V6 = 129;

  private LoopbackIcmp() {}

  /** Delivers {@code message} to {@code sockets}, and the answer if it is an echo request. */
  static void deliver(
      List<RawSocket> sockets, int protocol, InetName from, InetName to, int hops, byte[] message) {
    if (message.length < MIN_MESSAGE) {
      return;
    }
    if (protocol == IPPROTO_ICMPV6) {
      // The application leaves this sum to the kernel.
      putChecksum(message, protocol, from, to);
    }
    spread(sockets, protocol, from, to, hops, message);
    int type = message[0] & 0xff;
    if (protocol == IPPROTO_ICMP && type == ECHO_REQUEST || protocol == IPPROTO_ICMPV6 && type == ECHO_REQUEST_V6) {
      byte[] reply = message.clone();
      reply[0] = (byte) (protocol == IPPROTO_ICMP ? ECHO_REPLY : ECHO_REPLY_V6);
      putChecksum(reply, protocol, to, from);
      spread(sockets, protocol, to, from, 64, reply);
    }
  }

  private static void spread(
      List<RawSocket> sockets, int protocol, InetName from, InetName to, int hops, byte[] message) {
    byte[] packet = null;
    for (RawSocket s : sockets) {
      if (s.protocol() != protocol) {
        continue;
      }
      if (packet == null) {
        packet = s.family() == AF_INET ? withHeader(protocol, from, to, hops, message) : message;
      }
      s.arrive(from, to, hops, message[0] & 0xff, packet);
    }
  }

  /** The message behind an IPv4 header. */
  private static byte[] withHeader(int protocol, InetName from, InetName to, int hops, byte[] message) {
    byte[] packet = new byte[IP_HEADER + message.length];
    packet[0] = 0x45;
    putShort(packet, 2, packet.length);
    packet[6] = 0x40;
    packet[8] = (byte) hops;
    packet[9] = (byte) protocol;
    putInt(packet, 12, from.v4());
    putInt(packet, 16, to.v4());
    putShort(packet, 10, ~fold(sum(packet, IP_HEADER)));
    System.arraycopy(message, 0, packet, IP_HEADER, message.length);
    return packet;
  }

  private static void putChecksum(byte[] message, int protocol, InetName from, InetName to) {
    putShort(message, CHECKSUM_AT, 0);
    long sum = sum(message, message.length);
    if (protocol == IPPROTO_ICMPV6) {
      // The pseudo-header: both addresses, the length and the protocol.
      sum += words(from.high) + words(from.low) + words(to.high) + words(to.low) + message.length + protocol;
    }
    putShort(message, CHECKSUM_AT, ~fold(sum));
  }

  private static long words(long bits) {
    return (bits >>> 48) + (bits >>> 32 & 0xffff) + (bits >>> 16 & 0xffff) + (bits & 0xffff);
  }

  /** The sum of 16-bit words (RFC 1071), not folded yet. */
  private static long sum(byte[] bytes, int length) {
    long sum = 0;
    for (int i = 0; i < length; i += 2) {
      sum += (bytes[i] & 0xff) << 8 | (i + 1 < length ? bytes[i + 1] & 0xff : 0);
    }
    return sum;
  }

  private static int fold(long sum) {
    long s = sum;
    while (s >>> 16 != 0) {
      s = (s & 0xffff) + (s >>> 16);
    }
    return (int) s;
  }

  private static void putShort(byte[] bytes, int at, int value) {
    bytes[at] = (byte) (value >>> 8);
    bytes[at + 1] = (byte) value;
  }

  private static void putInt(byte[] bytes, int at, int value) {
    putShort(bytes, at, value >>> 16);
    putShort(bytes, at + 2, value);
  }
}
