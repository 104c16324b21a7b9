package gvisor.sentry.fs;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.gofer.AttachPoint;
import gvisor.gofer.Gofer;
import gvisor.host.MemFd;
import gvisor.host.P9Socket;
import gvisor.api.p9.P9Client;
import gvisor.sentry.fs.gofer.CacheBudget;
import gvisor.sentry.fs.gofer.GoferFilesystem;
import gvisor.sentry.fs.tmpfs.TmpfsType;
import gvisor.sentry.mm.ExtentAllocator;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.time.VmClock;
import gvisor.sentry.vfs.Attributes;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.KernelCaller;
import gvisor.sentry.vfs.MountNamespace;
import gvisor.sentry.vfs.Names;
import gvisor.sentry.vfs.Open;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;
import gvisor.sentry.vfs.StatBuf;
import gvisor.sentry.vfs.Superblock;
import gvisor.sentry.vfs.Vfs;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeSet;

/** A mounted file system and the calls a program would make on it; over a gofer in this process where one is needed. */
public final class FileTree implements AutoCloseable {
  public static final HostClock CLOCK = new VmClock();

  public final MemFd memory;
  public final ExtentAllocator pages;
  public final DeviceNumbers numbers = new DeviceNumbers();
  public KernelCaller caller;
  private Gofer gofer;
  private P9Client client;
  private P9Socket serverSocket;
  private Thread server;

  public FileTree() throws ErrnoException {
    memory = MemFd.create("test", 1L << 30);
    pages = new ExtentAllocator(memory, 0);
  }

  /** Mounts the root. */
  public void mount(Superblock superblock) {
    MountNamespace namespace = new Vfs(numbers).namespace(superblock, "none", 0);
    Path root = namespace.root();
    caller = new KernelCaller(new FsContext(root, root, 0), CLOCK);
  }

  /** What a gofer serves of {@code directory}. */
  public Superblock gofer(java.nio.file.Path directory, boolean exclusive) throws IOException, ErrnoException {
    gofer = new Gofer(List.of(new AttachPoint("root", directory.toString(), false)));
    P9Socket[] pair = P9Socket.pair();
    serverSocket = pair[1];
    server = Thread.ofPlatform().start(() -> gofer.serve(pair[1]));
    client = new P9Client(pair[0]);
    return GoferFilesystem.mount(numbers, client, "root", pages, CLOCK, new CacheBudget(8 << 20), exclusive, false);
  }

  public Superblock tmpfs() throws ErrnoException {
    return new TmpfsType("tmpfs", pages, numbers, 1L << 30).mount(new KernelCaller(null, CLOCK), "none", "");
  }

  /** Kills the gofer. */
  public void killGofer() throws InterruptedException {
    serverSocket.close();
    server.join();
  }

  public FileDescription open(String path, int flags) throws ErrnoException {
    return Open.open(caller, null, path, flags, 0644, 0);
  }

  public void write(String path, String text) throws ErrnoException {
    FileDescription f = open(path, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC);
    try {
      write(f, text, 0);
    } finally {
      f.close();
    }
  }

  public void append(String path, String text) throws ErrnoException {
    FileDescription f = open(path, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND);
    try {
      write(f, text, FileOps.APPEND);
    } finally {
      f.close();
    }
  }

  public long write(FileDescription f, String text, long offset) throws ErrnoException {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    return f.ops().write(caller, f, new KernelBuffer(MemorySegment.ofArray(bytes)), offset);
  }

  public String read(String path) throws ErrnoException {
    FileDescription f = open(path, OpenFlags.O_RDONLY);
    try {
      return read(f, 0, 1 << 20);
    } finally {
      f.close();
    }
  }

  public String read(FileDescription f, long offset, int length) throws ErrnoException {
    byte[] bytes = new byte[length];
    long n = f.ops().read(caller, f, new KernelBuffer(MemorySegment.ofArray(bytes)), offset);
    return new String(bytes, 0, (int) n, StandardCharsets.ISO_8859_1);
  }

  public Path resolve(String path) throws ErrnoException {
    return PathWalk.resolve(caller, null, path, false);
  }

  public boolean exists(String path) {
    try {
      resolve(path);
      return true;
    } catch (ErrnoException e) {
      return false;
    }
  }

  public StatBuf stat(String path) throws ErrnoException {
    StatBuf s = new StatBuf();
    resolve(path).dentry().inode().stat(s);
    return s;
  }

  public void chmod(String path, int mode) throws ErrnoException {
    Attributes.chmod(caller, resolve(path), mode);
  }

  public void truncate(String path, long size) throws ErrnoException {
    Attributes.truncate(caller, resolve(path), size);
  }

  /** Names in a directory; "name:ino" must agree with stat. */
  public TreeSet<String> list(String path) throws ErrnoException {
    FileDescription f = open(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
    TreeSet<String> names = new TreeSet<>();
    try {
      long cookie = 0;
      long next;
      while ((next = f.ops().readdir(caller, f, cookie, (name, ino, type, n) -> {
        if (!name.equals(".") && !name.equals("..")) {
          if (!names.add(name)) {
            throw new AssertionError("twice: " + name);
          }
          checkEntry(path + "/" + name, ino, type);
        }
        return true;
      })) != cookie) {
        cookie = next;
      }
    } finally {
      f.close();
    }
    return names;
  }

  private void checkEntry(String path, long ino, int type) {
    try {
      StatBuf s = stat(path);
      if (s.ino != ino || (s.mode >>> 12) != type) {
        throw new AssertionError(path + ": readdir says " + ino + " type " + type + ", stat " + s.ino + " " + s.mode);
      }
    } catch (ErrnoException e) {
      throw new AssertionError(path, e);
    }
  }

  public void mkdir(String path) throws ErrnoException {
    Names.mkdir(caller, null, path, 0755);
  }

  public void unlink(String path) throws ErrnoException {
    Names.unlink(caller, null, path);
  }

  public void rmdir(String path) throws ErrnoException {
    Names.rmdir(caller, null, path);
  }

  public void rename(String from, String to) throws ErrnoException {
    Names.rename(caller, null, from, null, to, 0);
  }

  public void exchange(String from, String to) throws ErrnoException {
    Names.rename(caller, null, from, null, to, Names.RENAME_EXCHANGE);
  }

  public void link(String from, String to) throws ErrnoException {
    Names.link(caller, resolve(from), null, to);
  }

  public void symlink(String target, String path) throws ErrnoException {
    Names.symlink(caller, target, null, path);
  }

  @Override
  public void close() {
    if (client != null) {
      client.close();
      try {
        server.join();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      gofer.close();
    }
    memory.close();
  }
}
