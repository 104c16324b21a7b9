package gvisor.sentry.boot;

import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.P9Client;
import gvisor.sentry.fs.cgroup.CgroupType;
import gvisor.sentry.fs.gofer.CacheBudget;
import gvisor.sentry.fs.gofer.GoferFilesystem;
import gvisor.sentry.fs.overlay.OverlayFilesystem;
import gvisor.sentry.fs.overlay.TreeCopy;
import gvisor.sentry.fs.proc.ProcType;
import gvisor.sentry.fs.sys.SysfsType;
import gvisor.sentry.kernel.Container;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.KernelCaller;
import gvisor.sentry.vfs.MountFlags;
import gvisor.sentry.vfs.MountNamespace;
import gvisor.sentry.vfs.Names;
import gvisor.sentry.vfs.Open;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;
import gvisor.sentry.vfs.Superblock;
import java.io.IOException;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** The tree of mounts of one container, as its spec wants it ({@code runtime-spec}, "Mounts" and "Linux"). */
final class ContainerMounts {
  private static final Logger LOG = LogManager.getLogger(ContainerMounts.class);
  private static final String ROOT_ATTACH_NAME = "root";
  private static final int MAX_DEPTH = 256;

  private final Kernel kernel;
  private final CacheBudget budget;
  private final ContainerSpec spec;
  private final Container container;
  private final PidNamespace pids;
  private final P9Client gofer;
  private final SharedMemory.User sharedMemory;
  private MountNamespace namespace;
  private FsContext fs;
  private Caller caller;

  /** Whether /dev is made here, with the default nodes in it. */
  private boolean ownDev;

  ContainerMounts(Kernel kernel, CacheBudget budget, ContainerSpec spec, Container container, PidNamespace pids,
      P9Client gofer, SharedMemory.User sharedMemory) {
    this.kernel = kernel;
    this.budget = budget;
    this.spec = spec;
    this.container = container;
    this.pids = pids;
    this.gofer = gofer;
    this.sharedMemory = sharedMemory;
  }

  /** Makes the tree; null {@code gofer} gives an empty root in memory. */
  MountNamespace make() throws IOException {
    try {
      Superblock root = root();
      namespace = kernel.vfs().namespace(root, "none", 0);
    } catch (ErrnoException e) {
      throw new IOException("root: cannot be mounted: " + e.errno().message());
    }
    fs = new FsContext(namespace.root(), namespace.root(), 0);
    caller = new KernelCaller(fs, kernel.host().clock(), container.memory().pages());
    try {
      List<MountSpec> mounts = spec.mounts();
      for (int i = 0; i < mounts.size(); i++) {
        mount("mounts[" + i + "]", mounts.get(i));
      }
      addMissing();
      ContainerDevices.make(caller, namespace, spec.devices().nodes(), ownDev);
      ContainerSysctls.apply(caller, spec.sysctls());
      for (String path : spec.readonlyPaths()) {
        makeReadonly(path);
      }
      for (String path : spec.maskedPaths()) {
        mask(path);
      }
      if (spec.rootReadonly()) {
        remountReadonly();
      }
      return namespace;
    } catch (IOException | RuntimeException e) {
      fs.release();
      fs = null;
      namespace.release();
      throw e;
    } finally {
      if (fs != null) {
        fs.release();
      }
    }
  }

  private Superblock root() throws ErrnoException {
    Caller nobody = new KernelCaller(null, kernel.host().clock(), container.memory().pages());
    if (gofer == null) {
      return kernel.vfs().type("tmpfs").mount(nobody, "none", "mode=755");
    }
    // An overlay's lower tree may not change below it; a tree that others write is asked anew.
    Superblock lower = GoferFilesystem.mount(kernel.deviceNumbers(), gofer, ROOT_ATTACH_NAME, container.memory().pages(),
        kernel.host().clock(), budget, true, spec.users() != null);
    if (!spec.rootOverlay()) {
      return lower;
    }
    Superblock upper = kernel.vfs().type("tmpfs").mount(nobody, "none", "mode=755,size=0");
    return OverlayFilesystem.mount(kernel.deviceNumbers(), upper, lower, container.memory().pages(), kernel.host().clock());
  }

