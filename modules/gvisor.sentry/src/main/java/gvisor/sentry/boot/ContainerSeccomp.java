package gvisor.sentry.boot;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Seccomp;
import gvisor.sentry.seccomp.ProfileCompiler;
import gvisor.sentry.seccomp.SeccompFilter;
import gvisor.sentry.seccomp.SeccompProfile;
import gvisor.sentry.syscall.SyscallNames;
import java.io.IOException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Makes the filter of a container from its profile. Stateless. */
final class ContainerSeccomp {
  private static final Logger LOG = LogManager.getLogger(ContainerSeccomp.class);

  private ContainerSeccomp() {}

  /** What its processes start under, or null. */
  static Seccomp of(ContainerSpec spec) throws IOException {
    SeccompProfile profile = spec.seccomp();
    if (profile == null) {
      LOG.debug("container {}: no seccomp profile", spec.id());
      return null;
    }
    long[] program;
    try {
      ProfileCompiler compiler = new ProfileCompiler(profile, SyscallNames::number);
      program = compiler.compile();
      SeccompFilter filter = SeccompFilter.install(program, null, profile.logs());
      LOG.debug("container {}: seccomp profile with {} rules, {} instructions, default action {}; calls it names that"
          + " Linux does not have: {}", spec.id(), profile.rules().size(), program.length,
          SeccompFilter.describe(profile.defaultAction()), compiler.unknownNames());
      return new Seccomp(Seccomp.MODE_FILTER, filter);
    } catch (ProfileCompiler.ContradictionException e) {
      throw new IOException(e.getMessage());
    } catch (ErrnoException e) {
      throw new IOException("linux.seccomp needs more than the " + SeccompFilter.MAX_INSTRUCTIONS
          + " instructions that a filter may have: use fewer conditions");
    }
  }
}
