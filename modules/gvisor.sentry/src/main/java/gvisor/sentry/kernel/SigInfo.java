package gvisor.sentry.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * A signal on its way: {@code siginfo_t} ({@code man 2 sigaction}). The union after the header is kept as the four
 * words that any of its forms uses; a longer one exists only when an application queued it itself.
 *
 * <pre>
 *   0 si_signo   4 si_errno   8 si_code   16 union:
 *   kill     16 pid 20 uid                         queue  16 pid 20 uid 24 value
 *   child    16 pid 20 uid 24 status 32 utime 40 stime
 *   fault    16 address                            poll   16 band 24 fd
 *   timer    16 id  20 overrun 24 value            sys    16 address 24 number 28 architecture
 * </pre>
 */
public final class SigInfo {
  /** Bytes of {@code siginfo_t}. */
  public static final int SIZE = 128;

  private static final int UNION = 16;
  private static final int KEPT_WORDS = 4;
  private static final int WORDS = (SIZE - UNION) / 8;

  public final int signo;
  public final int errno;
  public final int code;
  long word0;
  long word1;
  long word2;
  long word3;
  private long[] rest;
  SigInfo next;
  /** Whom it is counted against, or null. */
  UserCounts charged;
  /** The timer it comes from, which may have one in a queue at a time; or null. */
  Object timer;

  private SigInfo(int signo, int errno, int code) {
    this.signo = signo;
    this.errno = errno;
    this.code = code;
  }

  /** From the kernel itself. */
  public static SigInfo kernel(int signo) {
    return new SigInfo(signo, 0, Signal.SI_KERNEL);
  }

  /** From process {@code pid} of user {@code uid}; {@code code} is SI_USER or SI_TKILL. */
  public static SigInfo user(int signo, int code, int pid, int uid) {
    SigInfo info = new SigInfo(signo, 0, code);
    info.word0 = pid & 0xffffffffL | (long) uid << 32;
    return info;
  }

  /** A queued one with a value. */
  public static SigInfo queued(int signo, int code, int pid, int uid, long value) {
    SigInfo info = user(signo, code, pid, uid);
    info.word1 = value;
    return info;
  }

  /** A fault at {@code address}. */
  public static SigInfo fault(int signo, int code, long address) {
    SigInfo info = new SigInfo(signo, 0, code);
    info.word0 = address;
    return info;
  }

  /** A child's change of state; times are in clock ticks. */
  static SigInfo child(int signo, int code, int pid, int uid, int status, long utime, long stime) {
    SigInfo info = user(signo, code, pid, uid);
    info.word1 = status & 0xffffffffL;
    info.word2 = utime;
    info.word3 = stime;
    return info;
  }

  /** The expiry of POSIX timer {@code id}. */
  static SigInfo timer(int signo, int id, long value, Object timer) {
    SigInfo info = new SigInfo(signo, 0, Signal.SI_TIMER);
    info.word0 = id & 0xffffffffL;
    info.word1 = value;
    info.timer = timer;
    return info;
  }

  /** A file's readiness ({@code F_SETSIG}); {@code code} is POLL_IN and so on. */
  public static SigInfo poll(int signo, int code, long band, int fd) {
    SigInfo info = new SigInfo(signo, 0, code);
    info.word0 = band;
    info.word1 = fd & 0xffffffffL;
    return info;
  }

  /** A seccomp trap. */
  static SigInfo seccomp(int errno, long address, int number, int architecture) {
    SigInfo info = new SigInfo(Signal.SIGSYS, errno, Signal.SYS_SECCOMP);
    info.word0 = address;
    info.word1 = number & 0xffffffffL | (long) architecture << 32;
    return info;
  }

  /** As an application wrote it, but for the number. */
  public static SigInfo read(int signo, MemorySegment from, long at) {
    SigInfo info = new SigInfo(signo, from.get(JAVA_INT_UNALIGNED, at + 4), from.get(JAVA_INT_UNALIGNED, at + 8));
    info.word0 = from.get(JAVA_LONG_UNALIGNED, at + UNION);
    info.word1 = from.get(JAVA_LONG_UNALIGNED, at + UNION + 8);
    info.word2 = from.get(JAVA_LONG_UNALIGNED, at + UNION + 16);
    info.word3 = from.get(JAVA_LONG_UNALIGNED, at + UNION + 24);
    info.rest = new long[WORDS - KEPT_WORDS];
    for (int i = 0; i < info.rest.length; i++) {
      info.rest[i] = from.get(JAVA_LONG_UNALIGNED, at + UNION + 8L * (KEPT_WORDS + i));
    }
    return info;
  }

  /** Writes all {@link #SIZE} bytes. */
  public void write(MemorySegment to, long at) {
    to.set(JAVA_INT_UNALIGNED, at, signo);
    to.set(JAVA_INT_UNALIGNED, at + 4, errno);
    to.set(JAVA_INT_UNALIGNED, at + 8, code);
    to.set(JAVA_INT_UNALIGNED, at + 12, 0);
    to.set(JAVA_LONG_UNALIGNED, at + UNION, word0);
    to.set(JAVA_LONG_UNALIGNED, at + UNION + 8, word1);
    to.set(JAVA_LONG_UNALIGNED, at + UNION + 16, word2);
    to.set(JAVA_LONG_UNALIGNED, at + UNION + 24, word3);
    for (int i = KEPT_WORDS; i < WORDS; i++) {
      to.set(JAVA_LONG_UNALIGNED, at + UNION + 8L * i, rest == null ? 0 : rest[i - KEPT_WORDS]);
    }
  }

  public int pid() {
    return (int) word0;
  }

  public int uid() {
    return (int) (word0 >>> 32);
  }

  public long address() {
    return word0;
  }

  public long value() {
    return word1;
  }

  public int status() {
    return (int) word1;
  }

  public long utime() {
    return word2;
  }

  public long stime() {
    return word3;
  }

  /** Of a timer's: expirations that were not delivered. */
  public int overrun() {
    return (int) (word0 >>> 32);
  }

  void setOverrun(int count) {
    word0 = word0 & 0xffffffffL | (long) count << 32;
  }

  /** Whether it was sent by the kernel rather than by a process. */
  public boolean isFromKernel() {
    return code > 0;
  }
}
