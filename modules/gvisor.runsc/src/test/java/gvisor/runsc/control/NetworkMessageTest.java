package gvisor.runsc.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.host.NetworkSnapshot;
import gvisor.host.NetworkNamespace;
import gvisor.runsc.json.Json;
import org.junit.jupiter.api.Test;

/** What is read of this machine's own network namespace, through a message and back. */
class NetworkMessageTest {
  @Test
  void aSnapshotSurvivesAMessage() throws Exception {
    NetworkSnapshot own = NetworkNamespace.snapshot(null);
    NetworkSnapshot.Interface lo =
        own.interfaces().stream().filter(i -> i.name().equals("lo")).findFirst().orElseThrow();
    assertEquals(772, lo.type());
    assertTrue(lo.index() > 0 && lo.mtu() > 0);
    ObjectNode message = Json.object();
    NetworkMessage.write(own, message);
    NetworkSnapshot read = NetworkMessage.read(message);
    ObjectNode again = Json.object();
    NetworkMessage.write(read, again);
    assertEquals(message, again);
    assertEquals(own.interfaces().size(), read.interfaces().size());
    assertEquals(own.firstUnprivilegedPort(), read.firstUnprivilegedPort());
  }

  @Test
  void whatIsNoAddressIsRefused() {
    ObjectNode message = Json.object();
    message.putArray("interfaces").addObject().put("hardware", "xyz");
    assertThrows(IllegalArgumentException.class, () -> NetworkMessage.read(message));
  }
}
