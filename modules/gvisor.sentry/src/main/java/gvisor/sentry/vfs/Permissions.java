package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;

/** Who may do what to an inode ({@code man 7 path_resolution}, "Permissions"). */
public final class Permissions {
  public static final int MAY_EXEC = 1;
  public static final int MAY_WRITE = 2;
  public static final int MAY_READ = 4;

  static final int S_ISVTX = 01000;
  static final int S_ISGID = 02000;
  static final int S_ISUID = 04000;

  private Permissions() {}

  /** Whether the mode bits or a capability give every access of {@code mask}. */
  public static boolean allows(Credentials creds, Inode inode, int mask) {
    int mode = inode.mode();
    int bits;
    if (creds.fsuid() == inode.uid()) {
      bits = mode >>> 6;
    } else if ((mode >>> 3 & 7) != (mode & 7) && creds.inGroup(inode.gid())) {
      bits = mode >>> 3;
    } else {
      bits = mode;
    }
    if ((bits & mask) == mask) {
      return true;
    }
    if ((mode & Inode.S_IFMT) == Inode.S_IFDIR) {
      return (mask & MAY_WRITE) == 0 && creds.has(Capability.CAP_DAC_READ_SEARCH)
          || creds.has(Capability.CAP_DAC_OVERRIDE);
    }
    return mask == MAY_READ && creds.has(Capability.CAP_DAC_READ_SEARCH)
        || ((mask & MAY_EXEC) == 0 || (mode & 0111) != 0) && creds.has(Capability.CAP_DAC_OVERRIDE);
  }

  /** Whether the caller owns the inode or acts as if (CAP_FOWNER). */
  public static boolean isOwner(Credentials creds, Inode inode) {
    return creds.fsuid() == inode.uid() || creds.has(Capability.CAP_FOWNER);
  }

  /** EPERM unless {@link #isOwner}. */
  static void requireOwner(Credentials creds, Inode inode) throws ErrnoException {
    if (!isOwner(creds, inode)) {
      throw EPERM.error();
    }
  }

  /** May the caller make a name in {@code dir}? */
  static void checkCreate(Caller caller, Inode dir) throws ErrnoException {
    dir.checkPermission(caller, MAY_WRITE | MAY_EXEC);
  }

  /** May the caller take the name of {@code victim} from {@code dir}? The sticky bit counts. */
  static void checkDelete(Caller caller, Inode dir, Inode victim) throws ErrnoException {
    dir.checkPermission(caller, MAY_WRITE | MAY_EXEC);
    Credentials creds = caller.creds();
    if ((dir.mode() & S_ISVTX) != 0 && creds.fsuid() != victim.uid() && creds.fsuid() != dir.uid()
        && !creds.has(Capability.CAP_FOWNER)) {
      throw EPERM.error();
    }
  }

  /**
   * May a link in a sticky directory that everybody writes to be followed? Only its owner's and the directory owner's
   * ({@code man 5 proc}, {@code protected_symlinks}).
   */
  static void checkFollow(Caller caller, Inode dir, Inode link) throws ErrnoException {
    int shared = S_ISVTX | 0002;
    if ((dir.mode() & shared) == shared && link.uid() != caller.creds().fsuid() && link.uid() != dir.uid()) {
      throw EACCES.error();
    }
  }

  /**
   * The mode of a new file once the set-group-id bit was taken off where the caller could not set it
   * ({@code man 2 chmod}).
   */
  static int withoutForeignSetgid(Credentials creds, int mode, int gid) {
    boolean dangerous = (mode & (S_ISGID | 0010)) == (S_ISGID | 0010);
    return dangerous && !creds.inGroup(gid) && !creds.has(Capability.CAP_FSETID) ? mode & ~S_ISGID : mode;
  }
}
