package gvisor.runsc.container;

import static gvisor.runsc.spec.Resources.UNSET;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.cgroup.Cgroup;
import gvisor.runsc.cgroup.CgroupPath;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.Resources;
import java.util.List;
import java.util.Map;

/**
 * The host's control group of a sandbox in which several containers are. It is the first container's, but what the
 * others use is used by the sandbox, too: so it may use what all may together. The sandbox holds the limit of each.
 */
final class SandboxCgroup {
  private SandboxCgroup() {}

  /**
   * Gives the group of {@code first} the limits of all containers of its sandbox.
   *
   * @param ids those containers, {@code first} among them
   * @param client a connection to the sandbox
   */
  static void fit(ContainerState first, List<String> ids, ControlClient client) throws CommandFailure {
    if (first.cgroup().isEmpty() || ids.size() < 2) {
      return;
    }
    Sum memory = new Sum();
    Sum pids = new Sum();
    for (String id : ids) {
      ObjectNode request = Json.object().put("op", "stats").put("id", id);
      JsonNode stats;
      try {
        stats = client.call(request);
      } catch (CommandFailure e) {
        continue; // It has just ended.
      }
      memory.add(stats.path("memory").path("limitBytes").asLong(), id.equals(first.id()));
      pids.add(stats.path("pids").path("limit").asLong(), id.equals(first.id()));
    }
    if (!memory.firstIsLimited && !pids.firstIsLimited) {
      return;
    }
    Resources together =
        new Resources(
            memory.limit(), UNSET, memory.firstIsLimited ? -1 : UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, "", "", pids.limit(), UNSET,
            List.of(), Map.of());
    Cgroup.at(new CgroupPath(first.cgroup())).set(together);
  }

  /** Limits of several, added. */
  private static final class Sum {
    private long total;
    private boolean isUnlimited;
    private boolean firstIsLimited;

    void add(long limit, boolean isFirst) {
      isUnlimited |= limit <= 0;
      total += limit;
      firstIsLimited |= isFirst && limit > 0;
    }

    /** UNSET where the group has no limit that would have to change. */
    long limit() {
      return !firstIsLimited ? UNSET : isUnlimited ? -1 : total;
    }
  }
}
