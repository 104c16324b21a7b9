package gvisor.api.p9;

/** What a Tsetattr changes: the fields whose {@code SET_*} bit of {@link P9} is in {@link #valid}. A plain holder. */
public final class SetAttr {
  public int valid;
  public int mode;
  public int uid;
  public int gid;

  /** Bytes. */
  public long size;

  public long atimeSeconds;
  public long atimeNanos;
  public long mtimeSeconds;
  public long mtimeNanos;
}
