package gvisor.sentry.vfs;

/** What {@code statfs(2)} tells. Counts are in units of {@link #blockSize} bytes. */
public final class StatFs {
  public long type;
  public long blockSize = 4096;
  public long blocks;
  public long blocksFree;
  public long blocksAvailable;
  public long files;
  public long filesFree;
  public long nameLength = 255;
  public long fragmentSize = 4096;
}
