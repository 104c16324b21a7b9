package gvisor.sentry.socket;

import gvisor.sentry.vfs.FileDescription;

/**
 * What travels beside the bytes of a message: who sent it and open files. Owns a reference on each file until it is
 * delivered or dropped. Guarded by the lock of the buffer it is in.
 */
public final class Control {
  private static final FileDescription[] NO_FILES = {};

  private final SocketCreds creds;
  private final InFlight inFlight;
  private FileDescription[] files;

  /**
   * @param creds null for a sender nobody asked to be named
   * @param files whose references go over to this; null or empty for none
   * @param inFlight where the files have been counted; null without files
   */
  public Control(SocketCreds creds, FileDescription[] files, InFlight inFlight) {
    this.creds = creds;
    this.files = files == null ? NO_FILES : files;
    this.inFlight = inFlight;
  }

  public SocketCreds creds() {
    return creds == null ? SocketCreds.NOBODY : creds;
  }

  public boolean hasFiles() {
    return files.length > 0;
  }

  /** The files with their references; they are in flight no longer. Null when there are none (any more). */
  public FileDescription[] takeFiles() {
    if (files.length == 0) {
      return null;
    }
    FileDescription[] taken = files;
    files = NO_FILES;
    inFlight.remove(taken.length);
    return taken;
  }

  /** New references on the files, which stay; null when there are none. */
  public FileDescription[] peekFiles() {
    if (files.length == 0) {
      return null;
    }
    for (FileDescription f : files) {
      f.acquire();
    }
    return files.clone();
  }

  /** Closes files that nobody received. Call it without locks: a file's end may do anything. */
  public void drop() {
    FileDescription[] taken = takeFiles();
    if (taken != null) {
      for (FileDescription f : taken) {
        f.close();
      }
    }
  }
}
