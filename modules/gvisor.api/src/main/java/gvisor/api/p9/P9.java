package gvisor.api.p9;

/** Numbers of the protocol: limits, special values and masks. Message types are in {@link MessageType}. */
public final class P9 {
  /** The protocol as others speak it. */
  public static final String VERSION = "9P2000.L";

  /** The same with the extensions of {@link MessageType}. */
  public static final String VERSION_EXTENDED = "9P2000.L.sentry";

  /** Bytes of the largest message either side sends, header included. */
  public static final int MAX_MESSAGE = 64 * 1024;

  /** Bytes of the smallest {@code msize} a server agrees to: room for a name of the longest kind and attributes. */
  public static final int MIN_MESSAGE = 4 * 1024;

  /** Bytes before the body: {@code size[4] type[1] tag[2]}. */
  public static final int HEADER = 7;

  /** Bytes of the message size, little endian, the header included. */
  public static final int SIZE_OFFSET = 0;

  /** The message type. */
  public static final int TYPE_OFFSET = 4;

  /** The tag. */
  public static final int TAG_OFFSET = 5;

  /** Largest count of data in one Tread or Twrite: the message less header and fields. */
  public static final int MAX_DATA = MAX_MESSAGE - 64;

  /** Most names in one walk. */
  public static final int MAX_NAMES = 16;

  /** Longest name in bytes (NAME_MAX). */
  public static final int MAX_NAME = 255;

  /** Longest target of a symbolic link in bytes (PATH_MAX, without the final zero). */
  public static final int MAX_TARGET = 4095;

  /** Most fids in one batched clunk. */
  public static final int MAX_CLUNKS = 64;

  /** No fid. */
  public static final int NO_FID = ~0;

  /** The tag of Tversion. */
  public static final int NO_TAG = 0xffff;

  /** {@code n_uname} when there is none. */
  public static final int NO_UID = ~0;

  /** Qid types. */
  public static final int QT_DIR = 0x80, QT_SYMLINK = 0x02, QT_FILE = 0x00;

  /** Tsetattr: which fields are meant. ATIME and MTIME without their _SET mean now. */
  public static final int SET_MODE = 0x1, SET_UID = 0x2, SET_GID = 0x4, SET_SIZE = 0x8, SET_ATIME = 0x10,
      SET_MTIME = 0x20, SET_CTIME = 0x40, SET_ATIME_SET = 0x80, SET_MTIME_SET = 0x100, SET_ALL = 0x1ff;

  /** Tgetattr: everything {@code stat(2)} tells. */
  public static final long GET_BASIC = 0x7ff;

  /** Tlock: kinds of lock and the states of its reply. */
  public static final int LOCK_READ = 0, LOCK_WRITE = 1, LOCK_UNLOCK = 2, LOCK_SUCCESS = 0, LOCK_BLOCKED = 1,
      LOCK_ERROR = 2;

  private P9() {}
}
