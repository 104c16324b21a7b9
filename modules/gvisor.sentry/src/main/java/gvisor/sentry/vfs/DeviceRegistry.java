package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.ENXIO;

import gvisor.api.errno.ErrnoException;
import java.util.concurrent.ConcurrentHashMap;

/** What stands behind character devices, by number, and behind fifos. Thread-safe; registered at boot. */
public final class DeviceRegistry {
  /** Opens a device. */
  public interface Opener {
    /**
     * What the open file of the device does.
     *
     * @param path where the device's node is
     * @param rdev its number
     * @param flags O_* of {@code open(2)}
     */
    FileOps open(Caller caller, Path path, long rdev, int flags) throws ErrnoException;
  }

  private final ConcurrentHashMap<Long, Opener> characters = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Integer, Opener> characterMajors = new ConcurrentHashMap<>();

  private volatile Opener fifo;

  /** One character device. */
  public void registerCharacter(int major, int minor, Opener opener) {
    characters.put(DeviceNumbers.make(major, minor), opener);
  }

  /** Every minor of a major for which there is no device of its own. */
  public void registerCharacterMajor(int major, Opener opener) {
    characterMajors.put(major, opener);
  }

  /** What opens every fifo. */
  public void registerFifo(Opener opener) {
    fifo = opener;
  }

  /** Opens the device or fifo of a node; ENXIO when there is none of that number. */
  FileOps open(Caller caller, Path path, int type, long rdev, int flags) throws ErrnoException {
    Opener opener = null;
    if (type == Inode.S_IFIFO) {
      opener = fifo;
    } else if (type == Inode.S_IFCHR) {
      opener = characters.get(rdev);
      if (opener == null) {
        opener = characterMajors.get(DeviceNumbers.major(rdev));
      }
    }
    if (opener == null) {
      throw ENXIO.error();
    }
    return opener.open(caller, path, rdev, flags);
  }
}
