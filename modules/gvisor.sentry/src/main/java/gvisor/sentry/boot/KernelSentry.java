package gvisor.sentry.boot;

import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Host;
import gvisor.api.host.HostNetwork;
import gvisor.api.host.NetworkSnapshot;
import gvisor.api.mem.MemoryFile;
import gvisor.api.p9.P9Client;
import gvisor.api.platform.Platform;
import gvisor.sentry.auth.IdMap;
import gvisor.sentry.fs.gofer.CacheBudget;
import gvisor.sentry.fs.host.HostFiles;
import gvisor.sentry.fs.sys.NetClass;
import gvisor.sentry.kernel.Container;
import gvisor.sentry.kernel.ContainerTasks;
import gvisor.sentry.kernel.IpcNamespace;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.NetNamespace;
import gvisor.sentry.kernel.OomKiller;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.Seccomp;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskStart;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.kernel.UtsNamespace;
import gvisor.sentry.loader.ProgramLoader;
import gvisor.sentry.loader.Vdso;
import gvisor.sentry.loader.VdsoClock;
import gvisor.sentry.mm.ExtentAllocator;
import gvisor.sentry.mm.MemoryCgroup;
import gvisor.sentry.socket.Network;
import gvisor.sentry.strace.SyscallLog;
import gvisor.sentry.syscall.SyscallTable;
import gvisor.sentry.syscall.linux.Amd64;
import gvisor.sentry.syscall.linux.SocketFiles;
import gvisor.sentry.tty.Terminal;
import gvisor.sentry.vfs.MountNamespace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** The kernel of one sandbox with its containers. Thread-safe. */
final class KernelSentry implements Sentry {
  private static final Logger LOG = LogManager.getLogger(KernelSentry.class);
  /** How long the end of a process waits for its terminal to take the last output. */
  private static final long DRAIN_MILLIS = 1000;
  private static final long DEATH_MILLIS = 10_000;
  /** Clean pages of files may take one part of so many of a container's memory before they are given back. */
  private static final long CACHE_SHARE = 4;

  /** Ends of processes that somebody may still ask for; beyond it those are forgotten. */
  private static final int MAX_REMEMBERED = 1024;

  private final Kernel kernel;
  private final Platform platform;
  private final ProcessMaker processes;
  private final SharedMemory sharedMemory;

  /** The first container's network, where applications use the host's. */
  private final AtomicReference<Network> hostNetwork = new AtomicReference<>();

  private final ConcurrentHashMap<String, Running> containers = new ConcurrentHashMap<>();

  /** A container. */
  private static final class Running {
    final Container container;
    final PidNamespace pids;
    final TaskStart.Spaces spaces;
    final P9Client gofer;
    final SharedMemory.User memory;
    final ConcurrentHashMap<Integer, ThreadGroup> started = new ConcurrentHashMap<>();
    final ConcurrentHashMap<Integer, Terminal> terminals = new ConcurrentHashMap<>();
    MountNamespace mounts;
    Seccomp seccomp;
    ThreadGroup init;
    private boolean isStarted;

    Running(Container container, TaskStart.Spaces spaces, P9Client gofer, SharedMemory.User memory) {
      this.container = container;
      this.pids = spaces.pids();
      this.spaces = spaces;
      this.gofer = gofer;
      this.memory = memory;
    }

    /** True once: for who starts it. */
    synchronized boolean start() {
      boolean first = !isStarted;
      isStarted = true;
      return first;
    }

    synchronized boolean isStarted() {
      return isStarted;
    }

    /** Its processes, zombies too; others may live in the same PID namespace. */
    List<ThreadGroup> processes() {
      List<ThreadGroup> all = pids.threadGroups();
      all.removeIf(p -> p.container() != container);
      return all;
    }

    /** One of its processes by number, the first one for 0; null if there is none. */
    ThreadGroup process(int pid) {
      ThreadGroup found = pid <= 0 ? init : pids.threadGroup(pid);
      return found == null || found.container() != container ? null : found;
    }
  }

