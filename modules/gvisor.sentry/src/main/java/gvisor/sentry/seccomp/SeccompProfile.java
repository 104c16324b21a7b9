package gvisor.sentry.seccomp;

import java.util.List;

/**
 * What a container's processes may call, as the runtime was told: rules by name, with the kernel's words for actions.
 * {@link ProfileCompiler} makes a filter of it.
 *
 * @param defaultAction SECCOMP_RET_* with its data, for calls that no rule matches
 * @param refuseNewCalls calls with higher numbers than any that the rules name give ENOSYS instead of the default
 *     action: the profile was written before there were such calls, and programs know what to do without them
 * @param x32 calls of the x32 ABI are looked up too; without it they end the thread
 * @param logs SECCOMP_FILTER_FLAG_LOG
 * @param rules in the order of the profile
 */
public record SeccompProfile(
    int defaultAction, boolean refuseNewCalls, boolean x32, boolean logs, List<Rule> rules) {

  /**
   * What happens to a call whose arguments meet every condition.
   *
   * @param place where the profile has it, for complaints
   * @param name of the call; one that Linux does not know is passed over
   * @param action SECCOMP_RET_* with its data
   */
  public record Rule(String place, String name, int action, List<Condition> conditions) {}

  /**
   * A comparison of an argument as 64 unsigned bits.
   *
   * @param argument from 0 to 5
   * @param mask for {@link Comparison#MASKED_EQ}: which bits count
   */
  public record Condition(int argument, Comparison comparison, long value, long mask) {}

  /** How an argument is compared. */
  public enum Comparison {
    NE,
    LT,
    LE,
    EQ,
    GE,
    GT,
    /** The bits of the mask are equal. */
    MASKED_EQ
  }
}
