package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EINVAL;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;

/** Signals that are read ({@code man 2 signalfd}): those of whoever reads, not of whoever made it. */
public final class SignalFd implements FileOps {
  private static final int SIZE = 128;

  private volatile long set;
  /** Whose signals wake those who poll it: as Linux, the process that registered. */
  private final ThreadGroup maker;

  private SignalFd(ThreadGroup maker, long set) {
    this.maker = maker;
    this.set = set;
  }

  /** An open file for the signals of {@code set}. */
  public static FileDescription open(Task t, long set, int flags) {
    SignalFd ops = new SignalFd(t.threadGroup(), set & ~Signal.UNBLOCKABLE);
    return AnonFile.open(t.kernel().vfs(), ops, "[signalfd]", flags);
  }

  /** Replaces the set. */
  public void setSignals(long signals) {
    set = signals & ~Signal.UNBLOCKABLE;
    maker.signalEvents().notify(EventMask.READABLE);
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    if (!(caller instanceof Task task) || dst.remaining() < SIZE) {
      throw EINVAL.error();
    }
    MemorySegment s = MemorySegment.ofArray(new long[SIZE / 8]);
    long done = 0;
    while (dst.remaining() >= SIZE) {
      SigInfo info = SignalWait.take(task, set);
      if (info == null) {
        break;
      }
      encode(info, s);
      done += dst.put(s, 0, SIZE);
    }
    return done == 0 ? WOULD_BLOCK : done;
  }

  /** {@code struct signalfd_siginfo}, by which form of {@code siginfo_t} the code says it is. */
  private static void encode(SigInfo info, MemorySegment s) {
    s.fill((byte) 0);
    s.set(JAVA_INT_UNALIGNED, 0, info.signo);
    s.set(JAVA_INT_UNALIGNED, 4, info.errno);
    s.set(JAVA_INT_UNALIGNED, 8, info.code);
    if (info.code == Signal.SI_TIMER) {
      s.set(JAVA_INT_UNALIGNED, 24, (int) info.word0);
      s.set(JAVA_INT_UNALIGNED, 32, info.overrun());
      value(info, s);
    } else if (Signal.has(Signal.SYNCHRONOUS, info.signo) && info.isFromKernel()) {
      s.set(JAVA_LONG_UNALIGNED, 72, info.address());
    } else if (info.signo == Signal.SIGIO && info.isFromKernel()) {
      s.set(JAVA_INT_UNALIGNED, 28, (int) info.word0);
      s.set(JAVA_INT_UNALIGNED, 20, (int) info.word1);
    } else {
      s.set(JAVA_INT_UNALIGNED, 12, info.pid());
      s.set(JAVA_INT_UNALIGNED, 16, info.uid());
      if (info.signo == Signal.SIGCHLD && info.isFromKernel()) {
        s.set(JAVA_INT_UNALIGNED, 40, info.status());
        s.set(JAVA_LONG_UNALIGNED, 56, info.utime());
        s.set(JAVA_LONG_UNALIGNED, 64, info.stime());
      } else {
        value(info, s);
      }
    }
  }

  private static void value(SigInfo info, MemorySegment s) {
    s.set(JAVA_INT_UNALIGNED, 44, (int) info.value());
    s.set(JAVA_LONG_UNALIGNED, 48, info.value());
  }

  @Override
  public int readiness(int mask) {
    Task task = Workers.currentTask();
    long pending = task == null ? maker.pendingSignals() : task.pendingSignals();
    return (pending & set) == 0 ? 0 : mask & EventMask.READABLE;
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    owner().signalEvents().register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    owner().signalEvents().unregister(entry);
    maker.signalEvents().unregister(entry);
  }

  /** The process on whose thread this runs: the one whose signals a read would take. */
  private ThreadGroup owner() {
    Task task = Workers.currentTask();
    return task == null ? maker : task.threadGroup();
  }

  @Override
  public String fdInfo(FileDescription file) {
    String hex = Long.toHexString(set);
    return "sigmask:\t" + "0".repeat(16 - hex.length()) + hex + "\n";
  }
}
