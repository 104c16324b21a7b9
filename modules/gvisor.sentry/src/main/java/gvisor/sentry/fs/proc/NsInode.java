package gvisor.sentry.fs.proc;

import gvisor.sentry.fs.kernfs.KernInode;
import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.NamespaceFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Mount;
import gvisor.sentry.vfs.Path;

/**
 * What a link in {@code /proc/[pid]/ns} leads to: a file that says by its inode number which namespace it is, so that
 * programs can compare, and that {@code setns} takes when it is open.
 */
final class NsInode extends KernInode {
  private final NamespaceFile file;

  private NsInode(KernSuperblock superblock, long number, NamespaceFile file) {
    super(superblock, number, S_IFREG | 0444);
    this.file = file;
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) {
    return file;
  }

  /** Where these files are: mounted nowhere, one a kernel. */
  private static final class Nsfs {
    private static final long MAGIC = 0x6e736673;

    final KernSuperblock superblock;
    final Mount mount;

    Nsfs(Kernel kernel) {
      superblock = new KernSuperblock(kernel.deviceNumbers().anonymous(), "nsfs", MAGIC, kernel.bootRealtimeNanos());
      superblock.setRoot(new NsInode(superblock, ROOT_INO, new NamespaceFile(0, null)));
      mount = new Mount(superblock);
    }
  }

  /** The file of namespace {@code number}, shown as {@code text}. */
  static Path path(Kernel kernel, long number, String text, NamespaceFile file) {
    Nsfs nsfs = kernel.part(Nsfs.class, Nsfs::new);
    return new Path(nsfs.mount, new Dentry(null, text, new NsInode(nsfs.superblock, number, file)));
  }
}
