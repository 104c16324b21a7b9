package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ELOOP;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOTDIR;

import gvisor.api.errno.ErrnoException;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * A tree of mounts ({@code man 7 mount_namespaces}). Changes are made under {@link Vfs#mountLock}; permission has been
 * checked by the caller (CAP_SYS_ADMIN). Paths given are fully walked: on top of what is mounted there.
 */
public final class MountNamespace {
  /** Flags of {@code umount2(2)}. */
  public static final int MNT_FORCE = 1;
  public static final int MNT_DETACH = 2;
  public static final int MNT_EXPIRE = 4;
  public static final int UMOUNT_NOFOLLOW = 8;

  private final Vfs vfs;

  // Guarded by the mount lock; in the order in which /proc/mounts lists them.
  private final List<Mount> mounts = new ArrayList<>();
  private volatile Mount root;

  MountNamespace(Vfs vfs, Mount root) {
    this.vfs = vfs;
    this.root = root;
    root.attach(null, null, this);
    mounts.add(root);
  }

  public Vfs vfs() {
    return vfs;
  }

  /** Its topmost directory. */
  public Path root() {
    return new Path(root, root.root());
  }

  /**
   * Mounts a superblock.
   *
   * @param flags MS_* of {@code mount(2)}
   */
  public Mount mount(Superblock superblock, String source, Path at, int flags) throws ErrnoException {
    if (superblock.root().isDirectory() != at.dentry().inode().isDirectory()) {
      throw ENOTDIR.error();
    }
    vfs.mountLock.lock();
    try {
      Mount m = vfs.newMount(superblock, superblock.rootDentry(), source, MountFlags.kept(flags));
      try {
        attach(m, at);
      } catch (ErrnoException e) {
        m.unpin();
        throw e;
      }
      return m;
    } finally {
      vfs.mountLock.unlock();
    }
  }

  /** Makes what is at {@code from} visible at {@code at} too; with the mounts below it when {@code recursive}. */
  public Mount bind(Path from, Path at, boolean recursive) throws ErrnoException {
    vfs.mountLock.lock();
    try {
      if (from.dentry().inode().isDirectory() != at.dentry().inode().isDirectory()) {
        throw ENOTDIR.error();
      }
      if (from.mount().propagation == MountFlags.MS_UNBINDABLE || from.mount().namespace() != this) {
        throw EINVAL.error();
      }
      Mount copy = clone(from.mount(), from.dentry());
      List<Mount[]> below = new ArrayList<>();
      if (recursive) {
        collect(from.mount(), from.dentry(), copy, below);
      }
      attach(copy, at);
      for (Mount[] pair : below) {
        pair[0].attach(pair[1], pair[2].mountpoint(), this);
        mounts.add(pair[0]);
      }
      return copy;
    } finally {
      vfs.mountLock.unlock();
    }
  }

  /** Clones what stands on {@code source} at or below {@code from}: triples of clone, its parent's clone, original. */
  private void collect(Mount source, Dentry from, Mount clone, List<Mount[]> out) {
    for (Mount child : source.children()) {
      boolean isBelow = from == null || from.isAncestorOf(child.mountpoint());
      if (isBelow && child.propagation != MountFlags.MS_UNBINDABLE) {
        Mount c = clone(child, child.root());
        out.add(new Mount[] {c, clone, child});
        collect(child, null, c, out);
      }
    }
  }

  private Mount clone(Mount m, Dentry dentry) {
    Mount copy = vfs.newMount(m.superblock(), dentry, m.source(), m.flags());
    copy.propagation = m.propagation;
    copy.peerGroup = m.peerGroup;
    copy.masterGroup = m.masterGroup;
    return copy;
  }

  /** Moves the mount whose root is {@code from} to {@code at} (MS_MOVE). */
  public void move(Path from, Path at) throws ErrnoException {
    vfs.mountLock.lock();
    try {
      Mount m = from.mount();
      requireMountRoot(from);
      if (m.parent() == null || m.parent().propagation == MountFlags.MS_SHARED) {
        throw EINVAL.error();
      }
      if (m.root().inode().isDirectory() != at.dentry().inode().isDirectory()) {
        throw ENOTDIR.error();
      }
      for (Mount up = at.mount(); up != null; up = up.parent()) {
        if (up == m) {
          throw ELOOP.error();
        }
      }
      checkTarget(at);
      m.detach();
      m.attach(at.mount(), at.dentry(), this);
    } finally {
      vfs.mountLock.unlock();
    }
  }

  private void checkTarget(Path at) throws ErrnoException {
    if (at.mount().namespace() != this) {
      throw EINVAL.error();
    }
    if (at.dentry().isDeleted()) {
      throw ENOENT.error();
    }
    if (at.mount().mountedOn(at.dentry()) != null) {
      throw EBUSY.error();
    }
  }

  private void attach(Mount m, Path at) throws ErrnoException {
    checkTarget(at);
    if (at.mount().propagation == MountFlags.MS_SHARED && m.propagation != MountFlags.MS_SHARED) {
      m.propagation = MountFlags.MS_SHARED;
      m.peerGroup = vfs.newPeerGroup();
    }
    m.attach(at.mount(), at.dentry(), this);
    mounts.add(m);
  }

  /**
   * Unmounts.
   *
   * @param flags MNT_*
   */
  public void unmount(Path path, int flags) throws ErrnoException {
    vfs.mountLock.lock();
    List<Mount> gone = new ArrayList<>();
    try {
      requireMountRoot(path);
      Mount m = path.mount();
      if ((flags & MNT_EXPIRE) != 0) {
        if ((flags & (MNT_FORCE | MNT_DETACH)) != 0) {
          throw EINVAL.error();
        }
        if (m.isBusy() || m.hasChildren()) {
          throw EBUSY.error();
        }
        if (!m.expiring) {
          m.expiring = true;
          throw EAGAIN.error();
        }
      }
      if (m == root) {
        throw EBUSY.error();
      }
      if ((flags & MNT_DETACH) == 0 && (m.isBusy() || m.hasChildren())) {
        throw EBUSY.error();
      }
      takeDown(m, gone);
    } finally {
      vfs.mountLock.unlock();
    }
    for (Mount m : gone) {
      m.unpin();
    }
  }

  private void takeDown(Mount m, List<Mount> gone) {
    for (Mount child : m.children()) {
      takeDown(child, gone);
    }
    m.detach();
    mounts.remove(m);
    gone.add(m);
  }

  /** Changes the flags of the mount whose root is {@code path} (MS_REMOUNT with MS_BIND). */
  public void remount(Path path, int flags) throws ErrnoException {
    vfs.mountLock.lock();
    try {
      requireMountRoot(path);
      Mount m = path.mount();
      int kept = (flags & (MountFlags.MS_NOATIME | MountFlags.MS_RELATIME | MountFlags.MS_STRICTATIME)) == 0
          ? flags & MountFlags.KEPT | m.flags() & (MountFlags.MS_NOATIME | MountFlags.MS_RELATIME)
          : MountFlags.kept(flags);
      if ((kept & MountFlags.MS_RDONLY) != 0 && !m.isReadOnly() && m.hasWriters()) {
        throw EBUSY.error();
      }
      m.setFlags(kept);
    } finally {
      vfs.mountLock.unlock();
    }
  }

  /**
   * Says how the mount whose root is {@code path} passes mounts on.
   *
   * @param type one of {@link MountFlags#PROPAGATION}
   */
  public void setPropagation(Path path, int type, boolean recursive) throws ErrnoException {
    vfs.mountLock.lock();
    try {
      requireMountRoot(path);
      setPropagation(path.mount(), type, recursive);
    } finally {
      vfs.mountLock.unlock();
    }
  }

  private void setPropagation(Mount m, int type, boolean recursive) {
    if (type == MountFlags.MS_SHARED) {
      if (m.propagation != MountFlags.MS_SHARED) {
        m.peerGroup = vfs.newPeerGroup();
      }
      m.propagation = type;
    } else if (type == MountFlags.MS_SLAVE) {
      // A slave without a master is a private mount.
      m.propagation = MountFlags.MS_PRIVATE;
      m.peerGroup = 0;
    } else {
      m.propagation = type;
      m.peerGroup = 0;
      m.masterGroup = 0;
    }
    if (recursive) {
      for (Mount child : m.children()) {
        setPropagation(child, type, true);
      }
    }
  }

  /**
   * Makes the mount at {@code newRoot} the root and hangs the old root up at {@code putOld} ({@code man 2 pivot_root}).
   *
   * @param oldRoot the caller's root
   */
  public void pivotRoot(Path newRoot, Path putOld, Path oldRoot) throws ErrnoException {
    vfs.mountLock.lock();
    try {
      Mount fresh = newRoot.mount();
      Mount old = oldRoot.mount();
      if (fresh.namespace() != this || old.namespace() != this || putOld.mount().namespace() != this) {
        throw EINVAL.error();
      }
      if (newRoot.dentry().isDeleted()) {
        throw ENOENT.error();
      }
      if (fresh == old || putOld.mount() == old) {
        throw EBUSY.error();
      }
      if (newRoot.dentry() != fresh.root() || oldRoot.dentry() != old.root() || fresh.parent() == null
          || old.propagation == MountFlags.MS_SHARED || fresh.propagation == MountFlags.MS_SHARED
          || PathText.textOrNull(putOld, newRoot) == null || PathText.textOrNull(newRoot, oldRoot) == null) {
        throw EINVAL.error();
      }
      Mount above = old.parent();
      Dentry place = old.mountpoint();
      fresh.detach();
      old.detach();
      fresh.attach(above, place, this);
      old.attach(putOld.mount(), putOld.dentry(), this);
      if (above == null) {
        root = fresh;
      }
    } finally {
      vfs.mountLock.unlock();
    }
  }

  /** A copy ({@code CLONE_NEWNS}) and where the mounts of this one are in it. */
  public record Copy(MountNamespace namespace, Map<Mount, Mount> mounts) {
    /** The same place in the copy. */
    public Path translate(Path path) {
      Mount m = mounts.get(path.mount());
      return m == null ? path : new Path(m, path.dentry());
    }
  }

  /** Copies the tree; the caller moves its root and current directory over with {@link Copy#translate}. */
  public Copy copy() {
    vfs.mountLock.lock();
    try {
      Map<Mount, Mount> map = new IdentityHashMap<>();
      Mount newRoot = clone(root, root.root());
      map.put(root, newRoot);
      MountNamespace ns = new MountNamespace(vfs, newRoot);
      List<Mount[]> below = new ArrayList<>();
      collectAll(root, newRoot, below);
      for (Mount[] pair : below) {
        pair[0].attach(pair[1], pair[2].mountpoint(), ns);
        ns.mounts.add(pair[0]);
        map.put(pair[2], pair[0]);
      }
      return new Copy(ns, map);
    } finally {
      vfs.mountLock.unlock();
    }
  }

  private void collectAll(Mount source, Mount clone, List<Mount[]> out) {
    for (Mount child : source.children()) {
      Mount c = clone(child, child.root());
      out.add(new Mount[] {c, clone, child});
      collectAll(child, c, out);
    }
  }

  /** The last task of the namespace is gone: everything is unmounted. */
  public void release() {
    List<Mount> gone = new ArrayList<>();
    vfs.mountLock.lock();
    try {
      takeDown(root, gone);
    } finally {
      vfs.mountLock.unlock();
    }
    for (Mount m : gone) {
      m.unpin();
    }
  }

  /** The mounts, in the order they were made. */
  public Mount[] mounts() {
    vfs.mountLock.lock();
    try {
      return mounts.toArray(new Mount[0]);
    } finally {
      vfs.mountLock.unlock();
    }
  }

  /** The content of {@code /proc/[pid]/mounts} for somebody whose root is {@code reader}. */
  public String mountsText(Path reader) {
    StringBuilder s = new StringBuilder();
    for (Mount m : mounts()) {
      String at = PathText.textOrNull(new Path(m, m.root()), reader);
      if (at != null) {
        escape(s, m.source()).append(' ');
        escape(s, at).append(' ').append(m.superblock().typeName()).append(' ');
        options(s, m).append(" 0 0\n");
      }
    }
    return s.toString();
  }

  /** The content of {@code /proc/[pid]/mountinfo} for somebody whose root is {@code reader} ({@code man 5 proc}). */
  public String mountInfoText(Path reader) {
    StringBuilder s = new StringBuilder();
    for (Mount m : mounts()) {
      String at = PathText.textOrNull(new Path(m, m.root()), reader);
      if (at == null) {
        continue;
      }
      Mount parent = m.parent();
      Superblock sb = m.superblock();
      s.append(m.id()).append(' ').append(parent == null ? m.id() - 1 : parent.id()).append(' ');
      s.append(DeviceNumbers.major(sb.dev())).append(':').append(DeviceNumbers.minor(sb.dev())).append(' ');
      escape(s, PathText.withinSuperblock(m.root())).append(' ');
      escape(s, at).append(' ').append(MountFlags.text(m.flags()));
      if (m.propagation == MountFlags.MS_SHARED) {
        s.append(" shared:").append(m.peerGroup);
      }
      if (m.masterGroup != 0) {
        s.append(" master:").append(m.masterGroup);
      }
      if (m.propagation == MountFlags.MS_UNBINDABLE) {
        s.append(" unbindable");
      }
      s.append(" - ").append(sb.typeName()).append(' ');
      escape(s, m.source()).append(' ').append(sb.isReadOnly() ? "ro" : "rw");
      String more = sb.options();
      if (!more.isEmpty()) {
        s.append(',').append(more);
      }
      s.append('\n');
    }
    return s.toString();
  }

  /** The content of {@code /proc/[pid]/mountstats}. */
  public String mountStatsText(Path reader) {
    StringBuilder s = new StringBuilder();
    for (Mount m : mounts()) {
      String at = PathText.textOrNull(new Path(m, m.root()), reader);
      if (at != null) {
        escape(s.append("device "), m.source()).append(" mounted on ");
        escape(s, at).append(" with fstype ").append(m.superblock().typeName()).append('\n');
      }
    }
    return s.toString();
  }

  private static StringBuilder options(StringBuilder s, Mount m) {
    s.append(MountFlags.text(m.isReadOnly() ? m.flags() | MountFlags.MS_RDONLY : m.flags()));
    String more = m.superblock().options();
    return more.isEmpty() ? s : s.append(',').append(more);
  }

  /** White space and backslashes as octal numbers ({@code man 3 getmntent}). */
  private static StringBuilder escape(StringBuilder s, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case ' ' -> s.append("\\040");
        case '\t' -> s.append("\\011");
        case '\n' -> s.append("\\012");
        case '\\' -> s.append("\\134");
        case '#' -> s.append("\\043");
        default -> s.append(c);
      }
    }
    return s;
  }

  private void requireMountRoot(Path path) throws ErrnoException {
    if (path.mount().namespace() != this || path.dentry() != path.mount().root()) {
      throw EINVAL.error();
    }
  }
}
