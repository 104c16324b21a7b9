package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import java.util.List;

/**
 * Which devices the processes of a container may make and open, like the devices controller of Linux' control groups
 * ({@code Documentation/admin-guide/cgroup-v1/devices.rst}). For each kind of access the last rule about a device
 * decides; without a rule it is refused. Immutable.
 */
public final class DevicePolicy {
  /** Kinds of access: {@code mknod(2)}, and {@code open(2)} for reading and for writing. */
  public static final int MKNOD = 1, READ = 2, WRITE = 4;

  public static final int ANY_ACCESS = MKNOD | READ | WRITE;

  /** A major or minor number in a rule that stands for all. */
  public static final int ANY = -1;

  /** Nothing is refused. */
  public static final DevicePolicy EVERYTHING = new DevicePolicy(List.of(new Rule(true, 0, ANY, ANY, ANY_ACCESS)));

  private final Rule[] rules;

  /** @param rules in order: a later one outweighs an earlier one */
  public DevicePolicy(List<Rule> rules) {
    this.rules = rules.toArray(Rule[]::new);
  }

  /**
   * What is allowed or refused.
   *
   * @param type {@link Inode#S_IFCHR} or {@link Inode#S_IFBLK}; 0 for both
   * @param major number or {@link #ANY}
   * @param minor number or {@link #ANY}
   * @param access bits of {@link #MKNOD}, {@link #READ}, {@link #WRITE}
   */
  public record Rule(boolean allow, int type, int major, int minor, int access) {
    private boolean isAbout(int otherType, long rdev) {
      return (type == 0 || type == otherType) && (major == ANY || major == DeviceNumbers.major(rdev))
          && (minor == ANY || minor == DeviceNumbers.minor(rdev));
    }
  }

  /** EPERM unless every access of {@code access} to the device is allowed. */
  void check(int type, long rdev, int access) throws ErrnoException {
    int open = access;
    for (int i = rules.length - 1; i >= 0 && open != 0; i--) {
      Rule rule = rules[i];
      if ((rule.access & open) == 0 || !rule.isAbout(type, rdev)) {
        continue;
      }
      if (!rule.allow) {
        throw EPERM.error();
      }
      open &= ~rule.access;
    }
    if (open != 0) {
      throw EPERM.error();
    }
  }
}
