package gvisor.sentry.auth;

import java.util.Arrays;

/**
 * Who a task is. Immutable: a task changes who it is by replacing its credentials, so a reader needs no lock. Like Linux
 * {@code struct cred}.
 *
 * @param groups supplementary groups, sorted; never changed after construction
 * @param permitted capability sets as bits, {@link Capability}
 */
public record Credentials(
    int uid, int euid, int suid, int fsuid,
    int gid, int egid, int sgid, int fsgid,
    int[] groups,
    long permitted, long effective, long inheritable, long bounding, long ambient,
    int securebits, boolean noNewPrivs) {

  /** Root with {@code capabilities} permitted, effective and in the bounding set. */
  public static Credentials root(long capabilities) {
    return new Credentials(0, 0, 0, 0, 0, 0, 0, 0, new int[0],
        capabilities, capabilities, 0, capabilities, 0, 0, false);
  }

  /** Whether capability {@code number} is effective. */
  public boolean has(int number) {
    return (effective >>> number & 1) != 0;
  }

  /** Whether {@code group} is the file system group or a supplementary one. */
  public boolean inGroup(int group) {
    return fsgid == group || Arrays.binarySearch(groups, group) >= 0;
  }

  public Credentials withUids(int uid, int euid, int suid, int fsuid) {
    return new Credentials(uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups, permitted, effective, inheritable,
        bounding, ambient, securebits, noNewPrivs);
  }

  public Credentials withGids(int gid, int egid, int sgid, int fsgid) {
    return new Credentials(uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups, permitted, effective, inheritable,
        bounding, ambient, securebits, noNewPrivs);
  }

  /** With other supplementary groups, in any order. */
  public Credentials withGroups(int[] groups) {
    int[] sorted = groups.clone();
    Arrays.sort(sorted);
    return new Credentials(uid, euid, suid, fsuid, gid, egid, sgid, fsgid, sorted, permitted, effective, inheritable,
        bounding, ambient, securebits, noNewPrivs);
  }

  public Credentials withCapabilities(long permitted, long effective, long inheritable, long bounding, long ambient) {
    return new Credentials(uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups, permitted, effective, inheritable,
        bounding, ambient, securebits, noNewPrivs);
  }

  public Credentials withSecurebits(int securebits) {
    return new Credentials(uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups, permitted, effective, inheritable,
        bounding, ambient, securebits, noNewPrivs);
  }

  /** With {@code no_new_privs} set, which nothing ever clears. */
  public Credentials withNoNewPrivs() {
    return new Credentials(uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups, permitted, effective, inheritable,
        bounding, ambient, securebits, true);
  }
}
