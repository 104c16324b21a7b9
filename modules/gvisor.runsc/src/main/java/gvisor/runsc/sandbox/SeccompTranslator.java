package gvisor.runsc.sandbox;

import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.Spec;
import gvisor.sentry.seccomp.SeccompFilter;
import gvisor.sentry.seccomp.SeccompProfile;
import gvisor.sentry.seccomp.SeccompProfile.Comparison;
import gvisor.sentry.seccomp.SeccompProfile.Condition;
import gvisor.sentry.seccomp.SeccompProfile.Rule;
import java.util.ArrayList;
import java.util.List;

/** From {@code linux.seccomp} of config.json to what the kernel makes a filter of. Stateless. */
final class SeccompTranslator {
  private static final int ENOSYS = 38;

  private SeccompTranslator() {}

  /**
   * The kernel's profile, or null for none.
   *
   * @throws MalformedJsonException for what is not served: SCMP_ACT_NOTIFY
   */
  static SeccompProfile profile(Spec.Seccomp from) throws MalformedJsonException {
    if (from == null) {
      return null;
    }
    int defaultAction = action(from.defaultAction(), from.defaultErrno(), "linux.seccomp.defaultAction");
    List<Rule> rules = new ArrayList<>();
    for (int i = 0; i < from.syscalls().size(); i++) {
      Spec.SeccompRule rule = from.syscalls().get(i);
      String place = "linux.seccomp.syscalls[" + i + "]";
      int action = action(rule.action(), rule.errno(), place + ".action");
      List<Condition> conditions = new ArrayList<>();
      for (Spec.SeccompArg arg : rule.args()) {
        conditions.add(condition(arg));
      }
      for (String name : rule.names()) {
        rules.add(new Rule(place, name, action, conditions));
      }
    }
    // runc: who wrote ENOSYS as the default wants it for known calls too, and anything else is meant for those.
    boolean refuseNewCalls = !(from.namesDefaultErrno() && from.defaultErrno() == ENOSYS);
    return new SeccompProfile(
        defaultAction,
        refuseNewCalls,
        from.architectures().contains("SCMP_ARCH_X32"),
        from.flags().contains("SECCOMP_FILTER_FLAG_LOG"),
        rules);
  }

  private static Condition condition(Spec.SeccompArg arg) {
    Comparison comparison = Comparison.values()[Spec.SeccompArg.OPERATORS.indexOf(arg.op())];
    return comparison == Comparison.MASKED_EQ
        ? new Condition(arg.index(), comparison, arg.valueTwo(), arg.value())
        : new Condition(arg.index(), comparison, arg.value(), -1);
  }

  private static int action(Spec.SeccompAction action, int errno, String place) throws MalformedJsonException {
    return switch (action) {
      case KILL, KILL_THREAD -> SeccompFilter.SECCOMP_RET_KILL_THREAD;
      case KILL_PROCESS -> SeccompFilter.SECCOMP_RET_KILL_PROCESS;
      case TRAP -> SeccompFilter.SECCOMP_RET_TRAP;
      case ERRNO -> SeccompFilter.SECCOMP_RET_ERRNO | errno;
      case TRACE -> SeccompFilter.SECCOMP_RET_TRACE | errno;
      case ALLOW -> SeccompFilter.SECCOMP_RET_ALLOW;
      case LOG -> SeccompFilter.SECCOMP_RET_LOG;
      case NOTIFY -> throw new MalformedJsonException(
          place + " is SCMP_ACT_NOTIFY, but calls inside a sandbox cannot be handed to an agent of the host: take the"
              + " rule out, or leave the profile out with --oci-seccomp=false");
    };
  }
}
