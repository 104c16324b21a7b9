package gvisor.host;

import gvisor.host.libc.Memory;
import gvisor.host.libc.Script;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import static java.lang.foreign.ValueLayout.JAVA_INT;

/**
 * Steps of a {@link Spawn} after which a program begins without files, and as a user who owns nothing: for programs that
 * need nothing but descriptors, so that they need not give anything up by themselves.
 */
final class Seclusion {
  /** Where the program's own file is, until it has begun. */
  static final int PROGRAM_FD = 4;

  private static final int NR_FCNTL = 72, NR_CAPSET = 126, NR_PIVOT_ROOT = 155, NR_MOUNT = 165, NR_UMOUNT2 = 166;
  private static final int NR_EXECVEAT = 322;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final long MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REMOUNT = 32,
      MS_BIND = 0x1000, MS_REC = 0x4000, MS_PRIVATE = 1 << 18;
  private static final int MNT_DETACH = 2;
  private static final int PR_SET_KEEPCAPS = 8, PR_CAP_AMBIENT = 47, PR_CAP_AMBIENT_RAISE = 2;
  private static final int CAPABILITY_VERSION_3 = 0x20080522;

  private Seclusion() {}

  /** Makes an empty, read-only file system the root; needs a mount namespace of its own. */
  static void addEmptyRoot(Script script, Arena arena) {
    long none = Memory.cString(arena, "none");
    long root = Memory.cString(arena, "/");
    long dot = Memory.cString(arena, ".");
    long place = Memory.cString(arena, "/proc"); // one everywhere, and not needed
    long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    script.add(NR_MOUNT, none, root, 0, MS_REC | MS_PRIVATE, 0);
    script.add(NR_MOUNT, none, place, Memory.cString(arena, "tmpfs"), flags,
        Memory.cString(arena, "size=4k,nr_inodes=2,mode=0555"));
    script.add(NR_MOUNT, 0, place, 0, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, 0);
    script.add(Sys.NR_CHDIR, place);
    // The old root ends up on top of the new one, from where it is taken off (man 2 pivot_root, NOTES).
    script.add(NR_PIVOT_ROOT, dot, dot);
    script.add(NR_UMOUNT2, dot, MNT_DETACH);
    script.add(Sys.NR_CHDIR, root);
  }

  /** Becomes {@code user}, who keeps {@code capabilities} through {@code execve}; needs CAP_SETUID and CAP_SETGID. */
  static void addUser(Script script, Arena arena, int user, long capabilities) {
    script.add(Sys.NR_PRCTL, PR_SET_KEEPCAPS, 1);
    script.add(Sys.NR_SETGROUPS, 0, 0);
    script.add(Sys.NR_SETRESGID, user, user, user);
    script.add(Sys.NR_SETRESUID, user, user, user);
    MemorySegment header = arena.allocate(8, 8);
    header.set(JAVA_INT, 0, CAPABILITY_VERSION_3);
    MemorySegment sets = arena.allocate(24, 8);
    for (int half = 0; half < 2; half++) {
      for (int set = 0; set < 3; set++) {
        sets.set(JAVA_INT, 12 * half + 4 * set, (int) (capabilities >>> 32 * half));
      }
    }
    script.add(NR_CAPSET, header.address(), sets.address());
    for (int capability = 0; capability < Long.SIZE; capability++) {
      if ((capabilities & 1L << capability) != 0) {
        script.add(Sys.NR_PRCTL, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
      }
    }
  }

  /** Executes the file that is {@link #PROGRAM_FD}, which nobody has afterwards. */
  static void addExecute(Script script, Arena arena, long argv, long environment) {
    script.add(NR_EXECVEAT, PROGRAM_FD, Memory.cString(arena, ""), argv, environment, AT_EMPTY_PATH);
  }

  /** Has {@link #PROGRAM_FD} closed by the execution. */
  static void addCloseOnExecute(Script script) {
    script.add(NR_FCNTL, PROGRAM_FD, Sys.F_SETFD, Sys.FD_CLOEXEC);
  }
}
