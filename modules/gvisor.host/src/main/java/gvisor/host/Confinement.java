package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.FileSys;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import gvisor.host.seccomp.Bpf;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;

/**
 * How a process of ours that has all it needs gives up everything else, step by step: the host's files, its privileges,
 * most system calls. Each step holds for every thread of the process and cannot be undone. In this order.
 */
public final class Confinement {
  /** User and group that own nothing on most machines. */
  public static final int NOBODY = 65534;

  /** {@link Spawn#namespaces} of the processes of a sandbox: all of them but that of users. */
  public static final long NAMESPACES =
      Spawn.CLONE_NEWNS | Spawn.CLONE_NEWNET | Spawn.CLONE_NEWIPC | Spawn.CLONE_NEWUTS | Spawn.CLONE_NEWPID;

  private static final long MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REMOUNT = 32,
      MS_BIND = 0x1000, MS_REC = 0x4000, MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19;
  private static final int MNT_DETACH = 2;
  private static final int NR_PIVOT_ROOT = 155;
  private static final int NR_MOUNT_SETATTR = 442;
  private static final int NR_CAPGET = 125;
  private static final int AT_RECURSIVE = 0x8000;
  private static final int AT_FDCWD = -100;
  private static final int NR_SECCOMP = 317;
  private static final int NR_GETEUID = 107;
  private static final int NR_GETEGID = 108;
  private static final int SECCOMP_SET_MODE_FILTER = 1;
  private static final int SECCOMP_FILTER_FLAG_TSYNC = 1;
  private static final int SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
  private static final int SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16;
  private static final int PR_SET_DUMPABLE = 4;
  private static final int CAP_SYS_ADMIN = 21;
  private static final int CAPABILITY_VERSION_3 = 0x20080522;

  private Confinement() {}

  /** Has the JVM open now what it loads classes from: one that is needed for the first time later must still be found. */
  public static void openClassesNow() {
    if (Class.forName(Confinement.class.getModule(), "gvisor.host.Absent") != null) {
      throw new IllegalStateException("a class that is not there was found");
    }
  }

  /** Has the JVM read now what it would look for in files at the first use of dates and time zones. */
  public static void readFilesNow() {
    DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(ZonedDateTime.now(ZoneId.systemDefault()));
    ZoneId.of("UTC").getRules();
  }

  /** Loads what confining a process takes, for a run of the build that has to stay unconfined. */
  public static void prepare() {
    try (EveryThread _ = new EveryThread()) {
      requireOwnNamespaces();
    } catch (ErrnoException e) {
      return; // As expected.
    }
  }

  /** Whether this process acts as the host's root. */
  public static boolean isRoot() {
    return Libc.syscall(NR_GETEUID, 0, 0, 0, 0, 0, 0) == 0;
  }

  /** The effective user of this process. */
  public static long userId() {
    return Libc.syscall(NR_GETEUID, 0, 0, 0, 0, 0, 0);
  }

  /** The effective group of this process. */
  public static long groupId() {
    return Libc.syscall(NR_GETEGID, 0, 0, 0, 0, 0, 0);
  }

