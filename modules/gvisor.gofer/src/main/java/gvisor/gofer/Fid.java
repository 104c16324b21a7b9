package gvisor.gofer;

import static gvisor.api.errno.Errno.EROFS;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.HostDirectory;
import gvisor.host.HostFile;

/** One file that the peer holds on to. Owns what it refers to. */
final class Fid implements AutoCloseable {
  final Gofer.Root root;
  final HostFile file;

  /** Whether the file is the attach point itself, which cannot be removed. */
  final boolean isRoot;

  /** Open for Tread and Twrite, or null. */
  Fd data;

  /** Access mode of {@link #data}: O_RDONLY, O_WRONLY or O_RDWR. */
  int dataMode;

  /** The socket that Tbind has bound to the file, for Tlisten; or null. */
  Fd socket;

  /** Open for Treaddir, or null. */
  HostDirectory directory;

  /** Opened by Tlopen or Tlcreate, so that it cannot be walked from any more. */
  boolean isOpen;

  /** An extended attribute being read (Txattrwalk) or written (Txattrcreate), or null. */
  Xattr xattr;

  /** @param value read from, or filled by Twrite and stored at Tclunk */
  static final class Xattr {
    final String name;
    final byte[] value;
    final boolean isWrite;
    final int flags;
    int written;

    Xattr(String name, byte[] value, boolean isWrite, int flags) {
      this.name = name;
      this.value = value;
      this.isWrite = isWrite;
      this.flags = flags;
    }
  }

  Fid(Gofer.Root root, HostFile file, boolean isRoot) {
    this.root = root;
    this.file = file;
    this.isRoot = isRoot;
  }

  /** EROFS on a read-only attach point. */
  void requireWritable() throws ErrnoException {
    if (root.readOnly()) {
      throw EROFS.error();
    }
  }

  /** The open directory, opened when first needed. */
  HostDirectory openedDirectory() throws ErrnoException {
    if (directory == null) {
      directory = new HostDirectory(file);
    }
    return directory;
  }

  void closeDirectory() {
    if (directory != null) {
      directory.close();
      directory = null;
    }
  }

  @Override
  public void close() {
    closeDirectory();
    if (data != null) {
      data.close();
    }
    if (socket != null) {
      socket.close();
    }
    file.close();
  }
}
