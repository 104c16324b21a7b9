package gvisor.runsc.spec;

import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.MalformedJsonException;
import java.util.ArrayList;
import java.util.List;

/** Reads and checks {@code linux.seccomp} of config.json. Every complaint names the field. Stateless. */
final class SeccompReader {
  /** Most rules that are read; profiles of engines have a few dozen, with a few hundred names. */
  private static final int MAX_NAMES = 65536;

  private static final int MAX_ARGUMENT = 5;
  private static final int MAX_ERRNO = 0xffff;
  private static final int EPERM = 1;

  private SeccompReader() {}

  /** The profile, or null if there is none. */
  static Spec.Seccomp read(FieldReader seccomp) throws MalformedJsonException {
    if (seccomp == null) {
      return null;
    }
    Spec.SeccompAction action = action(seccomp, "defaultAction");
    int errno = errno(seccomp, "defaultErrnoRet", action, "defaultAction");
    List<String> architectures = seccomp.strings("architectures");
    for (int i = 0; i < architectures.size(); i++) {
      if (!Spec.Seccomp.ARCHITECTURES.contains(architectures.get(i))) {
        throw seccomp.fault("architectures[" + i + "]", "is " + architectures.get(i) + ", which is no architecture");
      }
    }
    List<String> flags = seccomp.strings("flags");
    for (int i = 0; i < flags.size(); i++) {
      if (!Spec.Seccomp.FLAGS.contains(flags.get(i))) {
        throw seccomp.fault("flags[" + i + "]", "is " + flags.get(i) + ", which is no flag of a filter");
      }
    }
    List<Spec.SeccompRule> rules = new ArrayList<>();
    int names = 0;
    for (FieldReader rule : seccomp.objects("syscalls")) {
      Spec.SeccompRule record = rule(rule);
      names += record.names().size();
      if (names > MAX_NAMES) {
        throw seccomp.fault("syscalls", "names more than " + MAX_NAMES + " calls");
      }
      rules.add(record);
    }
    return new Spec.Seccomp(
        action,
        errno,
        seccomp.has("defaultErrnoRet"),
        architectures,
        flags,
        seccomp.string("listenerPath", ""),
        List.copyOf(rules));
  }

  private static Spec.SeccompRule rule(FieldReader rule) throws MalformedJsonException {
    Spec.SeccompAction action = action(rule, "action");
    List<Spec.SeccompArg> args = new ArrayList<>();
    for (FieldReader arg : rule.objects("args")) {
      String op = arg.requiredString("op");
      int operator = Spec.SeccompArg.OPERATORS.indexOf(op);
      if (operator < 0) {
        throw arg.fault("op", "is " + op + ", which is no comparison");
      }
      int index = (int) arg.integer("index", 0, MAX_ARGUMENT, 0);
      args.add(new Spec.SeccompArg(index, arg.unsigned64("value", 0), arg.unsigned64("valueTwo", 0), op));
    }
    int errno = errno(rule, "errnoRet", action, "action");
    return new Spec.SeccompRule(rule.strings("names"), action, errno, List.copyOf(args));
  }

  private static Spec.SeccompAction action(FieldReader from, String name) throws MalformedJsonException {
    String text = from.requiredString(name);
    for (Spec.SeccompAction action : Spec.SeccompAction.values()) {
      if (text.equals(action.text())) {
        return action;
      }
    }
    throw from.fault(name, "is " + text + ", which is no action");
  }

  /** The specification: with an action that returns no errno, the runtime must fail. */
  private static int errno(FieldReader from, String name, Spec.SeccompAction action, String actionName)
      throws MalformedJsonException {
    boolean takesErrno = action == Spec.SeccompAction.ERRNO || action == Spec.SeccompAction.TRACE;
    if (from.has(name) && !takesErrno) {
      throw from.fault(name, "is given, but " + from.pathOf(actionName) + " is " + action.text());
    }
    return (int) from.integer(name, 0, MAX_ERRNO, EPERM);
  }
}
