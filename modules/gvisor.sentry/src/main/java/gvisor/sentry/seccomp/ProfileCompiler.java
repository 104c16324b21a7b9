package gvisor.sentry.seccomp;

import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_ALLOW;
import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_ERRNO;
import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_KILL_THREAD;
import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_LOG;

import gvisor.sentry.seccomp.SeccompProfile.Comparison;
import gvisor.sentry.seccomp.SeccompProfile.Condition;
import gvisor.sentry.seccomp.SeccompProfile.Rule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToIntFunction;

/**
 * Makes a classic BPF program of a profile: the numbers of calls fall into ranges with one outcome each, found by
 * halving; a call with conditions is a range of its own, whose outcome is a list of comparisons.
 *
 * <p>What rules mean together is what libseccomp makes of them, for profiles are written for it: a rule without
 * conditions stands above those with conditions, wherever it is; the first of several without conditions counts; a rule
 * whose action is the default does nothing; the same conditions with two actions are a contradiction. Where conditions
 * merely overlap, libseccomp's order is its own affair; here the first rule that matches counts. A rule that compares
 * one argument more than once is taken as one rule for each comparison, as runc does since a time when libseccomp
 * offered no other way. One thread.
 */
public final class ProfileCompiler {
  private static final int LD_W_ABS = 0x20, AND_K = 0x54, JA = 0x05, JEQ = 0x15, JGT = 0x25, JGE = 0x35, RET_K = 0x06;

  private static final int DATA_NUMBER = 0, DATA_ARCH = 4, DATA_ARGUMENTS = 16;
  private static final int X32_BIT = 0x40000000;
  private static final int ARGUMENTS = 6;
  private static final int ENOSYS = 38;

  /** A target inside a rule that is not known yet: where the next rule starts. */
  private static final int NEXT_RULE = -1;

  private final SeccompProfile profile;
  private final TreeMap<Integer, Calls> calls = new TreeMap<>();
  private final TreeSet<String> unknownNames = new TreeSet<>();
  private int highest = -1;
  private long[] code = new long[256];
  private int length;

  /** The rules for one call. */
  private static final class Calls {
    Integer always;
    final List<Rule> conditional = new ArrayList<>();
  }

  /** Calls from {@code first} on, up to the next range: an action for all of them, or rules for one. */
  private record Outcome(int first, int action, List<Rule> conditional) {}

  /** A profile that contradicts itself; the message names the rule. */
  public static final class ContradictionException extends Exception {
    private static final long serialVersionUID = 1L;

    ContradictionException(String message) {
      super(message);
    }
  }

  /**
   * Sorts the rules.
   *
   * @param numbers the number of a call by its name, or -1
   */
  public ProfileCompiler(SeccompProfile profile, ToIntFunction<String> numbers) throws ContradictionException {
    this.profile = profile;
    for (Rule rule : profile.rules()) {
      int number = numbers.applyAsInt(rule.name());
      if (number < 0) {
        unknownNames.add(rule.name());
        continue;
      }
      highest = Math.max(highest, number);
      if (rule.action() != profile.defaultAction()) {
        add(calls.computeIfAbsent(number, n -> new Calls()), rule);
      }
    }
  }

  private static void add(Calls of, Rule rule) throws ContradictionException {
    if (rule.conditions().isEmpty()) {
      if (of.always == null) {
        of.always = rule.action();
      }
      return;
    }
    int seen = 0;
    boolean repeats = false;
    for (Condition c : rule.conditions()) {
      repeats |= (seen & 1 << c.argument()) != 0;
      seen |= 1 << c.argument();
    }
    if (!repeats) {
      addConditional(of, rule);
      return;
    }
    for (Condition c : rule.conditions()) {
      addConditional(of, new Rule(rule.place(), rule.name(), rule.action(), List.of(c)));
    }
  }

  private static void addConditional(Calls of, Rule rule) throws ContradictionException {
    Set<Condition> conditions = new HashSet<>(rule.conditions());
    for (Rule other : of.conditional) {
      if (other.conditions().size() == conditions.size() && conditions.containsAll(other.conditions())) {
        if (other.action() != rule.action()) {
          throw new ContradictionException(rule.place() + " has the same args as " + other.place() + " for "
              + rule.name() + ", with another action");
        }
        return;
      }
    }
    of.conditional.add(rule);
  }

  /** Names in the profile that Linux does not have, in order. */
  public Set<String> unknownNames() {
    return unknownNames;
  }

  /** The program: {@code struct sock_filter}s, each as one little-endian word. */
  public long[] compile() {
    load(DATA_ARCH);
    jump(JEQ, SeccompFilter.ARCH, 1, 0);
    ret(SECCOMP_RET_KILL_THREAD);
    load(DATA_NUMBER);
    if (profile.x32()) {
      emit(AND_K, 0, 0, ~X32_BIT);
    } else {
      jump(JGE, X32_BIT, 0, 2);
      jump(JEQ, -1, 1, 0); // What a tracer puts there to have no call made.
      ret(SECCOMP_RET_KILL_THREAD);
    }
    choose(outcomes());
    return Arrays.copyOf(code, length);
  }

