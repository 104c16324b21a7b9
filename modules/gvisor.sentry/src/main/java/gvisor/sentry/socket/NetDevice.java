package gvisor.sentry.socket;

import gvisor.api.host.NetworkSnapshot;
import java.util.ArrayList;
import java.util.List;

/**
 * A network interface as applications see it.
 *
 * @param index from 1
 * @param type ARPHRD_*
 * @param mtu in bytes
 * @param flags IFF_*
 * @param queueLength packets that may wait to be sent
 * @param state IF_OPER_*
 * @param hardwareAddress 6 bytes, or as many as the kind of interface has
 * @param hardwareBroadcast as many, or none
 */
public record NetDevice(
    int index,
    String name,
    int type,
    int mtu,
    int flags,
    int queueLength,
    int state,
    byte[] hardwareAddress,
    byte[] hardwareBroadcast,
    List<Address> addresses) {
  public static final int IFF_UP = 0x1;
  public static final int IFF_LOOPBACK = 0x8;
  public static final int IFF_RUNNING = 0x40;
  public static final int IFF_LOWER_UP = 0x10000;

  private static final int ARPHRD_LOOPBACK = 772;
  private static final int LOOPBACK_MTU = 65536;
  private static final int QUEUE_LENGTH = 1000;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int IFA_F_PERMANENT = 0x80;
  private static final byte[] NONE = {};

  /** {@code RT_SCOPE_HOST}: valid in this machine only. */
  public static final int SCOPE_HOST = 254;

  /**
   * One address of an interface: 4 or 16 bytes in network order.
   *
   * @param peer the other end of a point-to-point interface, or else the address itself
   * @param broadcast empty for none
   * @param label of an IPv4 address; empty for the interface's name
   * @param flags IFA_F_*
   */
  public record Address(
      int family, byte[] bytes, byte[] peer, byte[] broadcast, String label, int prefixLength, int scope, int flags) {
    /** A permanent address without more to it. */
    Address(int family, byte[] bytes, int prefixLength, int scope) {
      this(family, bytes, bytes, NONE, "", prefixLength, scope, IFA_F_PERMANENT);
    }
  }

  /** The loopback interface with 127.0.0.1/8 and ::1/128. */
  public static NetDevice loopback() {
    byte[] six = new byte[16];
    six[15] = 1;
    return new NetDevice(1, "lo", ARPHRD_LOOPBACK, LOOPBACK_MTU, IFF_UP | IFF_LOOPBACK | IFF_RUNNING, QUEUE_LENGTH, 0,
        new byte[6], new byte[6],
        List.of(new Address(AF_INET, new byte[] {127, 0, 0, 1}, 8, SCOPE_HOST),
            new Address(AF_INET6, six, 128, SCOPE_HOST)));
  }

  /** An interface of the host. */
  static NetDevice of(NetworkSnapshot.Interface i) {
    List<Address> addresses = new ArrayList<>();
    for (NetworkSnapshot.Address a : i.addresses()) {
      int size = a.family() == AF_INET ? 4 : 16;
      boolean isWhole = a.local().length == size && a.peer().length == size && a.prefixLength() <= 8 * size;
      if (isWhole && (a.family() == AF_INET || a.family() == AF_INET6)) {
        byte[] broadcast = a.broadcast().length == size ? a.broadcast() : NONE;
        addresses.add(
            new Address(
                a.family(), a.local(), a.peer(), broadcast, a.label(), a.prefixLength(), a.scope(), a.flags()));
      }
    }
    return new NetDevice(i.index(), i.name(), i.type(), i.mtu(), i.flags(), i.queueLength(), i.state(), i.hardware(),
        i.broadcast(), addresses);
  }

  public boolean isLoopback() {
    return (flags & IFF_LOOPBACK) != 0;
  }

  /** With other flags. */
  public NetDevice withFlags(int newFlags) {
    return new NetDevice(index, name, type, mtu, newFlags, queueLength, state, hardwareAddress, hardwareBroadcast,
        addresses);
  }
}
