package gvisor.sentry.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ContainerSysctlsTest {
  @Test
  void theFirstSeparatorIsTheOneThatSeparates() {
    assertEquals("net/ipv4/ip_forward", ContainerSysctls.path("net.ipv4.ip_forward"));
    assertEquals("net/ipv4/conf/eth0.1/forwarding", ContainerSysctls.path("net.ipv4.conf.eth0/1.forwarding"));
    assertEquals("net/ipv4/conf/eth0.1/forwarding", ContainerSysctls.path("net/ipv4/conf/eth0.1/forwarding"));
  }
}
