package gvisor.runsc.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.host.NetworkSnapshot;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** A {@link NetworkSnapshot} as fields of a message; addresses are in hexadecimal. */
public final class NetworkMessage {
  private static final HexFormat HEX = HexFormat.of();

  private NetworkMessage() {}

  /** Puts {@code snapshot} into {@code message}. */
  public static void write(NetworkSnapshot snapshot, ObjectNode message) {
    message.put("firstUnprivilegedPort", snapshot.firstUnprivilegedPort());
    ArrayNode interfaces = message.putArray("interfaces");
    for (NetworkSnapshot.Interface i : snapshot.interfaces()) {
      ObjectNode node = interfaces.addObject();
      node.put("index", i.index()).put("name", i.name()).put("type", i.type()).put("flags", i.flags());
      node.put("mtu", i.mtu()).put("queueLength", i.queueLength()).put("state", i.state());
      node.put("hardware", HEX.formatHex(i.hardware())).put("broadcast", HEX.formatHex(i.broadcast()));
      ArrayNode addresses = node.putArray("addresses");
      for (NetworkSnapshot.Address a : i.addresses()) {
        ObjectNode address = addresses.addObject();
        address.put("family", a.family()).put("prefixLength", a.prefixLength()).put("flags", a.flags());
        address.put("scope", a.scope()).put("local", HEX.formatHex(a.local())).put("peer", HEX.formatHex(a.peer()));
        address.put("broadcast", HEX.formatHex(a.broadcast())).put("label", a.label());
      }
    }
    ArrayNode routes = message.putArray("routes");
    for (NetworkSnapshot.Route r : snapshot.routes()) {
      ObjectNode node = routes.addObject();
      node.put("family", r.family()).put("prefixLength", r.prefixLength()).put("table", r.table());
      node.put("protocol", r.protocol()).put("scope", r.scope()).put("type", r.type()).put("flags", r.flags());
      node.put("destination", HEX.formatHex(r.destination())).put("gateway", HEX.formatHex(r.gateway()));
      node.put("source", HEX.formatHex(r.source())).put("device", r.device()).put("priority", r.priority());
    }
  }

  /** What {@link #write} wrote; IllegalArgumentException for what is no hexadecimal. */
  public static NetworkSnapshot read(JsonNode message) {
    List<NetworkSnapshot.Interface> interfaces = new ArrayList<>();
    for (JsonNode node : message.path("interfaces")) {
      List<NetworkSnapshot.Address> addresses = new ArrayList<>();
      for (JsonNode a : node.path("addresses")) {
        addresses.add(
            new NetworkSnapshot.Address(
                number(a, "family"), number(a, "prefixLength"), number(a, "flags"), number(a, "scope"),
                bytes(a, "local"), bytes(a, "peer"), bytes(a, "broadcast"), a.path("label").asText()));
      }
      interfaces.add(
          new NetworkSnapshot.Interface(
              number(node, "index"), node.path("name").asText(), number(node, "type"), number(node, "flags"),
              number(node, "mtu"), number(node, "queueLength"), number(node, "state"), bytes(node, "hardware"),
              bytes(node, "broadcast"), addresses));
    }
    List<NetworkSnapshot.Route> routes = new ArrayList<>();
    for (JsonNode r : message.path("routes")) {
      routes.add(
          new NetworkSnapshot.Route(
              number(r, "family"), number(r, "prefixLength"), number(r, "table"), number(r, "protocol"),
              number(r, "scope"), number(r, "type"), number(r, "flags"), bytes(r, "destination"), bytes(r, "gateway"),
              bytes(r, "source"), number(r, "device"), number(r, "priority")));
    }
    return new NetworkSnapshot(interfaces, routes, message.path("firstUnprivilegedPort").asInt(1024));
  }

  private static int number(JsonNode node, String field) {
    return node.path(field).asInt();
  }

  private static byte[] bytes(JsonNode node, String field) {
    return HEX.parseHex(node.path(field).asText());
  }
}