  private void mount(String field, MountSpec m) throws IOException {
    MountOptions options = MountOptions.parse(m.options());
    String type = m.type() == null || m.type().isEmpty() ? "none" : m.type();
    try {
      if (m.attachName() != null) {
        Superblock tree = GoferFilesystem.mount(kernel.deviceNumbers(), gofer, m.attachName(), container.memory().pages(),
            kernel.host().clock(), budget, false, spec.users() != null);
        Path at = destination(m.destination(), tree.root().isDirectory());
        namespace.mount(tree, m.source() == null ? "none" : m.source(), at, options.flags);
        return;
      }
      if (options.bind || type.equals("bind")) {
        throw new IOException(field + ": " + m.source() + " was not handed over for a bind mount");
      }
      Superblock tree = type.equals("tmpfs") ? tmpfs(m, options) : superblock(type, m.source(), options);
      if (tree == null) {
        LOG.debug("{}: no file system {}; left out", field, type);
        return;
      }
      Path at = destination(m.destination(), true);
      namespace.mount(tree, m.source() == null ? type : m.source(), at, options.flags);
      if (isDev(m.destination()) && (type.equals("tmpfs") || type.equals("devtmpfs"))) {
        DeviceNodes.populate(caller, walk(m.destination()));
        ownDev = true;
      }
    } catch (ErrnoException e) {
      throw new IOException(field + ": cannot mount " + type + " at " + m.destination() + ": " + e.errno().message());
    }
  }

  /** A file system in memory: as a directory that is at its place already, unless the specification says otherwise. */
  private Superblock tmpfs(MountSpec m, MountOptions options) throws ErrnoException {
    Path there = null;
    try {
      there = walk(m.destination());
    } catch (ErrnoException e) {
      if (e.errno() != ENOENT) {
        throw e;
      }
    }
    String data = options.data.toString();
    if (there == null || !there.dentry().inode().isDirectory()) {
      return kernel.vfs().type("tmpfs").mount(caller, m.source() == null ? "tmpfs" : m.source(), data);
    }
    String mode = "mode=" + Integer.toOctalString(there.dentry().inode().mode() & 07777); // The last one counts.
    Superblock tree =
        kernel.vfs().type("tmpfs").mount(caller, m.source() == null ? "tmpfs" : m.source(), mode + "," + data);
    if (options.copyUp) {
      try {
        new TreeCopy(caller, container.memory().pages()).copy(there, tree.root());
      } catch (ErrnoException e) {
        tree.release();
        throw e;
      }
    }
    return tree;
  }

  private static boolean isDev(String destination) {
    return destination.equals("/dev") || destination.equals("/dev/");
  }

  private Superblock superblock(String type, String source, MountOptions options) throws ErrnoException {
    if (type.equals("proc")) {
      return ((ProcType) kernel.vfs().type("proc")).mount(pids, options.data.toString());
    }
    if (type.equals(MountSpec.SHARED_MEMORY)) {
      return sharedMemory.get(caller, source, options.data.toString());
    }
    if (type.equals("sysfs")) {
      return ((SysfsType) kernel.vfs().type("sysfs")).mount(container);
    }
    if (type.equals("cgroup") || type.equals("cgroup2")) {
      return ((CgroupType) kernel.vfs().type(type)).mount(container, pids);
    }
    try {
      return kernel.vfs().type(type).mount(caller, source == null ? type : source, options.data.toString());
    } catch (ErrnoException e) {
      if (e.errno() == ENODEV && (type.equals("mqueue"))) {
        return null;
      }
      throw e;
    }
  }

