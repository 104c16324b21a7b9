package gvisor.platform.kvm;

import static gvisor.api.errno.Errno.EAGAIN;

import gvisor.api.errno.ErrnoException;
import gvisor.host.kvm.KickSignal;
import gvisor.host.kvm.KvmMachine;
import gvisor.host.kvm.KvmProcessor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/** The virtual processors: made when one is needed, kept for good, and shared when KVM gives no more. Thread-safe. */
final class Processors {
  /** More than this share; each costs the host some 100 KiB. */
  static final int MAX = 1024;

  private static final long CHECK_NANOS = 1_000_000;

  private final KvmMachine machine;
  private final TableMemory memory;
  private final GuestCpu cpu;
  private final long firstPage;
  private final int max;
  private final ReentrantLock poolLock = new ReentrantLock();

  // Guarded by poolLock.
  private final List<Processor> all = new ArrayList<>();
  private final ArrayDeque<Processor> free = new ArrayDeque<>();
  private int search;
  private boolean closed;

  /** At most {@code max} of {@code machine}, with their ring 0 pages at {@code firstPage} of {@code memory}. */
  Processors(KvmMachine machine, TableMemory memory, GuestCpu cpu, long firstPage, int max) {
    this.machine = machine;
    this.memory = memory;
    this.cpu = cpu;
    this.firstPage = firstPage;
    this.max = max;
  }

  /**
   * A processor, claimed, and with nobody's extended state; null if all are running or the platform is closed.
   *
   * @throws ErrnoException EAGAIN if the host does not give a single one
   */
  Processor take() throws ErrnoException {
    poolLock.lock();
    try {
      if (closed) {
        return null;
      }
      Processor p = free.pollLast();
      if (p != null) {
        return p;
      }
      if (all.size() < max) {
        try {
          return add();
        } catch (ErrnoException e) {
          if (all.isEmpty()) {
            throw EAGAIN.error();
          }
        }
      }
      return takeFromIdle();
    } finally {
      poolLock.unlock();
    }
  }

  /** {@code p}, claimed by the caller, is of no use to it any more. */
  void giveBack(Processor p) {
    poolLock.lock();
    try {
      p.owner = null;
      free.addLast(p);
    } finally {
      poolLock.unlock();
    }
  }

  /** Takes every processor from its owner, who sees that the platform is closed, and ends them all. */
  void close() {
    poolLock.lock();
    try {
      closed = true;
      for (Processor p : all) {
        if (!free.contains(p)) {
          while (!p.tryClaim()) {
            KvmContext owner = p.owner;
            if (owner != null) {
              owner.nudge();
            }
            LockSupport.parkNanos(this, CHECK_NANOS);
          }
          p.owner = null;
        }
        p.close();
      }
      all.clear();
      free.clear();
    } finally {
      poolLock.unlock();
    }
  }

  /** How many there are. */
  int count() {
    poolLock.lock();
    try {
      return all.size();
    } finally {
      poolLock.unlock();
    }
  }

  /** How many of them belong to no context. */
  int freeCount() {
    poolLock.lock();
    try {
      return free.size();
    } finally {
      poolLock.unlock();
    }
  }

  private Processor add() throws ErrnoException {
    int id = all.size();
    long blocked = KickSignal.block();
    KvmProcessor kvm = machine.newProcessor(id);
    try {
      Processor p = new Processor(kvm, id, memory.memory().asSlice(firstPage + (long) id * Ring0.PAGE, Ring0.PAGE), cpu,
          blocked);
      all.add(p);
      return p;
    } catch (ErrnoException e) {
      kvm.close();
      throw e;
    }
  }

  private Processor takeFromIdle() {
    for (int i = 0; i < all.size(); i++) {
      search = search + 1 == all.size() ? 0 : search + 1;
      Processor p = all.get(search);
      if (p.tryClaim()) {
        KvmContext owner = p.owner;
        if (owner != null) {
          owner.loseProcessor(p);
        }
        return p;
      }
    }
    return null;
  }
}