  KernelSentry(Platform platform, MemoryFile memory, Host given, SentryOptions options) throws IOException {
    this.platform = platform;
    VdsoClock clock = new VdsoClock(given.clock());
    long memoryBytes = options.memoryLimitBytes() > 0
        ? Math.min(options.memoryLimitBytes(), given.memoryBytes()) : given.memoryBytes();
    int processors = options.processors() > 0 ? options.processors() : given.processorCount();
    Host host = new SandboxHost(given, clock, processors, memoryBytes);
    ExtentAllocator pages = new ExtentAllocator(memory, memoryBytes);
    ProgramLoader loader = new ProgramLoader(platform, pages, host, new Vdso(pages, clock, processors));
    SyscallTable table = new SyscallTable();
    Amd64.fill(table);
    this.kernel = new Kernel(platform, pages, host, table, loader);
    clock.start();
    if (options.strace()) {
      kernel.setTracer(new SyscallLog(table));
    }
    Filesystems.register(kernel);
    try {
      this.sharedMemory = new SharedMemory(kernel.vfs().type("tmpfs"));
    } catch (ErrnoException e) {
      throw new IllegalStateException("there is no tmpfs", e);
    }
    this.processes = new ProcessMaker(kernel, new HostFiles(kernel.deviceNumbers().anonymous()));
  }

  /** For tests of the kernel from inside. */
  Kernel kernel() {
    return kernel;
  }

  private Running find(String id) throws IOException {
    Running r = containers.get(id);
    if (r == null) {
      throw new IOException("container " + id + " does not exist");
    }
    return r;
  }

  @Override
  public void create(ContainerSpec spec) throws IOException {
    TaskStart.Spaces spaces = spaces(spec);
    P9Client gofer;
    try {
      gofer = spec.gofer() == null ? null : new P9Client(spec.gofer());
    } catch (ErrnoException e) {
      throw new IOException("the gofer does not answer: " + e.errno().message());
    }
    Running r = new Running(container(spec), spaces, gofer, sharedMemory.new User());
    if (containers.putIfAbsent(spec.id(), r) != null) {
      release(r);
      throw new IOException("container " + spec.id() + " exists already");
    }
    boolean done = false;
    try {
      CacheBudget budget = new CacheBudget(memoryBytes(spec.limits()) / CACHE_SHARE);
      kernel.oomKiller().guard(r.container, caches(budget));
      r.container.memory().setLimitBytes(spec.limits().memoryBytes());
      r.container.setDevices(ContainerDevices.policy(spec.devices(), spec.users() != null));
      if (spec.users() != null) {
        r.container.setIds(map(spec.users().users()), map(spec.users().groups()));
      }
      r.seccomp = ContainerSeccomp.of(spec);
      r.mounts = new ContainerMounts(kernel, budget, spec, r.container, r.pids, r.gofer, r.memory).make();
      ProcessMaker.Made made = processes.make(spec.process(), r.container, r.spaces, r.mounts.root(), r.seccomp);
      remember(r, made);
      r.init = made.task().threadGroup();
      done = true;
    } finally {
      if (!done) {
        containers.remove(spec.id());
        release(r);
      }
    }
  }

  private Container container(ContainerSpec spec) throws IOException {
    Limits limits = spec.limits();
    try {
      Container made =
          new Container(spec.id(), new MemoryCgroup(kernel.pages()), kernel.host().processorCount());
      made.setCpus(limits.cpus());
      made.setPidsLimit(limits.pids());
      return made;
    } catch (ErrnoException e) {
      throw new IOException("the sandbox has too many containers");
    }
  }

  private static IdMap map(List<UserSpace.Range> ranges) {
    List<IdMap.Range> known = new ArrayList<>();
    for (UserSpace.Range range : ranges) {
      known.add(new IdMap.Range(range.inside(), range.outside(), range.size()));
    }
    return new IdMap(known);
  }

  private long memoryBytes(Limits limits) {
    long all = kernel.host().memoryBytes();
    return limits.memoryBytes() <= 0 ? all : Math.min(all, limits.memoryBytes());
  }

  private static OomKiller.Caches caches(CacheBudget budget) {
    return new OomKiller.Caches() {
      @Override
      public long dropIdle() {
        return budget.dropIdle();
      }

      @Override
      public long bytes() {
        return budget.bytes();
      }
    };
  }

