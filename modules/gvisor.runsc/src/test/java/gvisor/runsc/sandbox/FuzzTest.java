package gvisor.runsc.sandbox;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every fuzz target of this module for a short while, with inputs from a seed: {@code -Dfuzz.seconds}, {@code
 * -Dfuzz.seed}. {@code ./fuzz} runs the same targets guided by coverage.
 */
class FuzzTest {
  private static final double SECONDS = Double.parseDouble(System.getProperty("fuzz.seconds", "2"));
  private static final long SEED = Long.getLong("fuzz.seed", 1);
  private static final int MAX_LENGTH = 2000;

  private interface Target {
    void run(byte[] input) throws Exception;
  }

  @TestFactory
  Stream<DynamicTest> targets() {
    return Stream.of(test("config", ConfigFuzz::fuzzerTestOneInput), test("control", ControlFuzz::fuzzerTestOneInput));
  }

  /** A create without a process, descriptors and all, was an internal error once. */
  @Test
  void findingsStayFixed() throws Exception {
    ControlFuzz.fuzzerTestOneInput(new byte[] {3, 0, 9, 0});
    ControlFuzz.fuzzerTestOneInput(new byte[] {3, 0, 10, 0});
  }

  private static DynamicTest test(String name, Target target) {
    return dynamicTest(name, () -> Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds((long) SECONDS + 60), () -> run(name, target)));
  }

  private static void run(String name, Target target) {
    long end = System.nanoTime() + (long) (SECONDS * 1e9);
    for (long round = 0; System.nanoTime() < end; round++) {
      Random random = new Random(SEED * 1_000_003 + round);
      byte[] input = new byte[random.nextInt(MAX_LENGTH)];
      random.nextBytes(input);
      try {
        target.run(input);
      } catch (Exception | AssertionError e) {
        throw new AssertionError(name + ": seed " + SEED + ", round " + round, e);
      }
    }
  }
}