  /** What happens to calls, from number 0 on, as few ranges as there can be. */
  private List<Outcome> outcomes() {
    List<Outcome> outcomes = new ArrayList<>();
    int next = 0;
    for (Map.Entry<Integer, Calls> entry : calls.entrySet()) {
      int number = entry.getKey();
      Calls of = entry.getValue();
      if (number > next) {
        append(outcomes, new Outcome(next, profile.defaultAction(), List.of()));
      }
      append(outcomes, of.always != null
          ? new Outcome(number, of.always, List.of())
          : new Outcome(number, profile.defaultAction(), of.conditional));
      next = number + 1;
    }
    int allowing = profile.defaultAction();
    boolean refuse = profile.refuseNewCalls() && highest >= 0 && allowing != SECCOMP_RET_ALLOW
        && allowing != SECCOMP_RET_LOG;
    if (next <= highest || !refuse) {
      append(outcomes, new Outcome(next, profile.defaultAction(), List.of()));
    }
    if (refuse) {
      append(outcomes, new Outcome(highest + 1, SECCOMP_RET_ERRNO | ENOSYS, List.of()));
    }
    return outcomes;
  }

  private static void append(List<Outcome> outcomes, Outcome more) {
    Outcome last = outcomes.isEmpty() ? null : outcomes.getLast();
    boolean same = last != null && last.conditional().isEmpty() && more.conditional().isEmpty()
        && last.action() == more.action();
    if (!same) {
      outcomes.add(more);
    }
  }

  /** Code that finds the one of {@code outcomes} for the number in the accumulator, and returns it. */
  private void choose(List<Outcome> outcomes) {
    if (outcomes.size() == 1) {
      Outcome outcome = outcomes.getFirst();
      for (Rule rule : outcome.conditional()) {
        match(rule);
      }
      ret(outcome.action());
      return;
    }
    int middle = outcomes.size() / 2;
    jump(JGE, outcomes.get(middle).first(), 0, 1);
    int toUpper = length;
    emit(JA, 0, 0, 0);
    choose(outcomes.subList(0, middle));
    code[toUpper] |= (long) (length - toUpper - 1) << 32;
    choose(outcomes.subList(middle, outcomes.size()));
  }

  /** Code that returns the rule's action if its conditions are met, and goes on behind itself if not. */
  private void match(Rule rule) {
    int start = length;
    for (Condition c : rule.conditions()) {
      compare(c);
    }
    ret(rule.action());
    for (int i = start; i < length; i++) {
      int jumpTrue = (int) (code[i] >>> 16) & 0xff;
      int jumpFalse = (int) (code[i] >>> 24) & 0xff;
      int far = length - i - 1; // Six comparisons of at most six instructions.
      if (jumpTrue == (NEXT_RULE & 0xff)) {
        code[i] = code[i] & ~0xff0000L | (long) far << 16;
      }
      if (jumpFalse == (NEXT_RULE & 0xff)) {
        code[i] = code[i] & ~0xff000000L | (long) far << 24;
      }
    }
  }

  /** Code that goes on behind itself if the condition is met. */
  private void compare(Condition c) {
    if (c.argument() < 0 || c.argument() >= ARGUMENTS) {
      throw new IllegalArgumentException("argument " + c.argument());
    }
    int low = DATA_ARGUMENTS + 8 * c.argument();
    int lowValue = (int) c.value();
    int highValue = (int) (c.value() >>> 32);
    load(low + 4);
    if (c.comparison() == Comparison.MASKED_EQ) {
      emit(AND_K, 0, 0, (int) (c.mask() >>> 32));
      jump(JEQ, highValue, 0, NEXT_RULE);
      load(low);
      emit(AND_K, 0, 0, (int) c.mask());
      jump(JEQ, lowValue, 0, NEXT_RULE);
      return;
    }
    switch (c.comparison()) {
      case EQ -> jump(JEQ, highValue, 0, NEXT_RULE);
      case NE -> jump(JEQ, highValue, 0, 2);
      case GT, GE -> {
        jump(JGT, highValue, 3, 0);
        jump(JEQ, highValue, 0, NEXT_RULE);
      }
      default -> {
        jump(JGT, highValue, NEXT_RULE, 0);
        jump(JEQ, highValue, 0, 2);
      }
    }
    load(low);
    switch (c.comparison()) {
      case EQ -> jump(JEQ, lowValue, 0, NEXT_RULE);
      case NE -> jump(JEQ, lowValue, NEXT_RULE, 0);
      case GT -> jump(JGT, lowValue, 0, NEXT_RULE);
      case GE -> jump(JGE, lowValue, 0, NEXT_RULE);
      case LT -> jump(JGE, lowValue, NEXT_RULE, 0);
      default -> jump(JGT, lowValue, NEXT_RULE, 0);
    }
  }

  private void load(int offset) {
    emit(LD_W_ABS, 0, 0, offset);
  }

  private void ret(int value) {
    emit(RET_K, 0, 0, value);
  }

  private void jump(int operation, int k, int jumpTrue, int jumpFalse) {
    emit(operation, jumpTrue, jumpFalse, k);
  }

  private void emit(int operation, int jumpTrue, int jumpFalse, int k) {
    if (length == code.length) {
      code = Arrays.copyOf(code, 2 * length);
    }
    code[length++] = operation | (jumpTrue & 0xffL) << 16 | (jumpFalse & 0xffL) << 24 | (long) k << 32;
  }
}
