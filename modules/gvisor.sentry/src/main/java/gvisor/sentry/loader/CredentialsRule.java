package gvisor.sentry.loader;

import gvisor.sentry.auth.Credentials;
import gvisor.sentry.vfs.FileDescription;

/** Who the program runs as: set-user-id and capabilities of the file that is executed in the end. */
@FunctionalInterface
public interface CredentialsRule {
  Credentials credentialsFor(FileDescription executable);
}
