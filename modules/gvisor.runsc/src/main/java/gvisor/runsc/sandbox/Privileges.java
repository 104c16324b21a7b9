package gvisor.runsc.sandbox;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Confinement;
import gvisor.host.seccomp.Bpf;
import gvisor.host.seccomp.GoferFilter;
import gvisor.host.seccomp.SentryFilter;
import java.io.IOException;

/** What the processes of a sandbox may do on the host, and how they give up the rest. */
final class Privileges {
  private static final int CAP_CHOWN = 0, CAP_DAC_OVERRIDE = 1, CAP_DAC_READ_SEARCH = 2, CAP_FOWNER = 3;
  private static final int CAP_FSETID = 4, CAP_SETGID = 6, CAP_SETUID = 7, CAP_SYS_CHROOT = 18, CAP_MKNOD = 27;

  /** The gofer acts on files for every user of the container. */
  static final long GOFER =
      1L << CAP_CHOWN
          | 1L << CAP_DAC_OVERRIDE
          | 1L << CAP_DAC_READ_SEARCH
          | 1L << CAP_FOWNER
          | 1L << CAP_FSETID
          | 1L << CAP_SETGID
          | 1L << CAP_SETUID
          | 1L << CAP_SYS_CHROOT
          | 1L << CAP_MKNOD;

  private Privileges() {}

  /**
   * The sandbox leaves the host's files and its privileges behind; it has to have everything open by now.
   *
   * @param usesDates whether the log will want the host's time zone
   */
  static void giveUpFiles(boolean usesDates) throws IOException {
    if (usesDates) {
      Confinement.readFilesNow();
    }
    boolean able = Confinement.isRoot() && Confinement.hasOwnMounts();
    if (isTraining() || !able) {
      return;
    }
    try {
      Confinement.enterEmptyRoot();
      Confinement.become(Confinement.NOBODY, Confinement.NOBODY);
    } catch (ErrnoException e) {
      throw new IOException("cannot confine the sandbox: " + e.getMessage());
    }
  }

  /** From here on the sandbox has only the system calls that a running kernel needs. */
  static void restrictCalls() throws IOException {
    restrict(SentryFilter.program(), "sandbox");
  }

  /** The gofer keeps what it opened, and the calls to work with files. */
  static void giveUpAllButFiles(String emptyDirectory) throws IOException {
    if (Confinement.isRoot() && !isTraining()) {
      try {
        Confinement.changeRoot(emptyDirectory);
      } catch (ErrnoException e) {
        throw new IOException("cannot confine the gofer: " + e.getMessage());
      }
    }
    restrict(GoferFilter.program(), "gofer");
  }

  private static void restrict(Bpf filter, String kind) throws IOException {
    if (isTraining()) {
      return;
    }
    try {
      Confinement.restrictSystemCalls(filter);
    } catch (ErrnoException e) {
      throw new IOException("cannot restrict the " + kind + "'s system calls: " + e.getMessage());
    }
  }

  /** A process of the build's training run starts a program at its end, to write down what it has learnt. */
  private static boolean isTraining() {
    return Boolean.getBoolean("gvisor.training");
  }
}
