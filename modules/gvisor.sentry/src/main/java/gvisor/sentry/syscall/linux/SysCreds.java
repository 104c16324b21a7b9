package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.auth.IdMap;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;

/** User and group ids ({@code man 7 credentials}). An id of -1 means: as it is. */
final class SysCreds {
  private static final int NGROUPS_MAX = 65536;
  private static final int SECBIT_NO_SETUID_FIXUP = 4;
  private static final int SECBIT_KEEP_CAPS = 16;

  /** Capabilities that go with file system user id 0. */
  private static final long FS_CAPABILITIES = 1L << Capability.CAP_CHOWN | 1L << Capability.CAP_DAC_OVERRIDE
      | 1L << Capability.CAP_DAC_READ_SEARCH | 1L << Capability.CAP_FOWNER | 1L << Capability.CAP_FSETID
      | 1L << Capability.CAP_LINUX_IMMUTABLE | 1L << Capability.CAP_MKNOD | 1L << Capability.CAP_MAC_OVERRIDE;

  private SysCreds() {}

  /** EINVAL for an id that is neither -1 nor in {@code map}. */
  private static void check(IdMap map, int... ids) throws ErrnoException {
    for (int id : ids) {
      if (id != -1 && !map.has(id)) {
        throw EINVAL.error();
      }
    }
  }

  static long getuid(Task t, SyscallArgs a) {
    return t.creds().uid() & 0xffffffffL;
  }

  static long geteuid(Task t, SyscallArgs a) {
    return t.creds().euid() & 0xffffffffL;
  }

  static long getgid(Task t, SyscallArgs a) {
    return t.creds().gid() & 0xffffffffL;
  }

  static long getegid(Task t, SyscallArgs a) {
    return t.creds().egid() & 0xffffffffL;
  }

  /** {@code man 2 getresuid}. */
  static long getresuid(Task t, SyscallArgs a) throws ErrnoException {
    Credentials c = t.creds();
    t.mm().writeInt(a.addr(0), c.uid());
    t.mm().writeInt(a.addr(1), c.euid());
    t.mm().writeInt(a.addr(2), c.suid());
    return 0;
  }

  /** {@code man 2 getresgid}. */
  static long getresgid(Task t, SyscallArgs a) throws ErrnoException {
    Credentials c = t.creds();
    t.mm().writeInt(a.addr(0), c.gid());
    t.mm().writeInt(a.addr(1), c.egid());
    t.mm().writeInt(a.addr(2), c.sgid());
    return 0;
  }

  /** Takes over new user ids, and drops or gains capabilities as {@code man 7 capabilities} says. */
  private static long commitUids(Task t, int uid, int euid, int suid, int fsuid) {
    Credentials old = t.creds();
    Credentials c = old.withUids(uid, euid, suid, fsuid);
    if ((old.securebits() & SECBIT_NO_SETUID_FIXUP) == 0) {
      c = fixCapabilities(t, old, c);
    }
    if (c.euid() != old.euid() || c.egid() != old.egid() || c.fsuid() != old.fsuid()) {
      t.threadGroup().setDumpable(0);
      t.clearParentDeathSignal();
    }
    t.setCreds(c);
    return 0;
  }

  private static Credentials fixCapabilities(Task t, Credentials old, Credentials c) {
    long permitted = c.permitted();
    long effective = c.effective();
    long ambient = c.ambient();
    boolean hadRoot = old.uid() == 0 || old.euid() == 0 || old.suid() == 0;
    boolean hasRoot = c.uid() == 0 || c.euid() == 0 || c.suid() == 0;
    if (hadRoot && !hasRoot) {
      boolean keep = t.threadGroup().keepsCapabilities() || (old.securebits() & SECBIT_KEEP_CAPS) != 0;
      if (!keep) {
        permitted = 0;
        effective = 0;
      }
      ambient = 0;
    }
    if (old.euid() == 0 && c.euid() != 0) {
      effective = 0;
    } else if (old.euid() != 0 && c.euid() == 0) {
      effective = permitted;
    }
    if (old.fsuid() == 0 && c.fsuid() != 0) {
      effective &= ~FS_CAPABILITIES;
    } else if (old.fsuid() != 0 && c.fsuid() == 0) {
      effective |= permitted & FS_CAPABILITIES;
    }
    return c.withCapabilities(permitted, effective, c.inheritable(), c.bounding(), ambient);
  }

  /** {@code man 2 setuid}. */
  static long setuid(Task t, SyscallArgs a) throws ErrnoException {
    int uid = a.i32(0);
    Credentials c = t.creds();
    if (!t.users().has(uid)) {
      throw EINVAL.error();
    }
    if (c.has(Capability.CAP_SETUID)) {
      return commitUids(t, uid, uid, uid, uid);
    }
    if (uid != c.uid() && uid != c.suid()) {
      throw EPERM.error();
    }
    return commitUids(t, c.uid(), uid, c.suid(), uid);
  }

