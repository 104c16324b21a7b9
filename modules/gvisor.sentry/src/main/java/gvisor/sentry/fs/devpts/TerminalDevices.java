package gvisor.sentry.fs.devpts;

import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENXIO;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.ControllingTerminal;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.tty.Terminal;
import gvisor.sentry.tty.TerminalFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.DeviceRegistry;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;

/** Makes terminals, and opens {@code /dev/tty}, {@code /dev/console}, {@code /dev/ptmx} and the nodes of devpts. */
public final class TerminalDevices {
  static final int TTY_MAJOR = 5;
  static final int TTY_MINOR = 0;
  static final int CONSOLE_MINOR = 1;
  static final int PTMX_MINOR = 2;

  private final Kernel kernel;

  private TerminalDevices(Kernel kernel) {
    this.kernel = kernel;
  }

  /** The one of {@code kernel}. */
  public static TerminalDevices of(Kernel kernel) {
    return kernel.part(TerminalDevices.class, TerminalDevices::new);
  }

  /** Says what stands behind the device numbers; once, at boot. */
  public void register(DeviceRegistry registry) {
    registry.registerCharacter(TTY_MAJOR, TTY_MINOR, (caller, path, rdev, flags) -> openControlling(caller, flags));
    // Without a console of its own, a container's console is the terminal it was started on.
    registry.registerCharacter(TTY_MAJOR, CONSOLE_MINOR, (caller, path, rdev, flags) -> openControlling(caller, flags));
    registry.registerCharacter(TTY_MAJOR, PTMX_MINOR, (caller, path, rdev, flags) -> openPtmx(caller, path));
    registry.registerCharacterMajor(DevptsSuperblock.PTS_MAJOR,
        (caller, path, rdev, flags) -> DevptsSuperblock.openNode(caller, path, flags));
  }

  /** A terminal of the container's own console; {@link Terminal#connect} and {@link #show} it before it is used. */
  public Terminal newConsole() {
    return newTerminal(DeviceNumbers.make(TTY_MAJOR, CONSOLE_MINOR));
  }

  /** A terminal; {@link Terminal#connect} it before it is used. */
  Terminal newTerminal(long rdev) {
    return new Terminal(kernel, rdev);
  }

  /**
   * Where a terminal is found by name.
   *
   * @param path its node
   * @param hide takes the name away again, once the terminal is gone
   */
  public record Shown(Path path, Runnable hide) {}

  /**
   * Gives a terminal that has its own hardware a name for {@code task}: a number in the devpts on its {@code /dev/pts},
   * or without one {@code /dev/console}.
   */
  public Shown show(Task task, Terminal terminal) throws ErrnoException {
    try {
      Path pts = PathWalk.resolve(task, null, "/dev/pts", true);
      if (pts.dentry().inode().superblock() instanceof DevptsSuperblock devpts) {
        int index = devpts.attach(task, terminal);
        return new Shown(PathWalk.resolve(task, null, "/dev/pts/" + index, true), () -> devpts.detach(index));
      }
    } catch (ErrnoException e) {
      if (e.errno() != ENOENT) {
        throw e;
      }
    }
    return new Shown(PathWalk.resolve(task, null, "/dev/console", true), () -> {});
  }

  private static FileOps openControlling(Caller caller, int flags) throws ErrnoException {
    ControllingTerminal controlling = caller instanceof Task task ? ControllingTerminal.of(task) : null;
    if (controlling == null || !(controlling.device() instanceof Terminal terminal)) {
      throw ENXIO.error();
    }
    return new TerminalFile(terminal, caller, flags | OpenFlags.O_NOCTTY);
  }

  /** {@code ptmx} is of the devpts it lies in, or of the one mounted on {@code pts} beside it. */
  private static FileOps openPtmx(Caller caller, Path path) throws ErrnoException {
    if (path.dentry().inode().superblock() instanceof DevptsSuperblock own) {
      return own.openPtmx(caller, path);
    }
    Dentry directory = path.dentry().parent();
    if (directory == null) {
      throw ENODEV.error();
    }
    Path pts = PathWalk.resolve(caller, new Path(path.mount(), directory), "pts", true);
    if (pts.dentry().inode().superblock() instanceof DevptsSuperblock beside) {
      Path inside = new Path(pts.mount(), new Dentry(pts.dentry(), "ptmx", beside.ptmx()));
      return beside.openPtmx(caller, inside);
    }
    throw ENODEV.error();
  }
}
