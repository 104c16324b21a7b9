package gvisor.sentry.socket;

import java.util.List;

/**
 * A network interface as applications see it.
 *
 * @param index from 1
 * @param type ARPHRD_*
 * @param mtu in bytes
 * @param flags IFF_*
 * @param hardwareAddress 6 bytes
 */
public record NetDevice(
    int index, String name, int type, int mtu, int flags, byte[] hardwareAddress, List<Address> addresses) {
  public static final int IFF_UP = 0x1;
  public static final int IFF_LOOPBACK = 0x8;
  public static final int IFF_RUNNING = 0x40;
  public static final int IFF_LOWER_UP = 0x10000;

  private static final int ARPHRD_LOOPBACK = 772;
  private static final int LOOPBACK_MTU = 65536;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;

  /** {@code RT_SCOPE_HOST}: valid in this machine only. */
  public static final int SCOPE_HOST = 254;

  /** One address of an interface: 4 or 16 bytes in network order. */
  public record Address(int family, byte[] bytes, int prefixLength, int scope) {}

  /** The loopback interface with 127.0.0.1/8 and ::1/128. */
  public static NetDevice loopback() {
    byte[] six = new byte[16];
    six[15] = 1;
    return new NetDevice(1, "lo", ARPHRD_LOOPBACK, LOOPBACK_MTU, IFF_UP | IFF_LOOPBACK | IFF_RUNNING, new byte[6],
        List.of(new Address(AF_INET, new byte[] {127, 0, 0, 1}, 8, SCOPE_HOST),
            new Address(AF_INET6, six, 128, SCOPE_HOST)));
  }

  /** With other flags. */
  public NetDevice withFlags(int newFlags) {
    return new NetDevice(index, name, type, mtu, newFlags, hardwareAddress, addresses);
  }
}
