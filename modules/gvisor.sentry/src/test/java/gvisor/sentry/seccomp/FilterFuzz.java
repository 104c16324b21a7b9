package gvisor.sentry.seccomp;

import gvisor.api.errno.ErrnoException;

/**
 * Fuzz target: input bytes are a filter and calls to decide about. One that is accepted ends, stays in its memory, and
 * what it is said to allow whatever the arguments it does allow.
 */
public final class FilterFuzz {
  /** Operations that programs are made of, so that more than one in a million is accepted. */
  private static final int[] OPERATIONS = {
    0x20, 0x15, 0x25, 0x35, 0x45, 0x05, 0x1d, 0x2d, 0x3d, 0x4d, 0x00, 0x01, 0x60, 0x61, 0x02, 0x03, 0x80, 0x81, 0x04,
    0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0xa4, 0xac, 0x07,
    0x87, 0x06, 0x16
  };

  private static final SeccompFilter.Evaluation EVALUATION = new SeccompFilter.Evaluation();

  private FilterFuzz() {}

  /** Runs one input. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 8) {
      return;
    }
    int count = Math.min((input.length - 1) / 6, 1 + (input[0] & 0x3f));
    long[] program = new long[count + 1];
    for (int i = 0; i < count; i++) {
      int at = 1 + i * 6;
      int choice = input[at] & 0xff;
      int operation = choice < 250 ? OPERATIONS[choice % OPERATIONS.length] : choice;
      long k = (input[at + 3] & 0xff) | (input[at + 4] & 0xff) << 8 | input[at + 5] << 24;
      k = operation == 0x20 ? k & 0x3c : (operation & 0xf) < 4 && (operation & 0xf0) == 0x60 || operation == 0x02
          || operation == 0x03 ? k & 15 : operation == 0x05 ? k & 7 : k;
      program[i] = operation | (input[at + 1] & 7L) << 16 | (input[at + 2] & 7L) << 24 | k << 32;
    }
    program[count] = 0x06 | (long) SeccompFilter.SECCOMP_RET_ALLOW << 32;
    SeccompFilter filter;
    try {
      filter = SeccompFilter.install(program, null, false);
    } catch (ErrnoException e) {
      return;
    }
    for (int number = 0; number < 512; number += 7) {
      long argument = input[(number & 0x7fff) % input.length] * 0x0101010101010101L;
      int verdict = EVALUATION.evaluate(filter, number, argument, argument, ~argument, 0, -1, number, argument >>> 7);
      if (filter.allowsAlways(number) && verdict != SeccompFilter.SECCOMP_RET_ALLOW) {
        throw new IllegalStateException("call " + number + " is said to be allowed, and gets "
            + Integer.toHexString(verdict));
      }
    }
  }
}
