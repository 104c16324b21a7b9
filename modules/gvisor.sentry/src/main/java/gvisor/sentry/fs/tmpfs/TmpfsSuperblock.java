package gvisor.sentry.fs.tmpfs;

import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.StatFs;
import gvisor.sentry.vfs.Superblock;
import gvisor.api.errno.ErrnoException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/** One instance of {@code tmpfs}: its limits, and what is used of them. */
public final class TmpfsSuperblock extends Superblock {
  private static final long TMPFS_MAGIC = 0x01021994;

  private final String typeName;
  private final PageAllocator allocator;
  private final AtomicLong usedPages = new AtomicLong();
  private final AtomicLong usedInodes = new AtomicLong();
  private final AtomicLong nextIno = new AtomicLong(1);
  private final TmpfsDirectory root;
  private volatile TmpfsOptions options;

  /** Guards what directories contain, and link counts. */
  final ReentrantLock namesLock = new ReentrantLock();

  /**
   * @param typeName {@code tmpfs}, or another name for the same thing
   * @param caller owner of the root directory, unless the options say
   */
  TmpfsSuperblock(long dev, String typeName, PageAllocator allocator, TmpfsOptions options, Caller caller) {
    super(dev);
    this.typeName = typeName;
    this.allocator = allocator;
    this.options = options;
    int uid = options.uid() >= 0 ? options.uid() : caller.creds().fsuid();
    int gid = options.gid() >= 0 ? options.gid() : caller.creds().fsgid();
    chargeInode();
    this.root = new TmpfsDirectory(this, null, options.mode(), uid, gid, caller.realtimeNanos());
  }

  @Override
  public String typeName() {
    return typeName;
  }

  @Override
  public Inode root() {
    return root;
  }

  @Override
  public void statfs(StatFs out) {
    TmpfsOptions o = options;
    out.type = TMPFS_MAGIC;
    out.blocks = o.maxPages();
    out.blocksFree = Math.max(0, o.maxPages() - usedPages.get());
    out.blocksAvailable = out.blocksFree;
    out.files = o.maxInodes();
    out.filesFree = Math.max(0, o.maxInodes() - usedInodes.get());
  }

  @Override
  public String options() {
    return options.text();
  }

  @Override
  public void remount(Caller caller, String text) throws ErrnoException {
    TmpfsOptions changed = TmpfsOptions.parse(text, options);
    if (changed.maxPages() < usedPages.get() || changed.maxInodes() < usedInodes.get()) {
      throw gvisor.api.errno.Errno.EINVAL.error();
    }
    options = changed;
  }

  PageAllocator allocator() {
    return allocator;
  }

  long newIno() {
    return nextIno.getAndIncrement();
  }

  /** Takes up to {@code pages} pages of what is left; how many it took. */
  int charge(int pages) {
    while (true) {
      long used = usedPages.get();
      int n = (int) Math.max(0, Math.min(pages, options.maxPages() - used));
      if (n == 0 || usedPages.compareAndSet(used, used + n)) {
        return n;
      }
    }
  }

  void uncharge(int pages) {
    usedPages.addAndGet(-pages);
  }

  /** Counts one inode; false when there may be no more. */
  boolean chargeInode() {
    if (usedInodes.incrementAndGet() > options.maxInodes()) {
      usedInodes.decrementAndGet();
      return false;
    }
    return true;
  }

  void unchargeInode() {
    usedInodes.decrementAndGet();
  }

  @Override
  public void release() {
    root.freeAll();
  }
}
