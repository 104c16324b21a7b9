package gvisor.host;

import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.asm.Assembler;
import gvisor.host.libc.FileSys;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Gives up capabilities in every thread of this process, those of the JVM too. The kernel changes the calling thread's
 * alone ({@code man 2 capset}), and libc, which has all threads change their user together, does not do it for these.
 * So each thread is sent a signal whose handler, a few instructions of machine code, makes the call and notes the result.
 *
 * <p>Made while there is a /proc, used when there may be none any more. One thread.
 */
public final class EveryThread implements AutoCloseable {
  private static final int SIGNAL = 61; // real-time; neither libc nor the JVM uses it
  private static final int NR_RT_TGSIGQUEUEINFO = 297;
  private static final int NR_CAPSET = 126;
  private static final int NR_RT_SIGRETURN = 15;
  private static final long SA_SIGINFO = 4, SA_RESTORER = 0x04000000, SA_RESTART = 0x10000000;
  private static final int SI_QUEUE = -1;
  private static final int SI_CODE = 8, SI_VALUE = 24;
  private static final int CAPABILITY_VERSION_3 = 0x20080522;
  private static final int LISTING = 32 << 10;
  private static final int STATUS = 4096;
  private static final int D_RECLEN = 16, D_NAME = 19;
  private static final long PATIENCE_NANOS = 10_000_000_000L;

  private final Fd tasks;

  public EveryThread() throws ErrnoException {
    tasks = Fd.open("/proc/self/task", FileSys.O_DIRECTORY, 0);
  }

  /**
   * Leaves every thread, and so all they start, with the capabilities of {@code mask} at most.
   *
   * @throws ErrnoException ETIMEDOUT when a thread does not answer
   */
  public void keepCapabilities(long mask) throws ErrnoException {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment header = arena.allocate(8, 8);
      header.set(JAVA_INT, 0, CAPABILITY_VERSION_3); // pid 0: the calling thread
      MemorySegment sets = arena.allocate(24, 8);
      for (int half = 0; half < 2; half++) {
        int bits = (int) (mask >>> 32 * half);
        sets.set(JAVA_INT, 12 * half, bits); // effective
        sets.set(JAVA_INT, 12 * half + 4, bits); // permitted
      }
      MemorySegment handler = Memory.executable(handlerCode(header.address(), sets.address()));
      MemorySegment restorer = Memory.executable(restorerCode());
      MemorySegment action = arena.allocate(32, 8);
      action.set(JAVA_LONG, 0, handler.address());
      action.set(JAVA_LONG, 8, SA_SIGINFO | SA_RESTORER | SA_RESTART);
      action.set(JAVA_LONG, 16, restorer.address());
      check(Libc.syscall(Sys.NR_RT_SIGACTION, SIGNAL, action.address(), 0, 8, 0, 0));
      try {
        signalAll(arena);
      } finally {
        // SIG_IGN: it means nothing any more. The code stays: who has answered need not have left it yet.
        action.set(JAVA_LONG, 0, 1L);
        Libc.syscall(Sys.NR_RT_SIGACTION, SIGNAL, action.address(), 0, 8, 0, 0);
      }
    }
  }

  private void signalAll(Arena arena) throws ErrnoException {
    long process = Libc.syscall(Sys.NR_GETPID, 0, 0, 0, 0, 0, 0);
    MemorySegment info = arena.allocate(128, 8);
    info.set(JAVA_INT, 0, SIGNAL);
    info.set(JAVA_INT, SI_CODE, SI_QUEUE);
    Map<Integer, MemorySegment> answers = new HashMap<>();
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    // A thread that was not there before was started by one that may not have answered yet.
    for (Set<Integer> open = list(); !answers.keySet().containsAll(open); open = list()) {
      for (int tid : open) {
        if (answers.containsKey(tid)) {
          continue;
        }
        MemorySegment answer = arena.allocate(8, 8);
        answer.set(JAVA_LONG, 0, 1);
        answers.put(tid, answer);
        info.set(JAVA_LONG, SI_VALUE, answer.address());
        // Which fails if it has ended.
        Libc.syscall(NR_RT_TGSIGQUEUEINFO, process, ownNumber(tid), SIGNAL, info.address(), 0, 0);
      }
      await(answers, deadline);
    }
  }

  private void await(Map<Integer, MemorySegment> answers, long deadline) throws ErrnoException {
    for (Map.Entry<Integer, MemorySegment> e : answers.entrySet()) {
      while (true) {
        VarHandle.fullFence();
        long answer = e.getValue().get(JAVA_LONG, 0);
        if (answer <= 0) {
          if (answer < 0) {
            throw Errno.of((int) -answer).error();
          }
          break;
        }
        if (!list().contains(e.getKey())) {
          break; // It has ended instead.
        }
        if (System.nanoTime() > deadline) {
          throw Errno.ETIMEDOUT.error();
        }
        Thread.yield();
      }
    }
  }

  /** The number that thread {@code tid} of /proc has in this process's PID namespace, or -1 when it has ended. */
  private int ownNumber(int tid) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long n = Libc.syscall(FileSys.NR_OPENAT, tasks.number(), Memory.cString(arena, tid + "/status"), Sys.O_CLOEXEC,
          0, 0, 0);
      if (n < 0) {
        return -1;
      }
      MemorySegment text = arena.allocate(STATUS);
      long length;
      try (Fd status = Fd.adopt((int) n)) {
        length = Libc.read(status.number(), text.address(), STATUS - 1);
      }
      if (length <= 0) {
        return -1;
      }
      for (String line : text.getString(0, StandardCharsets.ISO_8859_1).split("\n")) {
        if (line.startsWith("NSpid:")) {
          return Integer.parseInt(line.substring(line.lastIndexOf('\t') + 1));
        }
      }
      return tid; // a kernel without PID namespaces
    }
  }

  /** The threads there are, as /proc numbers them. */
  private Set<Integer> list() throws ErrnoException {
    Set<Integer> tids = new HashSet<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment entries = arena.allocate(LISTING, 8);
      check(Libc.lseek(tasks.number(), 0, 0));
      while (true) {
        long length = check(
            Libc.syscall(FileSys.NR_GETDENTS64, tasks.number(), entries.address(), LISTING, 0, 0, 0));
        if (length == 0) {
          return tids;
        }
        for (long at = 0; at < length; at += entries.get(JAVA_SHORT, at + D_RECLEN)) {
          String name = entries.getString(at + D_NAME, StandardCharsets.US_ASCII);
          if (!name.startsWith(".")) {
            tids.add(Integer.parseInt(name));
          }
        }
      }
    }
  }

  private static long check(long result) throws ErrnoException {
    return Libc.check(result);
  }

  /** {@code void handler(int signal, siginfo_t *info, void *context)}: notes the result where the info's value points. */
  private static byte[] handlerCode(long header, long sets) {
    Assembler a = new Assembler();
    a.push(RBX);
    a.load(RBX, RSI, SI_VALUE);
    a.mov(RDI, header);
    a.mov(RSI, sets);
    a.clear(RDX);
    a.mov(RAX, NR_CAPSET);
    a.syscall();
    a.store(RBX, 0, RAX);
    a.pop(RBX);
    a.ret();
    return a.toBytes();
  }

  private static byte[] restorerCode() {
    Assembler a = new Assembler();
    a.mov(RAX, NR_RT_SIGRETURN);
    a.syscall();
    a.int3();
    return a.toBytes();
  }

  @Override
  public void close() {
    tasks.close();
  }
}
