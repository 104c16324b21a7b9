package gvisor.sentry.kernel;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Host;
import gvisor.api.platform.Platform;
import gvisor.sentry.kernel.futex.FutexTable;
import gvisor.sentry.loader.ProgramLoader;
import gvisor.sentry.mm.ExtentAllocator;
import gvisor.sentry.syscall.SyscallTable;
import gvisor.sentry.time.TimerQueue;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.Vfs;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/** All there is one of in a sandbox. No static state: whoever needs it is given it. */
public final class Kernel {
  /**
   * As many tasks as the sandbox ever has at once, whatever its users' limits are: each costs the host two threads. A
   * program that forks without end meets EAGAIN here, before the host feels it.
   */
  public static final int MAX_TASKS = 4096;

  /** As many of them are kept for processes that are started from outside: to look at what uses up the others. */
  static final int RESERVED_TASKS = 64;

  private static final long FIRST_NAMESPACE_INODE = 0xF0000000L;

  private final Platform platform;
  private final ExtentAllocator pages;
  private final Host host;
  private final SyscallTable syscalls;
  private final ProgramLoader loader;
  private final DeviceNumbers deviceNumbers = new DeviceNumbers();
  private final AtomicLong namespaceInodes = new AtomicLong(FIRST_NAMESPACE_INODE);
  private final ConcurrentHashMap<Integer, UserCounts> users = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Class<?>, Object> parts = new ConcurrentHashMap<>();
  private final Workers workers;
  private final TimerQueue timers;
  private final FutexTable futexes;
  private final PidNamespace rootPidNamespace;
  private final FileSignalQueue fileSignals = new FileSignalQueue();
  private final OomKiller oomKiller = new OomKiller(this);
  private final UnknownCalls unknownCalls = new UnknownCalls();
  private final MadeCalls madeCalls = new MadeCalls();
  final AtomicInteger taskCount = new AtomicInteger();
  final AtomicLong forks = new AtomicLong();
  private final AtomicInteger auditSessions = new AtomicInteger();
  private final long bootRealtimeNanos;

  /**
   * The process tree and everything about signals. The outermost lock of the kernel: like Linux's
   * {@code tasklist_lock} and every {@code siglock} in one. Never held while application memory is touched or anything
   * waits.
   */
  final ReentrantLock tasksLock = new ReentrantLock();

  private final Vfs vfs = new Vfs(deviceNumbers);
  private volatile SyscallTracer tracer;
  private volatile boolean dead;

  public Kernel(Platform platform, ExtentAllocator pages, Host host, SyscallTable syscalls, ProgramLoader loader) {
    this.platform = platform;
    this.pages = pages;
    this.host = host;
    this.syscalls = syscalls;
    this.loader = loader;
    this.bootRealtimeNanos = host.clock().realtimeNanos();
    this.workers = new Workers(this);
    this.timers = new TimerQueue(host.clock());
    this.futexes = new FutexTable();
    try {
      this.rootPidNamespace = new PidNamespace(this, null);
    } catch (ErrnoException e) {
      throw new IllegalStateException(e);
    }
  }

  public Platform platform() {
    return platform;
  }

  /** All of the memory; what is allocated from it directly is charged to no container. */
  public ExtentAllocator pages() {
    return pages;
  }

  /** Holds the memory limits of containers. */
  public OomKiller oomKiller() {
    return oomKiller;
  }

  public Host host() {
    return host;
  }

  /** File systems, devices and mounts. */
  public Vfs vfs() {
    return vfs;
  }

  public SyscallTable syscalls() {
    return syscalls;
  }

  /** Loads programs. */
  ProgramLoader loader() {
    return loader;
  }

  public DeviceNumbers deviceNumbers() {
    return deviceNumbers;
  }

  /** What fires at a time. */
  public TimerQueue timers() {
    return timers;
  }

  /** Futex waiters. */
  public FutexTable futexes() {
    return futexes;
  }

  /** Signals that files have to send. */
  FileSignalQueue fileSignals() {
    return fileSignals;
  }

  Workers workers() {
    return workers;
  }

  /** The namespace around every container's. */
  public PidNamespace rootPidNamespace() {
    return rootPidNamespace;
  }

  /** System calls that are not in the table, and how often they were called. */
  public UnknownCalls unknownCalls() {
    return unknownCalls;
  }

  int newAuditSession() {
    return auditSessions.incrementAndGet() & Integer.MAX_VALUE;
  }

  /** System calls of the table that were made. */
  public MadeCalls madeCalls() {
    return madeCalls;
  }

  /** Who logs system calls, or null. */
  public SyscallTracer tracer() {
    return tracer;
  }

  public void setTracer(SyscallTracer next) {
    tracer = next;
  }

  /** Wall clock at boot, in nanoseconds since the epoch. */
  public long bootRealtimeNanos() {
    return bootRealtimeNanos;
  }

  /** Processes and threads made since boot. */
  public long forkCount() {
    return forks.get();
  }

  /** Tasks there are now. */
  public int taskCount() {
    return taskCount.get();
  }

  /** An inode number for {@code /proc/[pid]/ns}. */
  public long nextNamespaceInode() {
    return namespaceInodes.getAndIncrement();
  }

  /** The one {@code type} of this kernel, made when first asked for: for parts this package does not know. */
  public <T> T part(Class<T> type, java.util.function.Function<Kernel, T> maker) {
    Object found = parts.get(type);
    if (found == null) {
      found = parts.computeIfAbsent(type, k -> maker.apply(this));
    }
    return type.cast(found);
  }

  UserCounts userCounts(int uid) {
    UserCounts found = users.get(uid);
    return found != null ? found : users.computeIfAbsent(uid, k -> new UserCounts());
  }

  /** Whether {@link #shutdown} has begun: nobody new may start. */
  public boolean isDead() {
    return dead;
  }

  /** Kills every task and waits for their ends, at most {@code timeoutMillis}. */
  public void shutdown(long timeoutMillis) {
    dead = true;
    killAll();
    workers.close(timeoutMillis);
    timers.close();
  }

  private void killAll() {
    tasksLock.lock();
    try {
      for (Pid pid : rootPidNamespace.all()) {
        if (pid.task != null) {
          Signals.kill(pid.task.group);
        }
      }
    } finally {
      tasksLock.unlock();
    }
  }
}
