package gvisor.sentry.boot;

import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Attributes;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.DevicePolicy;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.MountNamespace;
import gvisor.sentry.vfs.Names;
import gvisor.sentry.vfs.Open;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The devices that a container's specification names: their nodes, and what may be done with which. Stateless. */
final class ContainerDevices {
  private static final String SPARE_NODE = "/dev/.node";

  /**
   * What every container may do whatever its rules say, as under runc: make any node, and use the default devices and
   * terminals. A node that this kernel has no driver for is ENXIO to open for who may.
   */
  private static final List<DevicePolicy.Rule> ALWAYS =
      List.of(
          new DevicePolicy.Rule(true, 0, DevicePolicy.ANY, DevicePolicy.ANY, DevicePolicy.MKNOD),
          character(1, 3), // null
          character(1, 5), // zero
          character(1, 7), // full
          character(1, 8), // random
          character(1, 9), // urandom
          character(5, 0), // tty
          character(5, 1), // console: here a node of its own, not the terminal mounted under its name
          character(5, 2), // ptmx
          character(136, DevicePolicy.ANY)); // pts

  private ContainerDevices() {}

  private static DevicePolicy.Rule character(int major, int minor) {
    return new DevicePolicy.Rule(true, Inode.S_IFCHR, major, minor, DevicePolicy.ANY_ACCESS);
  }

  /** @param inUserNamespace where nobody makes devices, whatever capabilities he has ({@code man 7 user_namespaces}) */
  static DevicePolicy policy(DeviceSpec spec, boolean inUserNamespace) {
    List<DevicePolicy.Rule> rules = new ArrayList<>();
    for (DeviceSpec.Rule rule : spec.rules()) {
      int access = (rule.reads() ? DevicePolicy.READ : 0) | (rule.writes() ? DevicePolicy.WRITE : 0)
          | (rule.makes() ? DevicePolicy.MKNOD : 0);
      int type = rule.type() == 'a' ? 0 : type(rule.type());
      rules.add(new DevicePolicy.Rule(rule.allow(), type, rule.major(), rule.minor(), access));
    }
    rules.addAll(ALWAYS);
    if (inUserNamespace) {
      rules.add(new DevicePolicy.Rule(false, 0, DevicePolicy.ANY, DevicePolicy.ANY, DevicePolicy.MKNOD));
    }
    return new DevicePolicy(rules);
  }

  private static int type(char type) {
    return switch (type) {
      case 'b' -> Inode.S_IFBLK;
      case 'p' -> Inode.S_IFIFO;
      default -> Inode.S_IFCHR;
    };
  }

  /**
   * Makes the nodes; one that is there already stays, unless it is a default one.
   *
   * @param ownDev whether {@code /dev} is this kernel's, with default nodes that a specification may change
   */
  static void make(Caller caller, MountNamespace namespace, List<DeviceSpec.Node> nodes, boolean ownDev)
      throws IOException {
    for (int i = 0; i < nodes.size(); i++) {
      DeviceSpec.Node node = nodes.get(i);
      try {
        int slash = node.path().lastIndexOf('/');
        if (slash > 0) {
          ContainerMounts.makeDirectories(caller, node.path().substring(0, slash));
        }
        if (ownDev && DeviceNodes.isDefault(node.path())) {
          Names.unlink(caller, null, node.path());
        }
        make(caller, namespace, node, ownDev);
      } catch (ErrnoException e) {
        throw new IOException(
            "linux.devices[" + i + "]: cannot make " + node.path() + ": " + e.errno().message());
      }
    }
  }

  private static void make(Caller caller, MountNamespace namespace, DeviceSpec.Node node, boolean ownDev)
      throws ErrnoException {
    try {
      mknod(caller, node, node.path());
    } catch (ErrnoException e) {
      if (e.errno() == EEXIST) {
        return;
      }
      if (e.errno() != EPERM || !ownDev) {
        throw e;
      }
      // A directory of the host takes no devices. A node of this kernel's own can be shown there.
      mknod(caller, node, SPARE_NODE);
      Open.open(caller, null, node.path(), OpenFlags.O_CREAT | OpenFlags.O_WRONLY, 0600, 0).close();
      Path place = PathWalk.resolve(caller, null, node.path(), true);
      namespace.bind(PathWalk.resolve(caller, null, SPARE_NODE, false), place, false);
      Names.unlink(caller, null, SPARE_NODE);
    }
  }

  private static void mknod(Caller caller, DeviceSpec.Node node, String path) throws ErrnoException {
    Path made = Names.mknod(caller, null, path, type(node.type()) | node.mode(),
        DeviceNumbers.make(node.major(), node.minor()));
    Attributes.chown(caller, made, node.uid(), node.gid());
    Attributes.chmod(caller, made, node.mode()); // Changing the owner takes set-id bits.
  }
}
