package gvisor.sentry.vfs;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which mounts, of all namespaces, hear of what happens on which others ({@code man 7 mount_namespaces}, "Shared
 * subtrees"). Guarded by {@link Vfs#mountLock}.
 */
final class PeerGroups {
  private final Map<Integer, Set<Mount>> peers = new HashMap<>();
  private final Map<Integer, Set<Mount>> slaves = new HashMap<>();
  private int next = 1;

  /** The number of a group that nobody is in yet. */
  int newGroup() {
    return next++;
  }

  /** {@code m} was hung up, or was given its groups. */
  void join(Mount m) {
    if (m.peerGroup != 0) {
      peers.computeIfAbsent(m.peerGroup, g -> new LinkedHashSet<>()).add(m);
    }
    if (m.masterGroup != 0) {
      slaves.computeIfAbsent(m.masterGroup, g -> new LinkedHashSet<>()).add(m);
    }
  }

  /** {@code m} was taken down, or is about to change its groups. */
  void leave(Mount m) {
    leave(peers, m.peerGroup, m);
    leave(slaves, m.masterGroup, m);
  }

  private static void leave(Map<Integer, Set<Mount>> map, int group, Mount m) {
    Set<Mount> members = map.get(group);
    if (members != null && members.remove(m) && members.isEmpty()) {
      map.remove(group);
    }
  }

  /** Whether somebody is in the group. */
  boolean isPopulated(int group) {
    return peers.containsKey(group);
  }

  /** Who hears of a mount made on {@code m}: its peers, their slaves, the peers of those, and so on. */
  List<Mount> receivers(Mount m) {
    List<Mount> found = new ArrayList<>();
    List<Integer> groups = new ArrayList<>();
    Set<Integer> seen = new HashSet<>();
    if (m.peerGroup != 0) {
      groups.add(m.peerGroup);
    }
    for (int i = 0; i < groups.size(); i++) {
      int group = groups.get(i);
      if (!seen.add(group)) {
        continue;
      }
      for (Mount peer : peers.getOrDefault(group, Set.of())) {
        if (peer != m) {
          found.add(peer);
        }
      }
      for (Mount slave : slaves.getOrDefault(group, Set.of())) {
        if (slave.peerGroup == 0) {
          found.add(slave);
        } else {
          groups.add(slave.peerGroup);
        }
      }
    }
    return found;
  }
}
