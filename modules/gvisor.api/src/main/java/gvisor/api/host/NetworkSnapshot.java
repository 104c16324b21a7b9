package gvisor.api.host;

import java.util.List;

/**
 * What a network namespace of the host had at some moment ({@code man 7 rtnetlink}).
 *
 * @param firstUnprivilegedPort {@code net.ipv4.ip_unprivileged_port_start}
 */
public record NetworkSnapshot(List<Interface> interfaces, List<Route> routes, int firstUnprivilegedPort) {
  /**
   * A network interface.
   *
   * @param type ARPHRD_*
   * @param flags IFF_*
   * @param state IF_OPER_*
   * @param hardware its address; empty for none
   * @param broadcast the hardware's broadcast address; empty for none
   */
  public record Interface(int index, String name, int type, int flags, int mtu, int queueLength, int state,
      byte[] hardware, byte[] broadcast, List<Address> addresses) {}

  /**
   * An address of an interface, in network order.
   *
   * @param flags IFA_F_*
   * @param peer of a point-to-point interface the other end, or else the same
   * @param broadcast empty for none
   * @param label empty for none
   */
  public record Address(int family, int prefixLength, int flags, int scope, byte[] local, byte[] peer,
      byte[] broadcast, String label) {}

  /**
   * A route.
   *
   * @param destination empty for every address
   * @param gateway empty for none
   * @param source the preferred address to send from; empty for none
   * @param device the index of an interface, 0 for none
   */
  public record Route(int family, int prefixLength, int table, int protocol, int scope, int type, int flags,
      byte[] destination, byte[] gateway, byte[] source, int device, int priority) {}
}
