package gvisor.platform.ptrace;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Platform;
import gvisor.host.MemFd;
import gvisor.host.ptrace.FirstStub;
import gvisor.host.ptrace.Ptrace;
import gvisor.host.ptrace.StubFailure;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The stub processes of a sandbox. The first is forked from the JVM by a thread that lives as long as the platform, for
 * stubs die with the thread that is their parent; it is the template from which all others are cloned, as its siblings.
 */
final class PtracePlatform implements Platform {
  /** Retired processes kept for the next address spaces. */
  private static final int MAX_KEPT = 16;

  /** Processes at a time; each has a page of work in a sparse file. */
  private static final int MAX_PROCESSES = 32 * 1024;

  private static final long PAGE = 4096;
  private static final long MIN_USER_ADDRESS = 0x10000;
  private static final int NR_MMAP = 9, NR_MUNMAP = 11, NR_PRCTL = 157;
  private static final int PR_SET_PDEATHSIG = 1, SIGKILL = 9;
  private static final int PROT_READ = 1, MAP_SHARED_FIXED = 0x11;

  private final StubCode code = new StubCode();
  private final MemFd memory;
  private final MemFd stubMemory;
  private final PairBalancer balancer;
  private final ThreadLocal<PtraceContext> current = new ThreadLocal<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread parent;
  private final int template;
  private final FpuState fpu;

  private final ReentrantLock templateLock = new ReentrantLock();

  private final ReentrantLock poolLock = new ReentrantLock();
  private final ArrayDeque<Subprocess> pool = new ArrayDeque<>();
  private final Set<Subprocess> living = new HashSet<>();
  private final BitSet slots = new BitSet();
  private boolean closed;

  private record Started(int template, FpuState fpu) {}

