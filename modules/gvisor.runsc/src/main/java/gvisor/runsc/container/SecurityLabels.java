package gvisor.runsc.container;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.config.ErrorLog;
import gvisor.runsc.spec.Spec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a bundle wants of the host's AppArmor and SELinux. Their policies bind processes of the host, and an application
 * in a sandbox is none: its system calls do not reach the host's kernel. So on a host that has the module, where engines
 * name a profile whether somebody asked for it or not, the label is not applied and the log says so. On a host that does
 * not have it nobody can have meant a default: the bundle is refused, as runc does.
 */
public final class SecurityLabels {
  /** AppArmor's word for no profile. */
  private static final String UNCONFINED = "unconfined";

  private final boolean hasAppArmor;
  private final boolean hasSelinux;
  private final Warnings warnings;

  /** Where warnings go. */
  @FunctionalInterface
  interface Warnings {
    /** One line. */
    void add(String line);
  }

  SecurityLabels(boolean hasAppArmor, boolean hasSelinux, Warnings warnings) {
    this.hasAppArmor = hasAppArmor;
    this.hasSelinux = hasSelinux;
    this.warnings = warnings;
  }

  /** For this host; warnings go to the log of {@code config}, or to standard error. */
  public static SecurityLabels ofHost(Config config) {
    return new SecurityLabels(
        startsWithY(Path.of("/sys/module/apparmor/parameters/enabled")),
        Files.exists(Path.of("/sys/fs/selinux/enforce")),
        line -> {
          if (config.log().isEmpty()) {
            System.err.println("runsc: warning: " + line);
          } else {
            ErrorLog.append(config.log(), config.logFormat(), ErrorLog.WARNING, line);
          }
        });
  }

  private static boolean startsWithY(Path file) {
    try {
      return Files.readString(file).startsWith("Y");
    } catch (IOException e) {
      return false; // The kernel has no such module.
    }
  }

  /** Checks a bundle. */
  public void check(Spec spec) throws CommandFailure {
    check(spec.process());
    selinux("linux.mountLabel", spec.linux().mountLabel());
  }

  /** Checks a process. */
  public void check(Spec.Process process) throws CommandFailure {
    String profile = process.apparmorProfile();
    if (!profile.isEmpty() && !profile.equals(UNCONFINED)) {
      demand(hasAppArmor, "AppArmor", "process.apparmorProfile", profile);
    }
    selinux("process.selinuxLabel", process.selinuxLabel());
  }

  private void selinux(String field, String label) throws CommandFailure {
    if (!label.isEmpty()) {
      demand(hasSelinux, "SELinux", field, label);
    }
  }

  private void demand(boolean has, String module, String field, String value) throws CommandFailure {
    if (!has) {
      throw new CommandFailure(
          field + " is " + value + ", but " + module + " is not enabled on this host: take it out of the bundle");
    }
    warnings.add(
        field + " " + value + " is not applied: " + module + " of the host does not see the application's system calls,"
            + " which a sandbox serves itself");
  }
}
