package gvisor.host.seccomp;

import gvisor.api.errno.Errno;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One line of an allow-list: a system call, what becomes of it, and why. Immutable.
 *
 * <p>What a filter sees of an argument is its value, never what it points to.
 *
 * @param name the call's name
 * @param number its number on x86-64
 * @param action {@link Bpf#ALLOW}, or {@link Bpf#ERRNO} and an error number
 * @param conditions one of them has to hold for {@code action}; none if it is for every call
 * @param otherwise what becomes of a call for which none holds: an action, or 0 for what becomes of calls not listed
 * @param why a phrase for {@code docs/security.md}
 */
public record Rule(String name, int number, int action, List<Condition> conditions, int otherwise, String why) {
  /**
   * What has to be so of a call's arguments.
   *
   * @param text how {@code docs/security.md} says it
   * @param checks all of them have to hold
   */
  public record Condition(String text, List<Check> checks) {}

  /**
   * Of the lower 32 bits of an argument, those of {@code mask} are one of {@code values}.
   *
   * @param argument 0 to 5
   * @param highZero whether the upper 32 bits have to be zero too: for pointers and sizes; the kernel does not look at
   *     those of an {@code int}
   */
  public record Check(int argument, int mask, boolean highZero, List<Integer> values) {}

  /** Allows the call whatever its arguments are. */
  public static Rule allow(String name, int number, String why) {
    return new Rule(name, number, Bpf.ALLOW, List.of(), 0, why);
  }

  /** Fails the call with {@code errno}: what a virtual machine tries and does without. */
  public static Rule fail(String name, int number, Errno errno, String why) {
    return new Rule(name, number, Bpf.ERRNO | errno.number(), List.of(), 0, why);
  }

  /** The same rule for calls only for which all of {@code checks}, or an earlier condition, hold. */
  public Rule when(String text, Check... checks) {
    List<Condition> all = new ArrayList<>(conditions);
    all.add(new Condition(text, List.of(checks)));
    return new Rule(name, number, action, List.copyOf(all), otherwise, why);
  }

  /** The same rule, with {@code errno} for calls that it does not let pass. */
  public Rule orFail(Errno errno) {
    return new Rule(name, number, action, conditions, Bpf.ERRNO | errno.number(), why);
  }

  /** The {@code int} argument is one of {@code values}. */
  public static Check is(int argument, int... values) {
    return new Check(argument, -1, false, Arrays.stream(values).boxed().toList());
  }

  /** The bits {@code mask} of an argument are {@code value}. */
  public static Check bits(int argument, int mask, int value) {
    return new Check(argument, mask, false, List.of(value));
  }

  /** The argument is zero or a null pointer. */
  public static Check isNull(int argument) {
    return new Check(argument, -1, true, List.of(0));
  }

  /** What becomes of the call, for people. */
  public String outcome() {
    if (action != Bpf.ALLOW) {
      return Errno.of(action & 0xffff).name();
    }
    if (conditions.isEmpty()) {
      return "allowed";
    }
    return "allowed if "
        + conditions.stream().map(Condition::text).collect(Collectors.joining(", or "))
        + (otherwise == 0 ? "" : "; else " + Errno.of(otherwise & 0xffff).name());
  }

  /**
   * The filter of an allow-list: whatever no rule lets pass gets {@code otherwise}. Rules are tried in their order, so
   * the calls made most often come first; the kernel remembers those that are allowed without conditions and does not
   * run the filter for them.
   */
  public static Bpf compile(List<Rule> rules, int otherwise) {
    Bpf bpf = new Bpf().requireX8664().load(Bpf.NUMBER);
    for (Rule rule : rules) {
      Bpf body = rule.body(otherwise);
      bpf.jumpEqual(rule.number, 0, body.size()).append(body);
    }
    return bpf.ret(otherwise);
  }

  private Bpf body(int unlisted) {
    Bpf body = new Bpf();
    if (conditions.isEmpty()) {
      return body.ret(action);
    }
    for (Condition condition : conditions) {
      Bpf part = new Bpf().ret(action);
      for (int i = condition.checks.size() - 1; i >= 0; i--) {
        part = check(condition.checks.get(i), part);
      }
      body.append(part);
    }
    return body.ret(otherwise == 0 ? unlisted : otherwise);
  }

  private static Bpf check(Check check, Bpf then) {
    Bpf bpf = new Bpf();
    int count = check.values.size();
    if (check.highZero) {
      bpf.loadArgument(check.argument, true).jumpEqual(0, 0, 1 + (check.mask == -1 ? 0 : 1) + count + then.size());
    }
    bpf.loadArgument(check.argument, false);
    if (check.mask != -1) {
      bpf.and(check.mask);
    }
    for (int i = 0; i < count; i++) {
      int left = count - 1 - i;
      bpf.jumpEqual(check.values.get(i), left, left == 0 ? then.size() : 0);
    }
    return bpf.append(then);
  }
}