  /** Whether this process may make namespaces and mounts: CAP_SYS_ADMIN in its user namespace. */
  public static boolean isAdministrator() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment header = arena.allocate(8, 8);
      header.set(JAVA_INT, 0, CAPABILITY_VERSION_3);
      MemorySegment sets = arena.allocate(24, 8);
      return Libc.syscall(NR_CAPGET, header.address(), sets.address(), 0, 0, 0, 0) == 0
          && (sets.get(JAVA_INT, 0) & 1 << CAP_SYS_ADMIN) != 0;
    }
  }

  /**
   * Makes an empty, read-only file system the root of every thread, and lets go of all others. Needs CAP_SYS_ADMIN and a
   * mount namespace of its own, which a process that is the first of a PID namespace has here.
   *
   * @throws ErrnoException EPERM without them
   */
  public static void enterEmptyRoot() throws ErrnoException {
    requireOwnNamespaces();
    try (Arena arena = Arena.ofConfined()) {
      mountRoot(arena, MS_PRIVATE, "/proc", "size=4k,nr_inodes=2,mode=0555"); // one everywhere, and not needed any more
      enterRoot(arena, "/proc");
    }
  }

  /**
   * A file or directory that stays reachable.
   *
   * @param path where it is
   * @param readOnly whether it can be changed there, and whatever is mounted below
   */
  public record Kept(String path, boolean readOnly) {}

  /**
   * Makes a file system the root of every thread that holds nothing but {@code kept}, called by their index, and this
   * process's descriptors as {@code fd}; no program, device or set-user-ID file in it is one. Lets go of all others.
   * Needs CAP_SYS_ADMIN and a mount namespace of its own.
   *
   * @param place an empty directory
   * @throws IOException with the path of {@code kept} that cannot be mounted, and why
   */
  public static void enterRootOf(List<Kept> kept, String place) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      requireOwnNamespaces();
      // What the host mounts below later appears, as it does in a container of runc.
      mountRoot(arena, MS_SLAVE, place, "size=256k,mode=0555");
      makeDirectory(arena, place + "/fd");
      bind(arena, "/proc/self/fd", place + "/fd", false);
      for (int i = 0; i < kept.size(); i++) {
        Kept k = kept.get(i);
        try {
          String target = place + "/" + i;
          if (isDirectory(k.path)) {
            makeDirectory(arena, target);
          } else {
            Fd.open(target, FileSys.O_CREAT | FileSys.O_EXCL | FileSys.O_WRONLY, 0600).close();
          }
          bind(arena, k.path, target, k.readOnly);
        } catch (ErrnoException e) {
          throw new IOException(k.path + ": " + e.errno().message().toLowerCase(Locale.ROOT), e);
        }
      }
      enterRoot(arena, place);
    } catch (ErrnoException e) {
      throw new IOException("cannot make a root directory at " + place + ": " + e.getMessage(), e);
    }
  }

  private static boolean isDirectory(String path) throws ErrnoException {
    try (Fd _ = Fd.open(path, FileSys.O_PATH | FileSys.O_DIRECTORY, 0)) {
      return true;
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOTDIR) {
        return false;
      }
      throw e;
    }
  }

  private static void makeDirectory(Arena arena, String path) throws ErrnoException {
    Libc.check(Libc.syscall(FileSys.NR_MKDIRAT, AT_FDCWD, Memory.cString(arena, path), 0755, 0, 0, 0));
  }

  private static void requireOwnNamespaces() throws ErrnoException {
    if (Libc.syscall(Sys.NR_GETPID, 0, 0, 0, 0, 0, 0) != 1) {
      throw Errno.EPERM.error();
    }
  }

  private static void mountRoot(Arena arena, long propagation, String place, String options) throws ErrnoException {
    long none = Memory.cString(arena, "none");
    Libc.check(Libc.mount(none, Memory.cString(arena, "/"), 0, MS_REC | propagation, 0));
    Libc.check(Libc.mount(none, Memory.cString(arena, place), Memory.cString(arena, "tmpfs"),
        MS_NOSUID | MS_NODEV | MS_NOEXEC, Memory.cString(arena, options)));
  }

  private static void bind(Arena arena, String path, String target, boolean readOnly) throws ErrnoException {
    long to = Memory.cString(arena, target);
    Libc.check(Libc.mount(Memory.cString(arena, path), to, 0, MS_BIND | MS_REC, 0));
    // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
    MemorySegment attributes = arena.allocate(32, 8);
    long set = MS_NOSUID | MS_NODEV | MS_NOEXEC | (readOnly ? MS_RDONLY : 0);
    attributes.set(JAVA_LONG, 0, set);
    if (Libc.syscall(NR_MOUNT_SETATTR, AT_FDCWD, to, AT_RECURSIVE, attributes.address(), 32, 0) != 0) {
      if (Libc.errno() != Errno.ENOSYS) {
        throw Libc.errno().error();
      }
      Libc.check(Libc.mount(0, to, 0, MS_REMOUNT | MS_BIND | set, 0)); // Linux before 5.12: the topmost mount alone
    }
  }

  private static void enterRoot(Arena arena, String place) throws ErrnoException {
    long dot = Memory.cString(arena, ".");
    long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    Libc.check(Libc.mount(0, Memory.cString(arena, place), 0, flags, 0));
    Libc.check(Libc.chdir(Memory.cString(arena, place)));
    // The old root ends up on top of the new one, from where it is taken off (man 2 pivot_root, NOTES).
    Libc.check(Libc.syscall(NR_PIVOT_ROOT, dot, dot, 0, 0, 0, 0));
    Libc.check(Libc.umount2(dot, MNT_DETACH));
    Libc.check(Libc.chdir(Memory.cString(arena, "/")));
  }

  /** The hard limit of {@code resource} for this process, as an unsigned number: {@code man 2 getrlimit}. */
  public static long hardLimit(int resource) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment limit = arena.allocate(16, 8);
      Libc.syscall(Sys.NR_PRLIMIT64, 0, resource, 0, limit.address(), 0, 0);
      long hard = limit.get(JAVA_LONG, 8);
      return hard < 0 ? Long.MAX_VALUE : hard;
    }
  }

  /** Has the kernel refuse others of the same user a look at this process: {@code man 2 prctl}, PR_SET_DUMPABLE. */
  public static void forbidInspection() throws ErrnoException {
    Libc.check(Libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  }

  /**
   * Makes every thread run as {@code uid} and {@code gid} without other groups; from root to another user, this takes
   * every capability away. libc has all threads do it.
   */
  public static void become(int uid, int gid) throws ErrnoException {
    Libc.check(Libc.setgroups(0, 0));
    Libc.check(Libc.setresgid(gid, gid, gid));
    Libc.check(Libc.setresuid(uid, uid, uid));
  }

  /** Puts {@code filter} on every thread, and on whatever they start. */
  public static void restrictSystemCalls(Bpf filter) throws ErrnoException {
    if (install(filter, SECCOMP_FILTER_FLAG_TSYNC) != 0) {
      throw Errno.EBUSY.error(); // a thread has a filter of its own
    }
  }

  /**
   * As {@link #restrictSystemCalls}, with a filter that has somebody else told of calls: returns what tells, for a
   * {@link Watcher}. This process must give it away and close it.
   *
   * @throws ErrnoException EBUSY when there is such a listener already, around this process; EINVAL before Linux 5.7
   */
  public static Fd watchSystemCalls(Bpf filter) throws ErrnoException {
    return Fd.adopt((int) install(
        filter, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
  }

  private static long install(Bpf filter, int flags) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      Libc.check(Libc.prctl(Sys.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
      long program = filter.toSockFprog(arena).address();
      return Libc.check(Libc.syscall(NR_SECCOMP, SECCOMP_SET_MODE_FILTER, flags, program, 0, 0, 0));
    }
  }
}
