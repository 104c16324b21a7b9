package gvisor.sentry.fs.devpts;

import gvisor.sentry.vfs.DeviceNumbers;

/** {@code /dev/pts/ptmx}: each opening is a new pseudo-terminal. */
final class PtmxInode extends DevptsInode {
  PtmxInode(DevptsSuperblock superblock, int mode, long nowNanos) {
    super(superblock, DevptsSuperblock.PTMX_INO, S_IFCHR | mode, 0, 0, nowNanos);
  }

  @Override
  long rdev() {
    return DeviceNumbers.make(TerminalDevices.TTY_MAJOR, TerminalDevices.PTMX_MINOR);
  }
}
