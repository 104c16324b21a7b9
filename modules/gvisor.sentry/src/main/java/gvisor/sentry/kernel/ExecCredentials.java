package gvisor.sentry.kernel;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.loader.CredentialsRule;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Who a program runs as: set-user-id and set-group-id bits, file capabilities and ambient ones ({@code man 2 execve},
 * {@code man 7 capabilities}, "Transformation of capabilities during execve()").
 */
final class ExecCredentials implements CredentialsRule {
  private static final int S_ISUID = 04000;
  private static final int S_ISGID = 02000;
  private static final int S_IXGRP = 00010;
  private static final int SECBIT_NOROOT = 1;
  private static final int SECBIT_KEEP_CAPS = 16;
  private static final String XATTR = "security.capability";
  private static final int VFS_CAP_REVISION_MASK = 0xff000000;
  private static final int VFS_CAP_REVISION_2 = 0x02000000;
  private static final int VFS_CAP_REVISION_3 = 0x03000000;
  private static final int VFS_CAP_FLAGS_EFFECTIVE = 1;
  private static final int VFS_CAP_SIZE = 20;

  private final Caller caller;
  private final boolean traced;

  /** @param traced somebody without rights over the result traces the task: it gains nothing */
  ExecCredentials(Caller caller, boolean traced) {
    this.caller = caller;
    this.traced = traced;
  }

  @Override
  public Credentials credentialsFor(FileDescription executable) {
    Credentials old = caller.creds();
    Inode inode = executable.inode();
    boolean mayGain = !executable.path().mount().isNoSuid() && !old.noNewPrivs() && !traced;
    int mode = inode.mode();
    int euid = mayGain && (mode & S_ISUID) != 0 ? inode.uid() : old.euid();
    int egid = mayGain && (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ? inode.gid() : old.egid();
    boolean setId = euid != old.euid() || egid != old.egid();

    long filePermitted = 0;
    long fileInheritable = 0;
    boolean fileEffective = false;
    boolean hasFileCapabilities = false;
    ByteBuffer stored = mayGain ? fileCapabilities(inode) : null;
    if (stored != null) {
      hasFileCapabilities = true;
      fileEffective = (stored.getInt(0) & VFS_CAP_FLAGS_EFFECTIVE) != 0;
      filePermitted = (stored.getInt(4) & 0xffffffffL | (long) stored.getInt(12) << 32) & Capability.ALL;
      fileInheritable = (stored.getInt(8) & 0xffffffffL | (long) stored.getInt(16) << 32) & Capability.ALL;
    }
    boolean root = (old.securebits() & SECBIT_NOROOT) == 0;
    if (root && !(hasFileCapabilities && old.uid() != 0 && euid == 0)) {
      if (euid == 0 || old.uid() == 0) {
        filePermitted = Capability.ALL;
        fileInheritable = Capability.ALL;
      }
      if (euid == 0) {
        fileEffective = true;
      }
    }
    long ambient = hasFileCapabilities || setId ? 0 : old.ambient();
    long permitted = old.inheritable() & fileInheritable | filePermitted & old.bounding() | ambient;
    long effective = fileEffective ? permitted : ambient;
    return old.withUids(old.uid(), euid, euid, euid).withGids(old.gid(), egid, egid, egid)
        .withCapabilities(permitted, effective, old.inheritable(), old.bounding(), ambient)
        .withSecurebits(old.securebits() & ~SECBIT_KEEP_CAPS);
  }

  private ByteBuffer fileCapabilities(Inode inode) {
    byte[] value;
    try {
      value = inode.getXattr(caller, XATTR);
    } catch (ErrnoException e) {
      return null;
    }
    if (value == null || value.length < VFS_CAP_SIZE) {
      return null;
    }
    ByteBuffer b = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    int revision = b.getInt(0) & VFS_CAP_REVISION_MASK;
    return revision == VFS_CAP_REVISION_2 || revision == VFS_CAP_REVISION_3 ? b : null;
  }
}
