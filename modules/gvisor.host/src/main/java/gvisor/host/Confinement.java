package gvisor.host;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import gvisor.host.seccomp.Bpf;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;

/**
 * How a process of ours that has all it needs gives up everything else, step by step: the host's files, its privileges,
 * most system calls. Each step holds for every thread of the process and cannot be undone. In this order.
 */
public final class Confinement {
  /** User and group that own nothing on most machines. */
  public static final int NOBODY = 65534;

  /** {@link Spawn#namespaces} of a process that will {@link #enterEmptyRoot}, and has no use for the host's networks. */
  public static final long NAMESPACES =
      Spawn.CLONE_NEWNS | Spawn.CLONE_NEWNET | Spawn.CLONE_NEWIPC | Spawn.CLONE_NEWUTS;

  private static final long MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REMOUNT = 32,
      MS_REC = 0x4000, MS_PRIVATE = 1 << 18;
  private static final int MNT_DETACH = 2;
  private static final int NR_PIVOT_ROOT = 155;
  private static final int NR_SECCOMP = 317;
  private static final int NR_GETEUID = 107;
  private static final int SECCOMP_SET_MODE_FILTER = 1;
  private static final int SECCOMP_FILTER_FLAG_TSYNC = 1;

  private Confinement() {}

  /** Has the JVM read now what it would look for in files at the first use of dates and time zones. */
  public static void readFilesNow() {
    DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(ZonedDateTime.now(ZoneId.systemDefault()));
    ZoneId.of("UTC").getRules();
  }

  /** Whether this process acts as the host's root. */
  public static boolean isRoot() {
    return Libc.syscall(NR_GETEUID, 0, 0, 0, 0, 0, 0) == 0;
  }

  /**
   * Whether this process has a mount namespace of its own, and so may {@link #enterEmptyRoot} without harm to others.
   */
  public static boolean hasOwnMounts() {
    try {
      Path own = Files.readSymbolicLink(Path.of("/proc/self/ns/mnt"));
      long parent = ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(1L);
      return !own.equals(Files.readSymbolicLink(Path.of("/proc/" + parent + "/ns/mnt")));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Makes an empty, read-only file system the root of every thread, and lets go of all others. Needs CAP_SYS_ADMIN and a
   * mount namespace of its own.
   *
   * @throws ErrnoException EPERM without them
   */
  public static void enterEmptyRoot() throws ErrnoException {
    if (!hasOwnMounts()) {
      throw Errno.EPERM.error();
    }
    try (Arena arena = Arena.ofConfined()) {
      long none = Memory.cString(arena, "none");
      long tmpfs = Memory.cString(arena, "tmpfs");
      long root = Memory.cString(arena, "/");
      long dot = Memory.cString(arena, ".");
      long place = Memory.cString(arena, "/proc"); // there is one everywhere, and it is not needed any more
      Libc.check(Libc.mount(none, root, 0, MS_REC | MS_PRIVATE, 0));
      long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
      Libc.check(Libc.mount(none, place, tmpfs, flags, Memory.cString(arena, "size=4k,nr_inodes=2,mode=0555")));
      Libc.check(Libc.mount(none, place, 0, MS_REMOUNT | MS_RDONLY | flags, 0));
      Libc.check(Libc.chdir(place));
      // The old root ends up on top of the new one, from where it is taken off (man 2 pivot_root, NOTES).
      Libc.check(Libc.syscall(NR_PIVOT_ROOT, dot, dot, 0, 0, 0, 0));
      Libc.check(Libc.umount2(dot, MNT_DETACH));
      Libc.check(Libc.chdir(root));
    }
  }

  /**
   * Makes the empty directory {@code directory} the root of every thread. Unlike {@link #enterEmptyRoot} it leaves what
   * is mounted below directories that are open; needs CAP_SYS_CHROOT only.
   */
  public static void changeRoot(String directory) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      Libc.check(Libc.syscall(Sys.NR_CHROOT, Memory.cString(arena, directory), 0, 0, 0, 0, 0));
      Libc.check(Libc.chdir(Memory.cString(arena, "/")));
    }
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
    try (Arena arena = Arena.ofConfined()) {
      Libc.check(Libc.prctl(Sys.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
      long program = filter.toSockFprog(arena).address();
      long failed = Libc.check(
          Libc.syscall(NR_SECCOMP, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, program, 0, 0, 0));
      if (failed != 0) {
        throw Errno.EBUSY.error(); // a thread has a filter of its own
      }
    }
  }
}
