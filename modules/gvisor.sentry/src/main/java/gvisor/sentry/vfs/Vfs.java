package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.ENODEV;

import gvisor.api.errno.ErrnoException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What the file layer has one of in a kernel: file system types, devices, the mount lock, and the mount of files
 * without a name. Thread-safe.
 */
public final class Vfs {
  /** Far from the numbers of the kernel's other namespaces: one file system shows them all. */
  private static final long FIRST_NAMESPACE_INODE = 0xF8000000L;

  private final DeviceNumbers numbers;
  private final DeviceRegistry devices = new DeviceRegistry();
  private final LockWaits lockWaits = new LockWaits();
  private final HeldLocks heldLocks = new HeldLocks();
  private final AtomicLong pipeBytes = new AtomicLong();
  private final ReentrantLock nestingLock = new ReentrantLock();
  private final ConcurrentHashMap<String, FilesystemType> types = new ConcurrentHashMap<>();
  private final List<String> typeOrder = new ArrayList<>();
  private final AtomicInteger nextMountId = new AtomicInteger(21);
  private final AtomicLong nextNamespaceInode = new AtomicLong(FIRST_NAMESPACE_INODE);
  private final PeerGroups peerGroups = new PeerGroups();
  private final AtomicInteger nextCookie = new AtomicInteger(1);
  private final AnonFile.AnonSuperblock anonymous;
  private final Mount anonymousMount;

  private volatile Superblock memoryFiles;

  /**
   * Held while the tree of mounts of any namespace changes. Like Linux {@code namespace_sem}; above all dentry locks.
   */
  final ReentrantLock mountLock = new ReentrantLock();

  public Vfs(DeviceNumbers numbers) {
    this.numbers = numbers;
    this.anonymous = new AnonFile.AnonSuperblock(numbers.anonymous());
    this.anonymousMount = new Mount(anonymous);
  }

  public DeviceNumbers numbers() {
    return numbers;
  }

  /** Character devices by number. */
  public DeviceRegistry devices() {
    return devices;
  }

  /** Who waits for whose POSIX lock. */
  public LockWaits lockWaits() {
    return lockWaits;
  }

  /** Files that are locked. */
  public HeldLocks heldLocks() {
    return heldLocks;
  }

  /** How many bytes the buffers of all pipes take. */
  public AtomicLong pipeBytes() {
    return pipeBytes;
  }

  /** Held while epoll instances come to watch one another. */
  public ReentrantLock nestingLock() {
    return nestingLock;
  }

  /** Adds a file system that {@code mount(2)} can name. */
  public void register(FilesystemType type) {
    if (types.put(type.name(), type) == null) {
      synchronized (typeOrder) {
        typeOrder.add(type.name());
      }
    }
  }

  /** The file system called {@code name}; ENODEV when there is none. */
  public FilesystemType type(String name) throws ErrnoException {
    FilesystemType type = types.get(name);
    if (type == null) {
      throw ENODEV.error();
    }
    return type;
  }

  /** The content of {@code /proc/filesystems}. */
  public String filesystems() {
    StringBuilder s = new StringBuilder();
    synchronized (typeOrder) {
      for (String name : typeOrder) {
        s.append(types.get(name).needsNoDevice() ? "nodev\t" : "\t").append(name).append('\n');
      }
    }
    return s.toString();
  }

  /** Makes a namespace whose root is {@code superblock}, mounted with {@link MountFlags}. */
  public MountNamespace namespace(Superblock superblock, String source, int flags) {
    return new MountNamespace(this, newMount(superblock, superblock.rootDentry(), source, MountFlags.kept(flags)));
  }

  Mount newMount(Superblock superblock, Dentry root, String source, int flags) {
    return new Mount(this, nextMountId.getAndIncrement(), superblock, root, source, flags);
  }

  long newNamespaceInode() {
    return nextNamespaceInode.getAndIncrement();
  }

  PeerGroups peerGroups() {
    return peerGroups;
  }

  /** The superblock, mounted nowhere, of files made by {@code memfd_create(2)}. */
  public Superblock memoryFiles() {
    return memoryFiles;
  }

  /** At boot. */
  public void setMemoryFiles(Superblock superblock) {
    memoryFiles = superblock;
  }

  /** Connects the events of one rename; two numbers, for an exchange. */
  int newCookie() {
    return nextCookie.getAndAdd(2);
  }

  AnonFile.AnonSuperblock anonymous() {
    return anonymous;
  }

  Mount anonymousMount() {
    return anonymousMount;
  }
}
