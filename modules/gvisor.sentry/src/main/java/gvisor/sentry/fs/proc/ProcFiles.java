package gvisor.sentry.fs.proc;

import gvisor.sentry.fs.kernfs.Content;
import gvisor.sentry.kernel.Kernel;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Files that other parts of the kernel show under {@code /proc}. Filled at boot, before the first mount of proc; the
 * content is made when it is read. One a kernel.
 */
public final class ProcFiles {
  private final Map<String, Content> files = new ConcurrentSkipListMap<>();

  private ProcFiles() {}

  /** The one of {@code kernel}. */
  public static ProcFiles of(Kernel kernel) {
    return kernel.part(ProcFiles.class, k -> new ProcFiles());
  }

  /**
   * Shows a file; it takes the place of the one this package has under that name.
   *
   * @param path below {@code /proc} and without a slash in front: {@code net/tcp}, {@code sysvipc/shm}, {@code locks}
   */
  public void add(String path, Content content) {
    files.put(path, content);
  }

  /** What was given for {@code path}, or {@code otherwise}. */
  Content get(String path, Content otherwise) {
    return files.getOrDefault(path, otherwise);
  }

  /** The files given whose path starts with {@code prefix}, in order. */
  Iterable<Map.Entry<String, Content>> below(String prefix) {
    return ((ConcurrentSkipListMap<String, Content>) files).subMap(prefix, prefix + '\uffff').entrySet();
  }
}