  /** {@code man 2 setreuid}. */
  static long setreuid(Task t, SyscallArgs a) throws ErrnoException {
    Credentials c = t.creds();
    int uid = a.i32(0);
    int euid = a.i32(1);
    check(t.users(), uid, euid);
    boolean any = c.has(Capability.CAP_SETUID);
    if (!any && (uid != -1 && uid != c.uid() && uid != c.euid()
        || euid != -1 && euid != c.uid() && euid != c.euid() && euid != c.suid())) {
      throw EPERM.error();
    }
    int newUid = uid == -1 ? c.uid() : uid;
    int newEuid = euid == -1 ? c.euid() : euid;
    boolean saves = uid != -1 || euid != -1 && euid != c.uid();
    return commitUids(t, newUid, newEuid, saves ? newEuid : c.suid(), newEuid);
  }

  /** {@code man 2 setresuid}. */
  static long setresuid(Task t, SyscallArgs a) throws ErrnoException {
    Credentials c = t.creds();
    int uid = a.i32(0);
    int euid = a.i32(1);
    int suid = a.i32(2);
    check(t.users(), uid, euid, suid);
    if (!c.has(Capability.CAP_SETUID) && !(isOwn(uid, c.uid(), c.euid(), c.suid())
        && isOwn(euid, c.uid(), c.euid(), c.suid()) && isOwn(suid, c.uid(), c.euid(), c.suid()))) {
      throw EPERM.error();
    }
    int newEuid = euid == -1 ? c.euid() : euid;
    return commitUids(t, uid == -1 ? c.uid() : uid, newEuid, suid == -1 ? c.suid() : suid, newEuid);
  }

  private static boolean isOwn(int id, int real, int effective, int saved) {
    return id == -1 || id == real || id == effective || id == saved;
  }

  private static long commitGids(Task t, int gid, int egid, int sgid, int fsgid) {
    Credentials old = t.creds();
    if (egid != old.egid() || fsgid != old.fsgid()) {
      t.threadGroup().setDumpable(0);
      t.clearParentDeathSignal();
    }
    t.setCreds(old.withGids(gid, egid, sgid, fsgid));
    return 0;
  }

  /** {@code man 2 setgid}. */
  static long setgid(Task t, SyscallArgs a) throws ErrnoException {
    int gid = a.i32(0);
    Credentials c = t.creds();
    if (!t.groups().has(gid)) {
      throw EINVAL.error();
    }
    if (c.has(Capability.CAP_SETGID)) {
      return commitGids(t, gid, gid, gid, gid);
    }
    if (gid != c.gid() && gid != c.sgid()) {
      throw EPERM.error();
    }
    return commitGids(t, c.gid(), gid, c.sgid(), gid);
  }

  /** {@code man 2 setregid}. */
  static long setregid(Task t, SyscallArgs a) throws ErrnoException {
    Credentials c = t.creds();
    int gid = a.i32(0);
    int egid = a.i32(1);
    check(t.groups(), gid, egid);
    if (!c.has(Capability.CAP_SETGID) && (gid != -1 && gid != c.gid() && gid != c.egid()
        || egid != -1 && egid != c.gid() && egid != c.egid() && egid != c.sgid())) {
      throw EPERM.error();
    }
    int newGid = gid == -1 ? c.gid() : gid;
    int newEgid = egid == -1 ? c.egid() : egid;
    boolean saves = gid != -1 || egid != -1 && egid != c.gid();
    return commitGids(t, newGid, newEgid, saves ? newEgid : c.sgid(), newEgid);
  }

  /** {@code man 2 setresgid}. */
  static long setresgid(Task t, SyscallArgs a) throws ErrnoException {
    Credentials c = t.creds();
    int gid = a.i32(0);
    int egid = a.i32(1);
    int sgid = a.i32(2);
    check(t.groups(), gid, egid, sgid);
    if (!c.has(Capability.CAP_SETGID) && !(isOwn(gid, c.gid(), c.egid(), c.sgid())
        && isOwn(egid, c.gid(), c.egid(), c.sgid()) && isOwn(sgid, c.gid(), c.egid(), c.sgid()))) {
      throw EPERM.error();
    }
    int newEgid = egid == -1 ? c.egid() : egid;
    return commitGids(t, gid == -1 ? c.gid() : gid, newEgid, sgid == -1 ? c.sgid() : sgid, newEgid);
  }

  /** {@code man 2 setfsuid}: the one before, whatever happens. */
  static long setfsuid(Task t, SyscallArgs a) {
    Credentials c = t.creds();
    int id = a.i32(0);
    if (t.users().has(id) && (c.has(Capability.CAP_SETUID) || id == c.uid() || id == c.euid() || id == c.suid()
        || id == c.fsuid())) {
      commitUids(t, c.uid(), c.euid(), c.suid(), id);
    }
    return c.fsuid() & 0xffffffffL;
  }

  /** {@code man 2 setfsgid}: the one before, whatever happens. */
  static long setfsgid(Task t, SyscallArgs a) {
    Credentials c = t.creds();
    int id = a.i32(0);
    if (t.groups().has(id) && (c.has(Capability.CAP_SETGID) || id == c.gid() || id == c.egid() || id == c.sgid()
        || id == c.fsgid())) {
      commitGids(t, c.gid(), c.egid(), c.sgid(), id);
    }
    return c.fsgid() & 0xffffffffL;
  }

