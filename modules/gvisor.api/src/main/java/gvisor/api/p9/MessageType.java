package gvisor.api.p9;

/**
 * Message types. {@code attr} in the extensions is {@link WireStat}. A reply's type is its request's plus one; an error is {@link #R_LERROR}. The numbers up to 127 are
 * those of 9P2000.L; from 160 on they are extensions.
 */
public final class MessageType {
  public static final int R_LERROR = 7;
  public static final int T_STATFS = 8;
  public static final int T_LOPEN = 12;
  public static final int T_LCREATE = 14;
  public static final int T_SYMLINK = 16;
  public static final int T_MKNOD = 18;
  public static final int T_RENAME = 20;
  public static final int T_READLINK = 22;
  public static final int T_GETATTR = 24;
  public static final int T_SETATTR = 26;
  public static final int T_XATTRWALK = 30;
  public static final int T_XATTRCREATE = 32;
  public static final int T_READDIR = 40;
  public static final int T_FSYNC = 50;
  public static final int T_LOCK = 52;
  public static final int T_GETLOCK = 54;
  public static final int T_LINK = 70;
  public static final int T_MKDIR = 72;
  public static final int T_RENAMEAT = 74;
  public static final int T_UNLINKAT = 76;
  public static final int T_VERSION = 100;
  public static final int T_AUTH = 102;
  public static final int T_ATTACH = 104;
  public static final int T_FLUSH = 108;
  public static final int T_WALK = 110;
  public static final int T_READ = 116;
  public static final int T_WRITE = 118;
  public static final int T_CLUNK = 120;
  public static final int T_REMOVE = 122;

  /** First of the extensions. */
  public static final int FIRST_EXTENSION = 160;

  /**
   * {@code fid[4] newfid[4] nwname[2] nwname*(wname[s])}: walks as far as names exist and replies
   * {@code nwattr[2] nwattr*(attr)}. {@code newfid} is bound when every name was found; NO_FID binds nothing.
   */
  public static final int T_WALKATTR = 160;

  /**
   * {@code fid[4] flags[4]}: opens the regular file for read or write and replies {@code attr} with the descriptor
   * beside it. The fid stays what it was. A fifo, where the server serves them (else EINVAL), is opened without waiting
   * for its other end: ENXIO for O_WRONLY while nobody reads.
   */
  public static final int T_OPENFD = 162;

  /**
   * {@code dfid[4] newfid[4] flags[4] mode[4] uid[4] gid[4] name[s]}: makes a regular file that was not there and
   * replies {@code attr} with the descriptor beside it; {@code newfid} is bound to it.
   */
  public static final int T_CREATEFD = 164;

  /**
   * {@code dfid[4] newfid[4] mode[4] uid[4] gid[4] major[4] minor[4] name[s] target[s]}: makes what the file type in
   * {@code mode} says (directory, symbolic link to {@code target}, fifo, socket, device) and replies {@code attr};
   * {@code newfid} is bound to it.
   */
  public static final int T_MAKE = 166;

  /**
   * {@code fid[4] offset[8] count[4]}: replies {@code n[2] n*(next[8] attr name[s])}, at most {@code count} bytes of
   * entries; {@code n} 0 is the end. {@code offset} is 0 or a {@code next} of the reply before.
   */
  public static final int T_READDIRATTR = 168;

  /** {@code n[2] n*(fid[4])}: clunks them all; fids that are not there are passed over. */
  public static final int T_CLUNKS = 170;

  /** Tsetattr's body; replies {@code attr}. */
  public static final int T_SETATTRX = 172;

  /** {@code fid[4] size[4] name[s]}: replies {@code length[4] data}; size 0 asks for the length alone, data empty. */
  public static final int T_GETXATTR = 174;

  /** {@code fid[4] size[4]}: replies {@code length[4] data}, names each ended by a zero byte. */
  public static final int T_LISTXATTR = 176;

  /** {@code fid[4] flags[4] name[s] length[4] data}. */
  public static final int T_SETXATTR = 178;

  /** {@code fid[4] name[s]}. */
  public static final int T_REMOVEXATTR = 180;

  /** {@code olddirfid[4] newdirfid[4] flags[4] oldname[s] newname[s]}: {@code renameat2(2)}. */
  public static final int T_RENAMEX = 182;

  /**
   * {@code dfid[4] newfid[4] flags[4] name[s]}: walks to the regular file {@code name} and opens it in one; replies
   * {@code attr} with the descriptor beside it, {@code newfid} bound.
   */
  public static final int T_WALKOPENFD = 184;

  /**
   * {@code fid[4] type[4]}: connects a new socket of {@code type} (SOCK_*) to the one that {@code fid} is; the empty
   * reply has it beside it. ECONNREFUSED where the server connects to none, EAGAIN when too many wait to be accepted.
   */
  public static final int T_CONNECT = 186;

  /**
   * {@code dfid[4] newfid[4] type[4] mode[4] uid[4] gid[4] name[s]}: makes a socket of {@code type} and binds it to
   * {@code name}; replies {@code attr} with the socket beside it. {@code newfid} is bound to it. EOPNOTSUPP where the
   * server binds none.
   */
  public static final int T_BIND = 188;

  /** {@code fid[4] backlog[4]}: {@code listen(2)} on the socket that Tbind has bound {@code fid} to. */
  public static final int T_LISTEN = 190;

  private MessageType() {}
}
