package gvisor.runsc.cmd;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** The state directory of a user who has no XDG_RUNTIME_DIR, in a place where others may have been first. */
final class OwnDirectory {
  private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

  private OwnDirectory() {}

  /** {@code runsc-UID} in {@code parent}, which nobody but its user may enter. */
  static Path in(String parent) throws IOException {
    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    Path directory = Path.of(parent, "runsc-" + uid);
    try {
      Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    } catch (FileAlreadyExistsException e) {
      PosixFileAttributes a =
          Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      boolean isOwn = Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS).equals(uid);
      if (!a.isDirectory() || !isOwn || !a.permissions().equals(OWNER_ONLY)) {
        throw new IOException(directory + " is not a directory of this user alone");
      }
    }
    return directory;
  }
}