  PtracePlatform(MemFd memory) throws IOException {
    this.memory = memory;
    try {
      stubMemory = MemFd.create("stub", (1 + MAX_PROCESSES) * PAGE);
      balancer = new PairBalancer();
    } catch (ErrnoException e) {
      throw new IOException("memory for stub processes: " + e.getMessage());
    }
    byte[] bytes = code.bytes();
    MemorySegment.copy(bytes, 0, stubMemory.memory(), JAVA_BYTE, 0, bytes.length);
    CompletableFuture<Started> started = new CompletableFuture<>();
    parent = Thread.ofPlatform().name("stub-parent").daemon().start(() -> beParent(started));
    try {
      Started s = started.get();
      template = s.template;
      fpu = s.fpu;
    } catch (ExecutionException e) {
      balancer.stop();
      stubMemory.close();
      throw new IOException(e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the first stub process started");
    }
  }

  @Override
  public String name() {
    return PtracePlatformProvider.NAME;
  }

  @Override
  public long minUserAddress() {
    return MIN_USER_ADDRESS;
  }

  @Override
  public long maxUserAddress() {
    return StubCode.ADDRESS;
  }

  @Override
  public AddressSpace newAddressSpace() {
    return new PtraceAddressSpace(this, memory.fd().number());
  }

  @Override
  public Context newContext() throws ErrnoException {
    if (current.get() != null) {
      throw new IllegalStateException("this thread has a context already");
    }
    PtraceContext context = new PtraceContext(this, balancer.newPair());
    current.set(context);
    balancer.add(context);
    return context;
  }

  @Override
  public void close() {
    Set<Subprocess> all;
    poolLock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      all = new HashSet<>(living);
      pool.clear();
    } finally {
      poolLock.unlock();
    }
    balancer.stop();
    for (Subprocess p : all) {
      // A thread that is still attached learns of it by its own wait; the rest is reaped here.
      p.kill();
    }
    closing.countDown();
    try {
      parent.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    stubMemory.close();
  }

  StubCode code() {
    return code;
  }

  FpuState fpu() {
    return fpu;
  }

  long memorySize() {
    return memory.size();
  }

  /** The calling thread's context, or null. */
  PtraceContext currentContext() {
    return current.get();
  }

  /** The calling thread's context has been closed. */
  void closed(PtraceContext context) {
    balancer.remove(context);
    context.pair().end();
    current.remove();
  }

  /** A process for one address space: a retired one, or a new clone of the template. */
  Subprocess takeProcess(Tracer tracer) throws ErrnoException {
    poolLock.lock();
    try {
      Subprocess kept = pool.pollLast();
      if (kept != null) {
        kept.reuse();
        return kept;
      }
    } finally {
      poolLock.unlock();
    }
    int slot = takeSlot();
    int pid = -1;
    templateLock.lock();
    try {
      tracer.attach(template);
      try {
        pid = tracer.cloneProcess(template);
      } finally {
        tracer.park(template);
      }
    } catch (ErrnoException e) {
      throw (e.errno() == Errno.ENOMEM ? Errno.ENOMEM : Errno.EAGAIN).error();
    } finally {
      templateLock.unlock();
      if (pid < 0) {
        freeSlot(slot);
      }
    }
    Subprocess p = new Subprocess(this, pid, slot, stubMemory.memory().asSlice((1 + slot) * PAGE, PAGE));
    poolLock.lock();
    try {
      living.add(p);
    } finally {
      poolLock.unlock();
    }
    return p;
  }

  /** Gives a new process, to whose one thread {@code tracer} is attached, its work page and has it die with us. */
  void prepare(Subprocess p, Tracer tracer, int tid) throws ErrnoException {
    long died = tracer.call(tid, NR_PRCTL, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
    long mapped = tracer.call(
        tid, NR_MMAP, StubCode.WORK_ADDRESS, PAGE, PROT_READ, MAP_SHARED_FIXED, stubMemory.fd().number(),
        (1 + p.slot()) * PAGE);
    if (died < 0 || mapped != StubCode.WORK_ADDRESS) {
      throw Errno.ENOMEM.error();
    }
    p.markPrepared();
  }

  /** Puts a retired process, all of whose threads are parked, into the pool; false if there is no room. */
  boolean keep(Subprocess p) {
    poolLock.lock();
    try {
      if (closed || pool.size() >= MAX_KEPT) {
        return false;
      }
      pool.addLast(p);
      return true;
    } finally {
      poolLock.unlock();
    }
  }

  /** {@code p} has been sent SIGKILL and nobody uses it: takes it out of the books when the host has. */
  void reaped(Subprocess p) {
    poolLock.lock();
    try {
      if (!living.remove(p)) {
        return;
      }
    } finally {
      poolLock.unlock();
    }
    Ptrace.waitFor(p.pid(), Arena.ofAuto().allocate(8, 8));
    freeSlot(p.slot());
  }

  private int takeSlot() throws ErrnoException {
    poolLock.lock();
    try {
      int slot = slots.nextClearBit(0);
      if (closed || slot >= MAX_PROCESSES) {
        throw Errno.EAGAIN.error();
      }
      slots.set(slot);
      return slot;
    } finally {
      poolLock.unlock();
    }
  }

  private void freeSlot(int slot) {
    poolLock.lock();
    try {
      slots.clear(slot);
    } finally {
      poolLock.unlock();
    }
  }

  /** The life of the thread that is every stub's parent. */
  private void beParent(CompletableFuture<Started> started) {
    int pid;
    try {
      pid = FirstStub.fork(stubMemory.fd(), memory.fd(), StubCode.ADDRESS);
    } catch (StubFailure | RuntimeException e) {
      started.completeExceptionally(e);
      return;
    }
    Tracer tracer = new Tracer(code);
    try {
      long below = tracer.call(pid, NR_MUNMAP, 0, StubCode.ADDRESS, 0, 0, 0, 0);
      long above = tracer.call(
          pid, NR_MUNMAP, StubCode.WORK_ADDRESS, StubCode.TASK_SIZE - StubCode.WORK_ADDRESS, 0, 0, 0, 0);
      MemorySegment sample = Arena.ofAuto().allocate(FpuState.MAX_SIZE, 64);
      long fpuSize = tracer.getXstate(pid, sample);
      if (below < 0 || above < 0 || fpuSize < 0) {
        throw new IllegalStateException("munmap: " + below + ", " + above + "; extended state: " + fpuSize);
      }
      tracer.park(pid);
      started.complete(new Started(pid, new FpuState(sample, (int) fpuSize)));
      closing.await();
    } catch (ErrnoException e) {
      started.completeExceptionally(new IOException("the first stub process died"));
    } catch (RuntimeException e) {
      started.completeExceptionally(new IOException("the first stub process: " + e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      Ptrace.kill(pid);
      tracer.reap(pid);
    }
  }
}
