package gvisor.tests.arch;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.List;

/**
 * The parts of the Sentry that must not depend on each other in circles: a package each, but that a task and the table of
 * system calls it goes through are one part, and so are the packages below one that are its own.
 */
final class SentryParts implements SliceAssignment {
  private static final String ROOT = "gvisor.sentry.";

  /** Packages below these are parts of their own. */
  private static final List<String> DIVIDED = List.of("fs", "socket", "syscall");

  @Override
  public SliceIdentifier getIdentifierOf(JavaClass javaClass) {
    String name = javaClass.getPackageName();
    if (!name.startsWith(ROOT)) {
      return SliceIdentifier.ignore();
    }
    String[] parts = name.substring(ROOT.length()).split("\\.");
    if (parts.length == 1 && parts[0].equals("syscall")) {
      return SliceIdentifier.of("kernel");
    }
    return parts.length > 1 && DIVIDED.contains(parts[0])
        ? SliceIdentifier.of(parts[0] + "." + parts[1])
        : SliceIdentifier.of(parts[0]);
  }

  @Override
  public String getDescription() {
    return "parts of the Sentry";
  }
}
