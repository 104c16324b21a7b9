package gvisor.sentry.kernel;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OpenFlags;

/** A descriptor that stands for a process ({@code man 2 pidfd_open}): readable once it has ended. */
public final class PidFd implements FileOps {
  private final ThreadGroup process;
  private final Pid pid;

  private PidFd(ThreadGroup process) {
    this.process = process;
    this.pid = process.pid();
  }

  /** Gives {@code t} a close-on-exec descriptor of {@code process}. */
  public static int open(Task t, ThreadGroup process, boolean nonblocking) throws ErrnoException {
    int flags = OpenFlags.O_RDWR | (nonblocking ? OpenFlags.O_NONBLOCK : 0);
    FileDescription file = AnonFile.open(t.kernel().vfs(), new PidFd(process), "[pidfd]", flags);
    return t.fds().install(file, true, t.fdLimit());
  }

  public ThreadGroup process() {
    return process;
  }

  public Pid pid() {
    return pid;
  }

  @Override
  public int readiness(int mask) {
    return process.isZombie() ? mask & EventMask.READABLE : 0;
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    process.exitEvents.register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    process.exitEvents.unregister(entry);
  }

  @Override
  public String fdInfo(FileDescription file) {
    return "Pid:\t" + (process.reaped ? -1 : pid.number()) + "\nNSpid:\t" + (process.reaped ? -1 : pid.number()) + "\n";
  }
}
