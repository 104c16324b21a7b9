package gvisor.sentry.fs.devpts;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ENOSPC;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.tty.Terminal;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.StatFs;
import gvisor.sentry.vfs.Superblock;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/** One mounted devpts: its terminals and their numbers. Thread-safe. */
public final class DevptsSuperblock extends Superblock {
  static final long ROOT_INO = 1;
  static final long PTMX_INO = 2;
  static final long FIRST_PTS_INO = 3;
  static final int PTS_MAJOR = 136;
  private static final int LIMIT = 4096;
  private static final long MAGIC = 0x1cd1;

  private final TerminalDevices devices;
  private final DevptsRoot root;
  private final PtmxInode ptmx;

  /** A leaf. */
  private final ReentrantLock numbersLock = new ReentrantLock();
  /** Guarded by {@link #numbersLock}. */
  private final TreeMap<Integer, PtsInode> slaves = new TreeMap<>();

  private volatile Options options;

  /** What {@code mount(2)} may say; -1 for uid and gid: those of who opens {@code ptmx}. */
  record Options(int uid, int gid, int mode, int ptmxMode, int max) {
    static Options parse(String text) throws ErrnoException {
      int uid = -1;
      int gid = -1;
      int mode = 0600;
      int ptmxMode = 0;
      int max = LIMIT;
      for (String option : text.split(",")) {
        int equals = option.indexOf('=');
        String name = equals < 0 ? option : option.substring(0, equals);
        String value = equals < 0 ? "" : option.substring(equals + 1);
        switch (name) {
          case "", "newinstance" -> {}
          case "uid" -> uid = number(value, 10);
          case "gid" -> gid = number(value, 10);
          case "mode" -> mode = number(value, 8) & 0777;
          case "ptmxmode" -> ptmxMode = number(value, 8) & 0777;
          case "max" -> max = Math.min(number(value, 10), LIMIT);
          default -> throw EINVAL.error();
        }
      }
      return new Options(uid, gid, mode, ptmxMode, max);
    }

    private static int number(String text, int radix) throws ErrnoException {
      try {
        int n = Integer.parseInt(text, radix);
        if (n >= 0) {
          return n;
        }
      } catch (NumberFormatException e) {
        // Falls through to the same answer.
      }
      throw EINVAL.error();
    }
  }

  DevptsSuperblock(TerminalDevices devices, long dev, Options options, long nowNanos) {
    super(dev);
    this.devices = devices;
    this.options = options;
    this.root = new DevptsRoot(this, nowNanos);
    this.ptmx = new PtmxInode(this, options.ptmxMode(), nowNanos);
  }

  @Override
  public String typeName() {
    return "devpts";
  }

  @Override
  public Inode root() {
    return root;
  }

  PtmxInode ptmx() {
    return ptmx;
  }

  @Override
  public void statfs(StatFs out) {
    out.type = MAGIC;
  }

  @Override
  public String options() {
    Options o = options;
    StringBuilder s = new StringBuilder();
    if (o.uid() >= 0) {
      s.append("uid=").append(o.uid()).append(',');
    }
    if (o.gid() >= 0) {
      s.append("gid=").append(o.gid()).append(',');
    }
    s.append(String.format("mode=%03o,ptmxmode=%03o", o.mode(), o.ptmxMode()));
    return s.toString();
  }

  /** Opens {@code ptmx}: a new pair, of which the result is the master. ENOSPC when there are too many. */
  FileOps openPtmx(Caller caller, Path path) throws ErrnoException {
    PtsInode slave = add(caller, null);
    PtyMaster master = new PtyMaster(this, slave);
    slave.setMaster(master, path);
    slave.terminal().connect(master);
    slave.publish();
    return master;
  }

  /**
   * Shows a terminal that has its own hardware as {@code N} in this file system.
   *
   * @return N
   */
  public int attach(Caller caller, Terminal terminal) throws ErrnoException {
    PtsInode slave = add(caller, terminal);
    slave.publish();
    return slave.index();
  }

  private PtsInode add(Caller caller, Terminal given) throws ErrnoException {
    Options o = options;
    int uid = o.uid() >= 0 ? o.uid() : caller.creds().fsuid();
    int gid = o.gid() >= 0 ? o.gid() : caller.creds().fsgid();
    numbersLock.lock();
    try {
      int index = 0;
      while (slaves.containsKey(index)) {
        index++;
      }
      if (index >= o.max()) {
        throw ENOSPC.error();
      }
      long rdev = DeviceNumbers.make(PTS_MAJOR, index);
      Terminal terminal = given != null ? given : devices.newTerminal(rdev);
      if (given != null) {
        given.setRdev(rdev);
      }
      PtsInode slave = new PtsInode(this, index, terminal, o.mode(), uid, gid, caller.realtimeNanos());
      // Reserved; not to be found before it is complete.
      slaves.put(index, slave);
      return slave;
    } finally {
      numbersLock.unlock();
    }
  }

  /** The pair is gone. */
  void remove(PtsInode slave) {
    numbersLock.lock();
    try {
      slaves.remove(slave.index(), slave);
    } finally {
      numbersLock.unlock();
    }
  }

  /** Takes the name of an attached terminal away. */
  public void detach(int index) {
    numbersLock.lock();
    try {
      slaves.remove(index);
    } finally {
      numbersLock.unlock();
    }
  }

  /** The terminal of that number, or null. */
  PtsInode slave(int index) {
    numbersLock.lock();
    try {
      PtsInode found = slaves.get(index);
      return found != null && found.isPublished() ? found : null;
    } finally {
      numbersLock.unlock();
    }
  }

  /** The first terminal whose number is at least {@code index}, or null. */
  PtsInode nextSlave(int index) {
    numbersLock.lock();
    try {
      for (PtsInode slave : slaves.tailMap(index, true).values()) {
        if (slave.isPublished()) {
          return slave;
        }
      }
      return null;
    } finally {
      numbersLock.unlock();
    }
  }

  @Override
  public void remount(Caller caller, String text) throws ErrnoException {
    options = Options.parse(text);
    ptmx.setPermissions(options.ptmxMode());
  }

  /** Opens the terminal behind a device node of this file system. */
  static FileOps openNode(Caller caller, Path path, int flags) throws ErrnoException {
    if (path.dentry().inode() instanceof PtsInode slave) {
      return slave.open(caller, path.dentry(), flags);
    }
    // A node that somebody made elsewhere: no terminal belongs to it.
    throw EIO.error();
  }
}