  /** What programs expect whatever the spec says: /proc, /sys, /dev with its nodes, /dev/pts and /dev/shm, /tmp. */
  private void addMissing() throws IOException {
    addMissing("/proc", "proc", MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC, List.of());
    addMissing("/sys", "sysfs",
        MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC | MountFlags.MS_RDONLY, List.of());
    if (addMissing("/dev", "tmpfs", MountFlags.MS_NOSUID, List.of("mode=755", "size=65536k"))) {
      try {
        DeviceNodes.populate(caller, walk("/dev"));
        ownDev = true;
      } catch (ErrnoException e) {
        throw new IOException("/dev: cannot make devices: " + e.errno().message());
      }
    }
    addMissing("/dev/pts", "devpts", MountFlags.MS_NOSUID | MountFlags.MS_NOEXEC,
        List.of("newinstance", "ptmxmode=0666", "mode=0620", "gid=5"));
    addMissing("/dev/shm", "tmpfs", MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC,
        List.of("mode=1777"));
  }

  private boolean addMissing(String path, String type, int flags, List<String> options) throws IOException {
    for (MountSpec m : spec.mounts()) {
      if (m.destination().equals(path) || m.destination().equals(path + "/")) {
        return false;
      }
    }
    try {
      MountOptions parsed = MountOptions.parse(options);
      namespace.mount(superblock(type, type, parsed), type, destination(path, true), flags);
      return true;
    } catch (ErrnoException e) {
      throw new IOException(path + ": cannot mount " + type + ": " + e.errno().message());
    }
  }

  private Path walk(String path) throws ErrnoException {
    return PathWalk.resolve(caller, null, path, true);
  }

  /** The place of a mount, made if it is not there. */
  private Path destination(String path, boolean directory) throws ErrnoException {
    try {
      return walk(path);
    } catch (ErrnoException e) {
      if (e.errno() != ENOENT) {
        throw e;
      }
    }
    int end = path.length();
    while (end > 1 && path.charAt(end - 1) == '/') {
      end--;
    }
    String clean = path.substring(0, end);
    int slash = clean.lastIndexOf('/');
    if (slash > 0) {
      makeDirectories(clean.substring(0, slash));
    }
    if (directory) {
      makeDirectories(clean);
    } else {
      FileDescription made = Open.open(caller, null, clean, OpenFlags.O_CREAT | OpenFlags.O_WRONLY, 0755, 0);
      made.close();
    }
    return walk(clean);
  }

  /** {@code mkdir -p}. */
  void makeDirectories(String path) throws ErrnoException {
    makeDirectories(caller, path);
  }

  static void makeDirectories(Caller caller, String path) throws ErrnoException {
    int at = 0;
    for (int depth = 0; depth < MAX_DEPTH && at < path.length(); depth++) {
      int next = path.indexOf('/', at + 1);
      at = next < 0 ? path.length() : next;
      try {
        Names.mkdir(caller, null, path.substring(0, at), 0755);
      } catch (ErrnoException e) {
        if (e.errno() != EEXIST) {
          // It may be there all the same, where making one is refused first.
          PathWalk.resolve(caller, null, path.substring(0, at), true);
        }
      }
    }
  }

  private void makeReadonly(String path) throws IOException {
    try {
      Path at = walk(path);
      namespace.bind(at, at, true);
      Path bound = walk(path);
      namespace.remount(bound, bound.mount().flags() | MountFlags.MS_RDONLY);
    } catch (ErrnoException e) {
      if (e.errno() != ENOENT) {
        throw new IOException("readonlyPaths: " + path + ": " + e.errno().message());
      }
    }
  }

  private void mask(String path) throws IOException {
    try {
      Path at = walk(path);
      if (at.dentry().inode().isDirectory()) {
        Superblock empty = kernel.vfs().type("tmpfs").mount(caller, "tmpfs", "size=0,mode=755");
        namespace.mount(empty, "tmpfs", at, MountFlags.MS_RDONLY);
      } else {
        namespace.bind(walk("/dev/null"), at, false);
      }
    } catch (ErrnoException e) {
      if (e.errno() != ENOENT) {
        throw new IOException("maskedPaths: " + path + ": " + e.errno().message());
      }
    }
  }

  private void remountReadonly() throws IOException {
    try {
      Path root = namespace.root();
      namespace.remount(root, root.mount().flags() | MountFlags.MS_RDONLY);
    } catch (ErrnoException e) {
      throw new IOException("root: cannot be made read-only: " + e.errno().message());
    }
  }
}
