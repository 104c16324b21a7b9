package gvisor.runsc.container;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.MalformedJsonException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The directory of {@code --root}: one directory a container, holding {@code state.json}, a lock file and the control
 * socket. A state file is replaced as a whole, so readers need no lock; writers hold {@link #lock}.
 */
public final class StateStore {
  private static final int MAX_ID_LENGTH = 1024;
  private static final String STATE_FILE = "state.json";
  private static final String CGROUP = "cgroup";

  private final Path root;

  /** The store in directory {@code root}, which is made when the first container is. */
  public StateStore(Path root) {
    this.root = root;
  }

  /** The container's directory. */
  public Path directory(String id) {
    return root.resolve(id);
  }

  /** The container's control socket. */
  public Path controlSocket(String id) {
    return directory(id).resolve("c.sock");
  }

  /** Refuses ids that are no safe file name. */
  public static void checkId(String id) throws CommandFailure {
    boolean valid = !id.isEmpty() && id.length() <= MAX_ID_LENGTH && !id.equals(".") && !id.equals("..");
    for (int i = 0; valid && i < id.length(); i++) {
      char c = id.charAt(i);
      valid = c < 128 && (Character.isLetterOrDigit(c) || "_+-.".indexOf(c) >= 0);
    }
    if (!valid) {
      throw new CommandFailure(
          "container id \"" + id.replaceAll("\\p{Cntrl}", "?") + "\" is invalid: letters, digits and _ + - . only");
    }
  }

  /** Makes the directory of a new container. */
  public void makeDirectory(String id) throws CommandFailure {
    checkId(id);
    try {
      Files.createDirectories(root);
      Files.createDirectory(
          directory(id), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      throw new CommandFailure(
          e.getFile().equals(directory(id).toString())
              ? "container with id exists already: " + id
              : "--root " + root + " is no directory");
    } catch (AccessDeniedException e) {
      throw new CommandFailure("--root " + root + ": permission denied");
    } catch (IOException e) {
      throw new CommandFailure("--root " + root + ": " + e.getMessage());
    }
  }

  /** Removes everything kept about a container. */
  public void removeDirectory(String id) throws CommandFailure {
    Path directory = directory(id);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(directory);
    } catch (NoSuchFileException e) {
      // Somebody else removed it: that is what was wanted.
    } catch (IOException e) {
      throw new CommandFailure("cannot remove " + directory + ": " + e.getMessage());
    }
  }

  /** Keeps other commands from changing container {@code id} until the lock is closed. */
  public Lock lock(String id) throws CommandFailure {
    checkId(id);
    Path file = directory(id).resolve("lock");
    try {
      if (!Files.isDirectory(directory(id))) {
        throw noSuchContainer(id);
      }
      FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      channel.lock();
      if (!Files.exists(file)) {
        channel.close();
        throw noSuchContainer(id); // It was deleted while this command waited.
      }
      return new Lock(channel);
    } catch (NoSuchFileException e) {
      throw noSuchContainer(id);
    } catch (IOException e) {
      throw new CommandFailure("cannot lock " + file + ": " + e.getMessage());
    }
  }

  /** Keeps the path of the control group that is about to be made for a container without a state yet. */
  public void noteCgroup(String id, String path) throws CommandFailure {
    try {
      Files.writeString(directory(id).resolve(CGROUP), path);
    } catch (IOException e) {
      throw new CommandFailure("cannot write to " + directory(id) + ": " + e.getMessage());
    }
  }

  /** What {@link #noteCgroup} kept, or "". */
  public String notedCgroup(String id) {
    try {
      return Files.readString(directory(id).resolve(CGROUP));
    } catch (IOException e) {
      return "";
    }
  }

  /** The recorded state of container {@code id}. */
  public ContainerState load(String id) throws CommandFailure {
    checkId(id);
    Path file = directory(id).resolve(STATE_FILE);
    try {
      return ContainerState.fromFile(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw noSuchContainer(id);
    } catch (IOException e) {
      throw new CommandFailure("cannot read " + file + ": " + e.getMessage());
    } catch (MalformedJsonException e) {
      throw new CommandFailure(file + ": " + e.getMessage());
    }
  }

  /** Replaces the recorded state. */
  public void save(ContainerState state) throws CommandFailure {
    Path file = directory(state.id()).resolve(STATE_FILE);
    Path fresh = directory(state.id()).resolve(STATE_FILE + ".new");
    try {
      Files.write(fresh, state.toFile());
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new CommandFailure("cannot write " + file + ": " + e.getMessage());
    }
  }

  /** Every container, in the order of their ids; one that cannot be read is left out. */
  public List<ContainerState> list() throws CommandFailure {
    List<String> ids = new ArrayList<>();
    try (DirectoryStream<Path> directories = Files.newDirectoryStream(root)) {
      directories.forEach(directory -> ids.add(directory.getFileName().toString()));
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new CommandFailure("cannot read " + root + ": " + e.getMessage());
    }
    Collections.sort(ids);
    List<ContainerState> states = new ArrayList<>();
    for (String id : ids) {
      try {
        states.add(load(id));
      } catch (CommandFailure e) {
        continue; // Being created or deleted right now, or no container's directory.
      }
    }
    return states;
  }

  private static CommandFailure noSuchContainer(String id) {
    return new CommandFailure("container \"" + id + "\" does not exist");
  }

  /** A held lock. */
  public static final class Lock implements AutoCloseable {
    private final FileChannel channel;

    Lock(FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }
}
