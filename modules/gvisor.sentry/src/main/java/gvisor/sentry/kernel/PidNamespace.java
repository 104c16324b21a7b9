package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Who has which process id ({@code man 7 pid_namespaces}). Guarded by {@link Kernel#tasksLock}, which public methods
 * take.
 */
public final class PidNamespace {
  /** Process ids are below this. */
  public static final int PID_MAX = 32768;

  /** Where numbers start again after {@link #PID_MAX}: below it are the daemons of the boot. */
  private static final int RESERVED = 300;

  private static final int MAX_LEVEL = 32;

  private final Kernel kernel;
  private final PidNamespace parent;
  private final int level;
  private final long inode;
  private final ConcurrentSkipListMap<Integer, Pid> pids = new ConcurrentSkipListMap<>();
  private int last;

  /** The first process, which adopts orphans and takes the namespace with it when it dies; null before it exists. */
  ThreadGroup init;

  /** The first process is dying: nobody new may come in. */
  boolean dying;

  PidNamespace(Kernel kernel, PidNamespace parent) throws ErrnoException {
    this.kernel = kernel;
    this.parent = parent;
    this.level = parent == null ? 0 : parent.level + 1;
    this.inode = kernel.nextNamespaceInode();
    if (level > MAX_LEVEL) {
      throw EINVAL.error();
    }
  }

  /** The namespace around this one, or null. */
  public PidNamespace parent() {
    return parent;
  }

  /** How many namespaces are around this one. */
  public int level() {
    return level;
  }

  /** The inode number of {@code /proc/[pid]/ns/pid}. */
  public long inode() {
    return inode;
  }

  /** The last number given out. */
  public int lastPid() {
    return last;
  }

  /** The first process, or null. */
  public ThreadGroup init() {
    return init;
  }

  /** Whether {@code inner} is this namespace or inside it. */
  public boolean contains(PidNamespace inner) {
    PidNamespace ns = inner;
    while (ns != null && ns.level > level) {
      ns = ns.parent;
    }
    return ns == this;
  }

  /** The task called {@code tid}, or null. */
  public Task task(int tid) {
    kernel.tasksLock.lock();
    try {
      Pid pid = pids.get(tid);
      return pid == null ? null : pid.task;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** The process called {@code tgid}, or null; a thread's number that is not a process's is null too. */
  public ThreadGroup threadGroup(int tgid) {
    Task task = task(tgid);
    return task != null && task.isLeader() ? task.threadGroup() : null;
  }

  /** The process group called {@code pgid}, or null. */
  public ProcessGroup processGroup(int pgid) {
    kernel.tasksLock.lock();
    try {
      Pid pid = pids.get(pgid);
      return pid == null ? null : pid.group;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Every process, zombies too, in the order of their numbers. */
  public List<ThreadGroup> threadGroups() {
    kernel.tasksLock.lock();
    try {
      List<ThreadGroup> all = new ArrayList<>();
      for (Pid pid : pids.values()) {
        if (pid.task != null && pid.task.isLeader()) {
          all.add(pid.task.threadGroup());
        }
      }
      return all;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** The first process whose number is {@code atLeast} or more, or null: for reading {@code /proc} piece by piece. */
  public ThreadGroup nextThreadGroup(int atLeast) {
    kernel.tasksLock.lock();
    try {
      for (Pid pid : pids.tailMap(atLeast, true).values()) {
        if (pid.task != null && pid.task.isLeader()) {
          return pid.task.threadGroup();
        }
      }
      return null;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Whether there is a task of that number. Takes no lock, so its answer may be old. */
  public boolean hasTask(int number) {
    Pid pid = pids.get(number);
    return pid != null && pid.task != null;
  }

  Pid find(int number) {
    return pids.get(number);
  }

  Iterable<Pid> all() {
    return pids.values();
  }

  /**
   * Gives out a number here and in every namespace around.
   *
   * @param wanted numbers to take from the innermost namespace outwards ({@code clone3}'s set_tid); may be null
   */
  Pid allocate(int[] wanted) throws ErrnoException {
    if (dying) {
      throw ENOMEM.error();
    }
    int[] numbers = new int[level + 1];
    PidNamespace ns = this;
    for (int i = 0; ns != null; i++, ns = ns.parent) {
      if (wanted != null && i < wanted.length) {
        if (wanted[i] < 1 || wanted[i] >= PID_MAX || ns.init == null && ns.pids.isEmpty() && wanted[i] != 1) {
          throw EINVAL.error();
        }
        if (ns.pids.containsKey(wanted[i])) {
          throw EEXIST.error();
        }
        numbers[ns.level] = wanted[i];
      } else {
        numbers[ns.level] = ns.nextFree();
      }
    }
    Pid pid = new Pid(this, numbers);
    for (ns = this; ns != null; ns = ns.parent) {
      ns.pids.put(numbers[ns.level], pid);
      ns.last = numbers[ns.level];
    }
    return pid;
  }

  private int nextFree() throws ErrnoException {
    int n = last;
    for (int tried = 0; tried < PID_MAX; tried++) {
      n = n + 1 >= PID_MAX ? RESERVED : n + 1;
      if (!pids.containsKey(n)) {
        return n;
      }
    }
    throw EAGAIN.error();
  }

  void remove(int number) {
    pids.remove(number);
  }
}
