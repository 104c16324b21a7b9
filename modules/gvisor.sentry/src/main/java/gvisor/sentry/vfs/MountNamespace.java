package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ELOOP;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOSPC;
import static gvisor.api.errno.Errno.ENOTDIR;

import gvisor.api.errno.ErrnoException;
import java.util.ArrayList;
import java.util.HashSet;
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

  /** The most mounts of one namespace. */
  private static final int MAX_MOUNTS = 16384;

  private final Vfs vfs;
  private final long inode;

  // Guarded by the mount lock; in the order in which /proc/mounts lists them.
  private final List<Mount> mounts = new ArrayList<>();
  private volatile Mount root;

  MountNamespace(Vfs vfs, Mount root) {
    this.vfs = vfs;
    this.inode = vfs.newNamespaceInode();
    this.root = root;
    root.attach(null, null, this);
    mounts.add(root);
  }

  public Vfs vfs() {
    return vfs;
  }

  /** The inode number of {@code /proc/[pid]/ns/mnt}. */
  public long inode() {
    return inode;
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
      propagate(m);
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
      if (from.mount().isUnbindable || from.mount().namespace() != this) {
        throw EINVAL.error();
      }
      Mount copy = clone(from.mount(), from.dentry());
      List<Mount[]> below = recursive ? collect(from.mount(), from.dentry(), copy, false) : List.of();
      try {
        checkCount(below.size());
        attach(copy, at);
      } catch (ErrnoException e) {
        copy.unpin();
        for (Mount[] pair : below) {
          pair[0].unpin();
        }
        throw e;
      }
      for (Mount[] pair : below) {
        pair[0].attach(pair[1], pair[2].mountpoint(), this);
        mounts.add(pair[0]);
      }
      propagate(copy);
      return copy;
    } finally {
      vfs.mountLock.unlock();
    }
  }

  /**
   * Clones what stands, at any depth, on {@code source} at or below {@code from} (null: anywhere): triples of clone,
   * its parent's clone, original; a parent comes before its children.
   *
   * @param all also unbindable ones
   */
  private List<Mount[]> collect(Mount source, Dentry from, Mount clone, boolean all) {
    List<Mount[]> out = new ArrayList<>();
    collectChildren(source, from, clone, all, out);
    for (int i = 0; i < out.size(); i++) {
      Mount[] triple = out.get(i);
      collectChildren(triple[2], null, triple[0], all, out);
    }
    return out;
  }

  private void collectChildren(Mount source, Dentry from, Mount clone, boolean all, List<Mount[]> out) {
    for (Mount child : source.children()) {
      boolean isBelow = from == null || from.isAncestorOf(child.mountpoint());
      if (isBelow && (all || !child.isUnbindable)) {
        out.add(new Mount[] {clone(child, child.root()), clone, child});
      }
    }
  }

  private Mount clone(Mount m, Dentry dentry) {
    Mount copy = vfs.newMount(m.superblock(), dentry, m.source(), m.flags());
    copy.isUnbindable = m.isUnbindable;
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
      if (m.parent() == null || m.parent().peerGroup != 0) {
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
      if (at.mount().peerGroup != 0 && m.peerGroup == 0) {
        m.peerGroup = vfs.peerGroups().newGroup();
      }
      m.attach(at.mount(), at.dentry(), this);
      propagate(m);
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

  /** Makes a mount just hung up, with what stands on it, appear wherever its parent's peers and slaves are. */
  private void propagate(Mount m) {
    Mount parent = m.parent();
    Dentry place = m.mountpoint();
    for (Mount receiver : vfs.peerGroups().receivers(parent)) {
      MountNamespace ns = receiver.namespace();
      // Linux: puts the mount below one that stands there already. Here: that one stays as it is.
      if (ns == null || !receiver.root().isAncestorOf(place) || receiver.mountedOn(place) != null
          || ns.mounts.size() >= MAX_MOUNTS) {
        continue;
      }
      Mount copy = clone(m, m.root());
      if (receiver.peerGroup != parent.peerGroup) {
        copy.masterGroup = m.peerGroup;
        copy.peerGroup = receiver.peerGroup == 0 ? 0 : vfs.peerGroups().newGroup();
      }
      copy.attach(receiver, place, ns);
      ns.mounts.add(copy);
      for (Mount[] pair : collect(m, null, copy, true)) {
        pair[0].attach(pair[1], pair[2].mountpoint(), ns);
        ns.mounts.add(pair[0]);
      }
    }
  }

  private void checkCount(int more) throws ErrnoException {
    if (mounts.size() + more >= MAX_MOUNTS) {
      throw ENOSPC.error();
    }
  }

  private void attach(Mount m, Path at) throws ErrnoException {
    checkTarget(at);
    checkCount(1);
    if (at.mount().peerGroup != 0 && m.peerGroup == 0) {
      m.peerGroup = vfs.peerGroups().newGroup();
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
      for (Mount receiver : vfs.peerGroups().receivers(m.parent())) {
        Mount copy = receiver.mountedOn(m.mountpoint());
        if (copy != null && copy.root() == m.root() && !copy.hasChildren()) {
          takeDown(copy, gone);
        }
      }
      takeDown(m, gone);
    } finally {
      vfs.mountLock.unlock();
    }
    for (Mount m : gone) {
      m.unpin();
    }
  }

  /** Takes {@code m} and what stands on it down, what is on top first. */
  private void takeDown(Mount m, List<Mount> gone) {
    List<Mount> all = new ArrayList<>();
    all.add(m);
    for (int i = 0; i < all.size(); i++) {
      for (Mount child : all.get(i).children()) {
        all.add(child);
      }
    }
    m.namespace().mounts.removeAll(new HashSet<>(all));
    for (Mount each : all.reversed()) {
      each.detach();
      gone.add(each);
    }
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
      List<Mount> all = new ArrayList<>();
      all.add(path.mount());
      for (int i = 0; recursive && i < all.size(); i++) {
        for (Mount child : all.get(i).children()) {
          all.add(child);
        }
      }
      for (Mount m : all) {
        setPropagation(m, type);
      }
    } finally {
      vfs.mountLock.unlock();
    }
  }

  private void setPropagation(Mount m, int type) {
    PeerGroups groups = vfs.peerGroups();
    groups.leave(m);
    switch (type) {
      case MountFlags.MS_SHARED -> m.peerGroup = m.peerGroup != 0 ? m.peerGroup : groups.newGroup();
      case MountFlags.MS_SLAVE -> {
        // The last of a group has nobody to be a slave of; a slave already stays one.
        if (groups.isPopulated(m.peerGroup)) {
          m.masterGroup = m.peerGroup;
        }
        m.peerGroup = 0;
      }
      default -> {
        m.peerGroup = 0;
        m.masterGroup = 0;
      }
    }
    m.isUnbindable = type == MountFlags.MS_UNBINDABLE;
    groups.join(m);
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
          || old.peerGroup != 0 || fresh.peerGroup != 0
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
      for (Mount[] pair : collect(root, null, newRoot, true)) {
        pair[0].attach(pair[1], pair[2].mountpoint(), ns);
        ns.mounts.add(pair[0]);
        map.put(pair[2], pair[0]);
      }
      return new Copy(ns, map);
    } finally {
      vfs.mountLock.unlock();
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
      if (m.peerGroup != 0) {
        s.append(" shared:").append(m.peerGroup);
      }
      if (m.masterGroup != 0) {
        s.append(" master:").append(m.masterGroup);
      }
      if (m.isUnbindable) {
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
