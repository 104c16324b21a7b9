package gvisor.host.libc;

/** Numbers of the x86-64 Linux ABI for files named relative to a descriptor; spelled as in the man pages. */
public final class FileSys {
  public static final int NR_GETDENTS64 = 217;
  public static final int NR_FGETXATTR = 193;
  public static final int NR_FLISTXATTR = 196;
  public static final int NR_FREMOVEXATTR = 199;
  public static final int NR_FSETXATTR = 190;
  public static final int NR_OPENAT = 257;
  public static final int NR_MKDIRAT = 258;
  public static final int NR_MKNODAT = 259;
  public static final int NR_FCHOWNAT = 260;
  public static final int NR_NEWFSTATAT = 262;
  public static final int NR_UNLINKAT = 263;
  public static final int NR_LINKAT = 265;
  public static final int NR_SYMLINKAT = 266;
  public static final int NR_READLINKAT = 267;
  public static final int NR_FCHMODAT = 268;
  public static final int NR_UTIMENSAT = 280;
  public static final int NR_RENAMEAT2 = 316;
  public static final int NR_FSTATFS = 138;
  public static final int NR_OPENAT2 = 437;

  public static final int O_WRONLY = 1;
  public static final int O_ACCMODE = 3;
  public static final int O_CREAT = 0100;
  public static final int O_EXCL = 0200;
  public static final int O_TRUNC = 01000;
  public static final int O_DIRECTORY = 0200000;
  public static final int O_NOFOLLOW = 0400000;
  public static final int O_PATH = 010000000;

  public static final int AT_SYMLINK_NOFOLLOW = 0x100;
  public static final int AT_REMOVEDIR = 0x200;
  public static final int AT_SYMLINK_FOLLOW = 0x400;
  public static final int AT_EMPTY_PATH = 0x1000;

  public static final int RESOLVE_NO_MAGICLINKS = 0x02;
  public static final int RESOLVE_BENEATH = 0x08;

  public static final long UTIME_NOW = 0x3fffffff;
  public static final long UTIME_OMIT = 0x3ffffffe;

  public static final int S_IFLNK = 0xa000;

  private FileSys() {}
}