  /** New namespaces, but for those that it shares with containers that are there. */
  private TaskStart.Spaces spaces(ContainerSpec spec) throws IOException {
    Sharing sharing = spec.sharing();
    PidNamespace pids;
    try {
      pids = sharing.pids() == null ? TaskStart.newPidNamespace(kernel) : find(sharing.pids()).pids;
    } catch (ErrnoException e) {
      throw new IOException("a PID namespace cannot be made: " + e.errno().message());
    }
    String hostname = spec.hostname() == null ? "localhost" : spec.hostname();
    String domainname = spec.domainname() == null ? "(none)" : spec.domainname();
    return new TaskStart.Spaces(
        pids,
        sharing.uts() == null ? new UtsNamespace(kernel, hostname, domainname) : find(sharing.uts()).spaces.uts(),
        sharing.ipc() == null ? new IpcNamespace(kernel) : find(sharing.ipc()).spaces.ipc(),
        sharing.net() == null ? network() : find(sharing.net()).spaces.net());
  }

  /** The first one of a sandbox has the host's sockets, if there are any; all others their own. */
  private NetNamespace network() {
    NetNamespace made = new NetNamespace(kernel);
    HostNetwork host = kernel.host().network();
    if (host != null) {
      Network network = new Network(SocketFiles.layer(kernel), host);
      if (hostNetwork.compareAndSet(null, network)) {
        made.registry(Network.class, () -> network);
      }
    }
    return made;
  }

  @Override
  public void setNetwork(NetworkSnapshot snapshot) {
    Network network = hostNetwork.get();
    if (network != null) {
      network.describe(snapshot);
      NetClass.of(kernel).set(snapshot.interfaces());
    }
  }

  private static int remember(Running r, ProcessMaker.Made made) {
    int pid = made.task().tgid();
    if (r.started.size() >= MAX_REMEMBERED) {
      r.started.values().removeIf(p -> p.isZombie() && p != r.init);
      r.terminals.keySet().retainAll(r.started.keySet());
    }
    r.started.put(pid, made.task().threadGroup());
    if (made.terminal() != null) {
      r.terminals.put(pid, made.terminal());
    }
    return pid;
  }

  @Override
  public void start(String container) throws IOException {
    Running r = find(container);
    if (!r.start()) {
      throw new IOException("container " + container + " has been started already");
    }
    start(r.init.leader());
  }

  private static void start(Task task) throws IOException {
    try {
      TaskStart.start(task);
    } catch (ErrnoException e) {
      TaskStart.discard(task);
      throw new IOException("cannot start a task: " + e.errno().message());
    }
  }

  @Override
  public int exec(String container, ProcessSpec process) throws IOException {
    Running r = find(container);
    if (!r.isStarted() || r.init.isZombie()) {
      throw new IOException("container " + container + " is not running");
    }
    return exec(r, process);
  }

  @Override
  public int execBeforeStart(String container, ProcessSpec process) throws IOException {
    Running r = find(container);
    if (r.isStarted()) {
      throw new IOException("container " + container + " has been started already");
    }
    return exec(r, process);
  }

  private int exec(Running r, ProcessSpec process) throws IOException {
    ProcessMaker.Made made = processes.make(process, r.container, r.spaces, r.mounts.root(), r.seccomp);
    int pid = remember(r, made);
    start(made.task());
    return pid;
  }

  @Override
  public int waitFor(String container, int pid) throws IOException, InterruptedException {
    Running r = find(container);
    ThreadGroup process = pid <= 0 ? r.init : r.started.get(pid);
    if (process == null) {
      throw new IOException("container " + container + " has no process " + pid + " that was started from outside");
    }
    TaskStart.awaitEnd(process, 0);
    Terminal terminal = r.terminals.get(process.pid().number());
    if (terminal != null) {
      terminal.drain(DRAIN_MILLIS);
    }
    if (process == r.init && LOG.isDebugEnabled()) {
      logCalls(container);
    }
    return process.exitStatus();
  }

  private void logCalls(String container) {
    LOG.debug("container {} ends; calls that were made: {}", container, kernel.madeCalls().summary());
    String unknown = kernel.unknownCalls().summary();
    if (!unknown.isEmpty()) {
      LOG.debug("calls that this kernel does not know, and how often: {}", unknown);
    }
  }