  /** {@code man 2 getgroups}: size, list. */
  static long getgroups(Task t, SyscallArgs a) throws ErrnoException {
    int size = a.i32(0);
    int[] groups = t.creds().groups();
    if (size < 0) {
      throw EINVAL.error();
    }
    if (size == 0) {
      return groups.length;
    }
    if (groups.length > size) {
      throw EINVAL.error();
    }
    t.mm().copyOut(a.addr(1), MemorySegment.ofArray(groups), 0, 4L * groups.length);
    return groups.length;
  }

  /** {@code man 2 setgroups}: size, list. */
  static long setgroups(Task t, SyscallArgs a) throws ErrnoException {
    if (!t.creds().has(Capability.CAP_SETGID)) {
      throw EPERM.error();
    }
    long size = a.size(0) & 0xffffffffL;
    if (size > NGROUPS_MAX) {
      throw EINVAL.error();
    }
    int[] groups = new int[(int) size];
    t.mm().copyIn(a.addr(1), MemorySegment.ofArray(groups), 0, 4L * size);
    for (int group : groups) {
      if (!t.groups().has(group)) {
        throw EINVAL.error();
      }
    }
    t.setCreds(t.creds().withGroups(groups));
    return 0;
  }

  // ---- capabilities: man 2 capget ----

  private static final int VERSION_1 = 0x19980330;
  private static final int VERSION_2 = 0x20071026;
  private static final int VERSION_3 = 0x20080522;

  /** Words a version has for each set, after telling the caller what the kernel prefers; -1 for an unknown one. */
  private static int wordsOf(Task t, long header) throws ErrnoException {
    return switch (t.mm().readInt(header)) {
      case VERSION_1 -> 1;
      case VERSION_2, VERSION_3 -> 2;
      default -> {
        t.mm().writeInt(header, VERSION_3);
        yield -1;
      }
    };
  }

  /** {@code man 2 capget}: hdrp, datap. */
  static long capget(Task t, SyscallArgs a) throws ErrnoException {
    int words = wordsOf(t, a.addr(0));
    if (words < 0) {
      if (a.addr(1) == 0) {
        return 0;
      }
      throw EINVAL.error();
    }
    int pid = t.mm().readInt(a.addr(0) + 4);
    if (pid < 0) {
      throw EINVAL.error();
    }
    Task of = pid == 0 ? t : t.pidNamespace().task(pid);
    if (of == null) {
      throw ESRCH.error();
    }
    if (a.addr(1) == 0) {
      return 0;
    }
    Credentials c = of.creds();
    MemorySegment s = t.scratch();
    for (int w = 0; w < words; w++) {
      s.set(JAVA_INT_UNALIGNED, 12L * w, (int) (c.effective() >>> 32 * w));
      s.set(JAVA_INT_UNALIGNED, 12L * w + 4, (int) (c.permitted() >>> 32 * w));
      s.set(JAVA_INT_UNALIGNED, 12L * w + 8, (int) (c.inheritable() >>> 32 * w));
    }
    t.mm().copyOut(a.addr(1), s, 0, 12L * words);
    return 0;
  }

  /** {@code man 2 capset}: hdrp, datap. */
  static long capset(Task t, SyscallArgs a) throws ErrnoException {
    int words = wordsOf(t, a.addr(0));
    if (words < 0) {
      throw EINVAL.error();
    }
    int pid = t.mm().readInt(a.addr(0) + 4);
    if (pid != 0 && pid != t.tid()) {
      throw EPERM.error();
    }
    MemorySegment s = t.scratch();
    t.mm().copyIn(a.addr(1), s, 0, 12L * words);
    long effective = 0;
    long permitted = 0;
    long inheritable = 0;
    for (int w = 0; w < words; w++) {
      effective |= (s.get(JAVA_INT_UNALIGNED, 12L * w) & 0xffffffffL) << 32 * w;
      permitted |= (s.get(JAVA_INT_UNALIGNED, 12L * w + 4) & 0xffffffffL) << 32 * w;
      inheritable |= (s.get(JAVA_INT_UNALIGNED, 12L * w + 8) & 0xffffffffL) << 32 * w;
    }
    effective &= Capability.ALL;
    permitted &= Capability.ALL;
    inheritable &= Capability.ALL;
    Credentials c = t.creds();
    boolean mayInherit = c.has(Capability.CAP_SETPCAP);
    if (!mayInherit && (inheritable & ~(c.inheritable() | c.permitted())) != 0
        || (inheritable & ~(c.inheritable() | c.bounding())) != 0
        || (permitted & ~c.permitted()) != 0 || (effective & ~permitted) != 0) {
      throw EPERM.error();
    }
    t.setCreds(c.withCapabilities(permitted, effective, inheritable, c.bounding(),
        c.ambient() & permitted & inheritable));
    return 0;
  }
}
