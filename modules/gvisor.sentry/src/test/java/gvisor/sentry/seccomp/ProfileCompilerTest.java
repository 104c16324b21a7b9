package gvisor.sentry.seccomp;

import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_ALLOW;
import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_ERRNO;
import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_KILL_THREAD;
import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_LOG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.sentry.seccomp.SeccompProfile.Comparison;
import gvisor.sentry.seccomp.SeccompProfile.Condition;
import gvisor.sentry.seccomp.SeccompProfile.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ProfileCompilerTest {
  private static final int EPERM = SECCOMP_RET_ERRNO | 1;
  private static final int ENOSYS = SECCOMP_RET_ERRNO | 38;
  private static final int OTHER = SECCOMP_RET_ERRNO | 5;

  private static final SeccompFilter.Evaluation EVALUATION = new SeccompFilter.Evaluation();

  /** Calls are named by their numbers here. */
  private static int number(String name) {
    return name.matches("\\d+") ? Integer.parseInt(name) : -1;
  }

  private static Rule rule(int number, int action, Condition... conditions) {
    return new Rule("rule", Integer.toString(number), action, List.of(conditions));
  }

  private static SeccompFilter filter(int defaultAction, Rule... rules) throws Exception {
    return filter(new SeccompProfile(defaultAction, true, false, false, List.of(rules)));
  }

  private static SeccompFilter filter(SeccompProfile profile) throws Exception {
    return SeccompFilter.install(
        new ProfileCompiler(profile, ProfileCompilerTest::number).compile(), null, false);
  }

  private static int run(SeccompFilter filter, int number, long... arguments) {
    long[] a = java.util.Arrays.copyOf(arguments, 6);
    return EVALUATION.evaluate(filter, number, 0, a[0], a[1], a[2], a[3], a[4], a[5]);
  }

  private static Condition eq(int argument, long value) {
    return new Condition(argument, Comparison.EQ, value, -1);
  }

  @Test
  void callsThatAreNotNamedGetTheDefault() throws Exception {
    SeccompFilter f = filter(EPERM, rule(3, SECCOMP_RET_ALLOW), rule(7, OTHER), rule(8, OTHER));
    assertEquals(EPERM, run(f, 2));
    assertEquals(SECCOMP_RET_ALLOW, run(f, 3));
    assertEquals(EPERM, run(f, 4));
    assertEquals(OTHER, run(f, 7));
    assertEquals(OTHER, run(f, 8));
  }

  @Test
  void whatIsAlwaysAllowedNeedsNoRun() throws Exception {
    SeccompFilter f = filter(EPERM, rule(3, SECCOMP_RET_ALLOW), rule(7, SECCOMP_RET_ALLOW, eq(0, 1)));
    assertTrue(f.allowsAlways(3));
    assertFalse(f.allowsAlways(2));
    assertFalse(f.allowsAlways(7));
  }

  @Test
  void callsNewerThanTheProfileAreUnknownCalls() throws Exception {
    SeccompFilter f = filter(EPERM, rule(3, SECCOMP_RET_ALLOW), rule(300, EPERM));
    assertEquals(EPERM, run(f, 300));
    assertEquals(ENOSYS, run(f, 301));
    assertEquals(ENOSYS, run(f, 100_000));
  }

  @Test
  void aPermissiveDefaultIsForNewCallsToo() throws Exception {
    assertEquals(SECCOMP_RET_ALLOW, run(filter(SECCOMP_RET_ALLOW, rule(3, EPERM)), 301));
    assertEquals(SECCOMP_RET_LOG, run(filter(SECCOMP_RET_LOG, rule(3, EPERM)), 301));
    SeccompProfile told = new SeccompProfile(ENOSYS, false, false, false, List.of(rule(3, SECCOMP_RET_ALLOW)));
    assertEquals(ENOSYS, run(filter(told), 301));
  }

  @Test
  void callsOfOtherTablesEndTheThreadUnlessTheyAreServed() throws Exception {
    assertEquals(SECCOMP_RET_KILL_THREAD, run(filter(EPERM, rule(3, SECCOMP_RET_ALLOW)), 0x40000003));
    SeccompProfile x32 = new SeccompProfile(EPERM, true, true, false, List.of(rule(3, SECCOMP_RET_ALLOW)));
    assertEquals(SECCOMP_RET_ALLOW, run(filter(x32), 0x40000003));
    assertEquals(EPERM, run(filter(x32), 0x40000002));
  }

  /** These are what libseccomp 2.5.4 makes of the same rules. */
  @Test
  void rulesMeanTogetherWhatTheyDoInLibseccomp() throws Exception {
    assertEquals(SECCOMP_RET_ALLOW, run(filter(EPERM, rule(39, SECCOMP_RET_ALLOW), rule(39, OTHER)), 39));
    assertEquals(
        SECCOMP_RET_ALLOW, run(filter(EPERM, rule(39, OTHER, eq(0, 1)), rule(39, SECCOMP_RET_ALLOW)), 39, 1));
    assertEquals(
        SECCOMP_RET_ALLOW, run(filter(EPERM, rule(39, SECCOMP_RET_ALLOW), rule(39, OTHER, eq(0, 1))), 39, 1));
    assertThrows(
        ProfileCompiler.ContradictionException.class,
        () -> filter(EPERM, rule(39, SECCOMP_RET_ALLOW, eq(0, 1)), rule(39, OTHER, eq(0, 1))));
    SeccompFilter prefix =
        filter(EPERM, rule(39, SECCOMP_RET_ALLOW, eq(0, 1)), rule(39, OTHER, eq(0, 1), eq(1, 2)));
    assertEquals(SECCOMP_RET_ALLOW, run(prefix, 39, 1, 0));
    assertEquals(SECCOMP_RET_ALLOW, run(prefix, 39, 1, 2));
  }

  /** runc: such a rule is as many rules as it has comparisons. */
  @Test
  void oneArgumentComparedTwiceNeedsOnlyOneMatch() throws Exception {
    Condition above = new Condition(0, Comparison.GT, 10, -1);
    Condition below = new Condition(0, Comparison.LT, 5, -1);
    SeccompFilter f = filter(EPERM, rule(39, SECCOMP_RET_ALLOW, above, below));
    assertEquals(SECCOMP_RET_ALLOW, run(f, 39, 3));
    assertEquals(EPERM, run(f, 39, 7));
    assertEquals(SECCOMP_RET_ALLOW, run(f, 39, 11));
  }

  @Test
  void namesThatLinuxDoesNotHaveArePassedOver() throws Exception {
    Rule unknown = new Rule("rule", "no_such_call", SECCOMP_RET_ALLOW, List.of());
    SeccompProfile profile = new SeccompProfile(EPERM, true, false, false, List.of(unknown));
    ProfileCompiler compiler = new ProfileCompiler(profile, ProfileCompilerTest::number);
    assertEquals(Set.of("no_such_call"), compiler.unknownNames());
    assertEquals(EPERM, run(SeccompFilter.install(compiler.compile(), null, false), 1));
  }

  @Test
  void everyComparisonIsOf64UnsignedBits() throws Exception {
    long[] values = {0, 1, 5, 0xffffffffL, 0x100000000L, 0x500000005L, Long.MAX_VALUE, Long.MIN_VALUE, -1};
    for (Comparison comparison : Comparison.values()) {
      for (long value : values) {
        Condition c = new Condition(2, comparison, value, 0xff000000ffL);
        SeccompFilter f = filter(EPERM, rule(9, SECCOMP_RET_ALLOW, c));
        for (long argument : values) {
          int wanted = holds(c, argument) ? SECCOMP_RET_ALLOW : EPERM;
          assertEquals(wanted, run(f, 9, 0, 0, argument), comparison + " " + value + " of " + argument);
        }
      }
    }
  }

  private static boolean holds(Condition c, long argument) {
    int order = Long.compareUnsigned(argument, c.value());
    return switch (c.comparison()) {
      case NE -> order != 0;
      case LT -> order < 0;
      case LE -> order <= 0;
      case EQ -> order == 0;
      case GE -> order >= 0;
      case GT -> order > 0;
      case MASKED_EQ -> (argument & c.mask()) == c.value();
    };
  }

  @Test
  void randomProfilesDoWhatTheirRulesSay() throws Exception {
    Random random = new Random(20251124);
    for (int round = 0; round < 300; round++) {
      List<Rule> rules = new ArrayList<>();
      for (int i = random.nextInt(60); i > 0; i--) {
        rules.add(randomRule(random));
      }
      int defaultAction = random.nextBoolean() ? EPERM : SECCOMP_RET_ALLOW;
      SeccompProfile profile = new SeccompProfile(defaultAction, false, false, false, rules);
      SeccompFilter f;
      try {
        f = filter(profile);
      } catch (ProfileCompiler.ContradictionException e) {
        continue;
      }
      for (int i = 0; i < 200; i++) {
        int number = random.nextInt(50);
        long[] arguments = random.longs(6, 0, 4).toArray();
        assertEquals(expected(profile, number, arguments), run(f, number, arguments), "round " + round);
      }
    }
  }

  private static Rule randomRule(Random random) {
    Condition[] conditions = new Condition[random.nextInt(3)];
    for (int i = 0; i < conditions.length; i++) {
      Comparison comparison = Comparison.values()[random.nextInt(Comparison.values().length)];
      conditions[i] = new Condition(2 * i + random.nextInt(2), comparison, random.nextInt(4), random.nextInt(4));
    }
    int action = List.of(EPERM, OTHER, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_THREAD).get(random.nextInt(4));
    return rule(random.nextInt(45), action, conditions);
  }

  private static int expected(SeccompProfile profile, int number, long[] arguments) {
    List<Rule> rules =
        profile.rules().stream()
            .filter(r -> number(r.name()) == number && r.action() != profile.defaultAction())
            .toList();
    for (Rule r : rules) {
      if (r.conditions().isEmpty()) {
        return r.action();
      }
    }
    for (Rule r : rules) {
      if (r.conditions().stream().allMatch(c -> holds(c, arguments[c.argument()]))) {
        return r.action();
      }
    }
    return profile.defaultAction();
  }
}
