package gvisor.sentry.seccomp;

import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_ALLOW;
import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_ERRNO;
import static gvisor.sentry.seccomp.SeccompFilter.SECCOMP_RET_KILL_PROCESS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.ErrnoException;
import org.junit.jupiter.api.Test;

class SeccompFilterTest {
  private final SeccompFilter.Evaluation evaluation = new SeccompFilter.Evaluation();

  private static long op(int code, int jt, int jf, int k) {
    return code | (long) jt << 16 | (long) jf << 24 | (long) k << 32;
  }

  private static long ret(int k) {
    return op(0x06, 0, 0, k);
  }

  private static long load(int offset) {
    return op(0x20, 0, 0, offset);
  }

  private static long ifEqual(int k, int jt, int jf) {
    return op(0x15, jt, jf, k);
  }

  private int evaluate(SeccompFilter f, int number, long a0) {
    return evaluation.evaluate(f, number, 0x400000, a0, 0, 0, 0, 0, 0);
  }

  @Test
  void filterByNumberIsCached() throws ErrnoException {
    SeccompFilter f = SeccompFilter.install(
        new long[] {load(0), ifEqual(39, 0, 1), ret(SECCOMP_RET_ERRNO | 13), ret(SECCOMP_RET_ALLOW)}, null, false);
    assertEquals(SECCOMP_RET_ERRNO | 13, evaluate(f, 39, 0));
    assertEquals(SECCOMP_RET_ALLOW, evaluate(f, 40, 0));
    assertTrue(f.allowsAlways(40));
    assertFalse(f.allowsAlways(39));
  }

  @Test
  void filterByArgumentIsNotCached() throws ErrnoException {
    SeccompFilter f = SeccompFilter.install(
        new long[] {load(16), ifEqual(7, 0, 1), ret(SECCOMP_RET_KILL_PROCESS), ret(SECCOMP_RET_ALLOW)}, null, false);
    assertEquals(SECCOMP_RET_KILL_PROCESS, evaluate(f, 1, 7));
    assertEquals(SECCOMP_RET_ALLOW, evaluate(f, 1, 8));
    assertFalse(f.allowsAlways(1));
  }

  @Test
  void mostRestrictiveFilterWins() throws ErrnoException {
    SeccompFilter first = SeccompFilter.install(new long[] {ret(SECCOMP_RET_ERRNO | 1)}, null, false);
    SeccompFilter second = SeccompFilter.install(new long[] {ret(SECCOMP_RET_ALLOW)}, first, false);
    assertEquals(SECCOMP_RET_ERRNO | 1, evaluate(second, 0, 0));
    assertFalse(second.allowsAlways(0));
    assertTrue(second.descendsFrom(first));
    assertFalse(first.descendsFrom(second));
    assertEquals(2, second.count());
  }

  @Test
  void arithmeticIsUnsigned() throws ErrnoException {
    SeccompFilter f = SeccompFilter.install(new long[] {
        op(0x00, 0, 0, -2), // A = 0xfffffffe
        op(0x34, 0, 0, 2), // A /= 2
        op(0x02, 0, 0, 3), // M[3] = A
        op(0x60, 0, 0, 3), // A = M[3]
        op(0x74, 0, 0, 13), // A >>= 13
        op(0x16, 0, 0, 0), // return A
    }, null, false);
    assertEquals(0x7fffffff >>> 13, evaluate(f, 0, 0));
  }

  @Test
  void badProgramsAreRefused() {
    long[][] bad = {
        {},
        {load(0)}, // does not return
        {load(2), ret(0)}, // unaligned
        {load(64), ret(0)}, // outside
        {load(-4), ret(0)},
        {op(0x05, 0, 0, 1), ret(0)}, // jump outside
        {op(0x05, 0, 0, -1), ret(0)}, // jump back
        {ifEqual(0, 1, 0), ret(0)},
        {op(0x34, 0, 0, 0), ret(0)}, // division by a constant zero
        {op(0x60, 0, 0, 1), ret(0)}, // scratch word never stored
        {op(0x02, 0, 0, 16), ret(0)}, // no such scratch word
        {op(0x28, 0, 0, 0), ret(0)}, // half-word load
        {op(0xffff, 0, 0, 0), ret(0)},
        new long[4097],
    };
    for (long[] program : bad) {
      assertThrows(ErrnoException.class, () -> SeccompFilter.install(program, null, false));
    }
  }
}