  @Override
  public void signal(String container, int pid, int signal, boolean all) throws ErrnoException {
    Running r = containers.get(container);
    if (r == null) {
      throw ESRCH.error();
    }
    if (!all) {
      ThreadGroup process = r.process(pid);
      if (process == null || process.isZombie()) {
        throw ESRCH.error();
      }
      if (!r.isStarted() && process == r.init) {
        killUnstarted(r, signal);
        return;
      }
      TaskStart.signal(process, signal);
      return;
    }
    boolean any = false;
    for (ThreadGroup process : r.processes()) {
      if (!process.isZombie()) {
        TaskStart.signal(process, signal);
        any = true;
      }
    }
    if (!any) {
      throw ESRCH.error();
    }
  }

  /** A container that was created and never started has no thread to take a signal: a deadly one ends it here. */
  private static void killUnstarted(Running r, int signal) {
    if ((signal == 9 || signal == 15) && r.start()) {
      TaskStart.discard(r.init.leader());
    }
  }

  @Override
  public Usage usage(String container) throws IOException {
    Container c = find(container).container;
    ContainerTasks.CpuTime time = ContainerTasks.cpuTime(kernel, c);
    long limit = c.memory().limitBytes();
    return new Usage(c.memory().usageBytes(), limit == MemoryCgroup.UNLIMITED ? 0 : limit, c.memory().oomKills(),
        time.userNanos(), time.systemNanos(), c.taskCount(), c.pidsLimit() == Long.MAX_VALUE ? 0 : c.pidsLimit());
  }

  @Override
  public Limits limits(String container) throws IOException {
    Container c = find(container).container;
    long memory = c.memory().limitBytes();
    return new Limits(memory == MemoryCgroup.UNLIMITED ? 0 : memory, c.cpus(),
        c.pidsLimit() == Long.MAX_VALUE ? 0 : c.pidsLimit());
  }

  @Override
  public void setLimits(String container, Limits limits) throws IOException {
    Container c = find(container).container;
    c.memory().setLimitBytes(limits.memoryBytes());
    c.setCpus(limits.cpus());
    c.setPidsLimit(limits.pids());
  }

  @Override
  public List<ProcessInfo> processes(String container) {
    List<ProcessInfo> list = new ArrayList<>();
    Running r = containers.get(container);
    if (r == null) {
      return list;
    }
    for (ThreadGroup p : r.processes()) {
      Task leader = p.leader();
      list.add(new ProcessInfo(p.pid().number(), p.parentPid(r.pids), leader.creds().uid(), leader.comm(),
          p.startRealtimeNanos(), p.utime() + p.stime(), p.threadCount()));
    }
    return list;
  }

  @Override
  public void resize(String container, int pid, int rows, int columns) {
    Running r = containers.get(container);
    if (r == null) {
      return;
    }
    Terminal terminal = r.terminals.get(pid <= 0 && r.init != null ? r.init.pid().number() : pid);
    if (terminal != null) {
      terminal.resize(rows, columns);
    }
  }

  @Override
  public void setPaused(String container, boolean paused) {
    Running r = containers.get(container);
    if (r != null) {
      TaskStart.setPaused(kernel, r.container, paused);
    }
  }

  @Override
  public void destroy(String container) {
    Running r = containers.remove(container);
    if (r == null) {
      return;
    }
    if (r.start()) {
      TaskStart.discard(r.init.leader());
    } else {
      awaitDeath(r);
    }
    release(r);
  }

  /** Kills every process of a container, however fast it makes new ones, and waits for their ends. */
  private static void awaitDeath(Running r) {
    long deadline = System.nanoTime() + DEATH_MILLIS * 1_000_000;
    try {
      while (true) {
        List<ThreadGroup> living = r.processes();
        living.removeIf(ThreadGroup::isZombie);
        if (living.isEmpty() && r.init.isZombie()) {
          return;
        }
        living.forEach(ThreadGroup::kill);
        long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
        if (leftMillis <= 0 || !TaskStart.awaitEnd(living.isEmpty() ? r.init : living.getLast(), leftMillis)) {
          LOG.warn("container {}: not every task ended in time", r.container.id());
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void release(Running r) {
    if (r.mounts != null) {
      r.mounts.release();
    }
    r.memory.release();
    if (r.gofer != null) {
      r.gofer.close();
    }
    r.container.memory().close();
  }

  @Override
  public void close() {
    kernel.shutdown(DEATH_MILLIS);
    for (Running r : containers.values()) {
      if (r.gofer != null) {
        r.gofer.close();
      }
    }
    containers.clear();
    platform.close();
  }
}
