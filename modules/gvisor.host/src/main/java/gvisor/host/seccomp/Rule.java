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
 * @param why a phrase for {@code docs/security.md}
 */
public record Rule(String name, int number, int action, List<Condition> conditions, String why) {
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
    return new Rule(name, number, Bpf.ALLOW, List.of(), why);
  }

  /** Fails the call with {@code errno}: what a virtual machine tries and does without. */
  public static Rule fail(String name, int number, Errno errno, String why) {
    return new Rule(name, number, Bpf.ERRNO | errno.number(), List.of(), why);
  }

  /** The same rule for calls only for which all of {@code checks}, or an earlier condition, hold. */
  public Rule when(String text, Check... checks) {
    List<Condition> all = new ArrayList<>(conditions);
    all.add(new Condition(text, List.of(checks)));
    return new Rule(name, number, action, List.copyOf(all), why);
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
    String outcome = action == Bpf.ALLOW ? "allowed" : Errno.of(action & 0xffff).name();
    return conditions.isEmpty()
        ? outcome
        : outcome + " if " + conditions.stream().map(Condition::text).collect(Collectors.joining(", or "));
  }

  /**
   * The filter of an allow-list: whatever no rule lets pass gets {@code otherwise}. Rules are tried in their order, so
   * the calls made most often come first; the kernel remembers those that are allowed without conditions and does not
   * run the filter for them.
   */
  public static Bpf compile(List<Rule> rules, int otherwise) {
    Bpf bpf = new Bpf().requireX8664().load(Bpf.NUMBER);
    for (Rule rule : rules) {
      Bpf body = rule.body();
      bpf.jumpEqual(rule.number, 0, body.size()).append(body);
    }
    return bpf.ret(otherwise);
  }

  private Bpf body() {
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
    return body.load(Bpf.NUMBER); // There may be another rule for this call.
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
