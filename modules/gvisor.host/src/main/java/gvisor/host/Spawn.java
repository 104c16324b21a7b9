package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.NewProcess;
import gvisor.host.libc.Script;
import gvisor.host.libc.Sys;
import gvisor.host.seccomp.Bpf;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Starts a program in a child process. The steps between {@code clone} and {@code execve} are system calls worked off
 * in machine code ({@link Script}) in the order: session, death signal, descriptors, working directory, own steps,
 * exec. The child gets the descriptors it is told of and standard input, output and error; nothing else.
 *
 * <p>One thread builds and starts it.
 */
public final class Spawn {
  /** {@code CLONE_NEW*} flags for {@link #namespaces}. */
  public static final long CLONE_NEWNS = 0x20000,
      CLONE_NEWCGROUP = 0x2000000,
      CLONE_NEWUTS = 0x4000000,
      CLONE_NEWIPC = 0x8000000,
      CLONE_NEWUSER = 0x10000000,
      CLONE_NEWPID = 0x20000000,
      CLONE_NEWNET = 0x40000000;

  private static final int SCRIPT_ENTRIES = 256;
  private static final int TIOCSCTTY = 0x540e;
  private static final int PR_CAPBSET_DROP = 24;
  private static final int NR_SETGROUPS = 116, NR_SETRESUID = 117, NR_SETRESGID = 119;
  private static final int NR_SECCOMP = 317;
  private static final int SECCOMP_SET_MODE_FILTER = 1;

  /** CAP_CHECKPOINT_RESTORE; a host that has more gets along without these programs giving them up. */
  private static final int LAST_CAPABILITY = 40;

  private final String path;
  private final List<String> argv;
  private final Map<Integer, Fd> fds = new TreeMap<>();
  private List<String> environment = List.of();
  private boolean inheritStdio = true;
  private boolean newSession;
  private boolean controllingTerminal;
  private int deathSignal;
  private long namespaces;
  private String directory;
  private long capabilities = -1;
  private IdMaps idMaps;
  private boolean mayDoWithout;
  private boolean isRootThere;
  private Fd joinedNetwork;
  private List<Fd> controlGroups = List.of();
  private final Map<Integer, Long> limits = new TreeMap<>();
  private Bpf filter;
  private boolean secluded;
  private int secludedUser = -1;
  private long keptCapabilities;

  /** Will run the file {@code path} with {@code argv}, whose first element is the program's name. */
  public Spawn(String path, List<String> argv) {
    this.path = path;
    this.argv = List.copyOf(argv);
  }

  /** The child's environment, {@code NAME=value} each; empty unless set. */
  public Spawn environment(List<String> nameAndValue) {
    environment = List.copyOf(nameAndValue);
    return this;
  }

  /** Gives the child a duplicate of {@code fd} as number {@code target}; {@code fd} stays the caller's. */
  public Spawn fd(Fd fd, int target) {
    fds.put(target, fd);
    return this;
  }

  /** Does not pass on standard input, output and error, except where {@link #fd} names them. */
  public Spawn closeStdio() {
    inheritStdio = false;
    return this;
  }

  /** Starts a session of its own ({@code setsid}). */
  public Spawn newSession() {
    newSession = true;
    return this;
  }

  /** With {@link #newSession}: makes descriptor 0 its controlling terminal. */
  public Spawn controllingTerminal() {
    controllingTerminal = true;
    return this;
  }

  /** Has the child get {@code signal} when the <em>thread</em> that starts it ends. */
  public Spawn deathSignal(int signal) {
    deathSignal = signal;
    return this;
  }

  /** Starts it in new namespaces: {@code CLONE_NEW*} flags. */
  public Spawn namespaces(long flags) {
    namespaces = flags;
    return this;
  }

  /**
   * The most capabilities it can ever have: bits of {@code man 7 capabilities}. Needs CAP_SETPCAP where there are others
   * to give up.
   */
  public Spawn capabilities(long mask) {
    capabilities = mask;
    return this;
  }

  /**
   * Starts it in a user namespace of its own too, where {@code maps} say who it can be. Its namespaces belong to that one,
   * and it begins with every capability there if it is root there.
   */
  public Spawn userNamespace(IdMaps maps) {
    idMaps = maps;
    return this;
  }

  /** As {@link #userNamespace}, as its root, without groups of the host: for maps that do not begin with the caller. */
  public Spawn rootOfUserNamespace(IdMaps maps) {
    isRootThere = true;
    return userNamespace(maps);
  }

  /** As {@link #userNamespace}, but without one where the host refuses it. */
  public Spawn userNamespaceIfAllowed(IdMaps maps) {
    mayDoWithout = true;
    return userNamespace(maps);
  }

  /** Has it join the network namespace that {@code namespace} is, before anything of its own; stays the caller's. */
  public Spawn joinNetwork(Fd namespace) {
    joinedNetwork = namespace;
    return this;
  }

  /** Has it join control groups before anything else: each is a {@code cgroup.procs} that is open for writing. */
  public Spawn controlGroups(List<Fd> membershipFiles) {
    controlGroups = List.copyOf(membershipFiles);
    return this;
  }

  /** Sets the soft and the hard limit of {@code resource}: an RLIMIT_* number of {@code man 2 getrlimit}. */
  public Spawn limit(int resource, long value) {
    limits.put(resource, value);
    return this;
  }

  /** Has it begin, without new privileges from now on, under {@code filter}, which has to allow {@code execve}. */
  public Spawn filter(Bpf filter) {
    this.filter = filter;
    return this;
  }

  /**
   * Has it begin in an empty root directory, as {@code user} with {@code capabilities}; its file is opened before. Needs
   * a mount namespace of its own.
   *
   * @param user a user and group, or -1 for the caller's
   */
  Spawn secluded(int user, long capabilities) {
    secluded = true;
    secludedUser = user;
    keptCapabilities = capabilities;
    return this;
  }

  /** Its working directory. */
  public Spawn directory(String path) {
    directory = path;
    return this;
  }

  /**
   * Starts it; returns when the program has been executed.
   *
   * @throws ErrnoException what {@code execve} or a step before it gave; the child is gone then
   */
  public Child start() throws ErrnoException {
    try {
      return startOnce();
    } catch (ErrnoException e) {
      if (!mayDoWithout || !isRefusedNamespace(e.errno())) {
        throw e;
      }
    }
    idMaps = null;
    mayDoWithout = false;
    return startOnce();
  }

  /** What {@code clone} and {@code unshare} give where there may be no (more) user namespaces. */
  private static boolean isRefusedNamespace(Errno errno) {
    return errno == Errno.EPERM || errno == Errno.ENOSPC || errno == Errno.EUSERS || errno == Errno.EINVAL;
  }

  private Child startOnce() throws ErrnoException {
    List<Fd> duplicates = new ArrayList<>();
    try (Arena arena = Arena.ofConfined();
        Handshake handshake = idMaps == null ? null : new Handshake(arena)) {
      Script script = new Script(arena.allocate((long) SCRIPT_ENTRIES * Script.ENTRY_SIZE, 64));
      long flags = namespaces;
      for (Fd group : controlGroups) {
        script.add(Sys.NR_WRITE, group.number(), Memory.cString(arena, "0"), 1); // 0 is who writes it.
      }
      if (joinedNetwork != null) {
        script.add(Sys.NR_SETNS, joinedNetwork.number(), CLONE_NEWNET);
        // Another's namespace can be joined only before there is a user namespace of its own.
        long later = flags & ~(CLONE_NEWPID | CLONE_NEWNET) | (idMaps == null ? 0 : CLONE_NEWUSER);
        script.add(Sys.NR_UNSHARE, later);
        flags &= CLONE_NEWPID;
      } else if (idMaps != null) {
        flags |= CLONE_NEWUSER;
      }
      if (handshake != null) {
        handshake.add(script);
        if (isRootThere) {
          script.add(NR_SETGROUPS, 0, 0);
          script.add(NR_SETRESGID, 0, 0, 0);
          script.add(NR_SETRESUID, 0, 0, 0);
        }
      }
      if (newSession) {
        script.add(Sys.NR_SETSID);
      }
      if (deathSignal != 0) {
        script.add(Sys.NR_PRCTL, Sys.PR_SET_PDEATHSIG, deathSignal);
      }
      addDescriptors(script, duplicates, handshake);
      if (controllingTerminal) {
        script.add(Sys.NR_IOCTL, 0, TIOCSCTTY, 0);
      }
      if (directory != null) {
        script.add(Sys.NR_CHDIR, Memory.cString(arena, directory));
      }
      limits.forEach((resource, value) -> {
        MemorySegment limit = arena.allocate(16, 8);
        limit.set(JAVA_LONG, 0, value);
        limit.set(JAVA_LONG, 8, value);
        script.add(Sys.NR_PRLIMIT64, 0, resource, limit.address(), 0);
      });
      for (int capability = 0; capability <= LAST_CAPABILITY; capability++) {
        if ((capabilities & 1L << capability) == 0) {
          script.add(Sys.NR_PRCTL, PR_CAPBSET_DROP, capability);
        }
      }
      if (secluded) {
        Seclusion.addCloseOnExecute(script);
        Seclusion.addEmptyRoot(script, arena);
        if (secludedUser >= 0) {
          Seclusion.addUser(script, arena, secludedUser, keptCapabilities);
        }
      }
      script.add(Sys.NR_RT_SIGPROCMASK, Sys.SIG_SETMASK, arena.allocate(8, 8).address(), 0, 8);
      if (filter != null) {
        script.add(Sys.NR_PRCTL, Sys.PR_SET_NO_NEW_PRIVS, 1);
        script.add(NR_SECCOMP, SECCOMP_SET_MODE_FILTER, 0, filter.toSockFprog(arena).address());
      }
      if (secluded) {
        Seclusion.addExecute(script, arena, strings(arena, argv), strings(arena, environment));
      } else {
        script.add(Sys.NR_EXECVE, Memory.cString(arena, path), strings(arena, argv), strings(arena, environment));
      }
      Child child;
      if (handshake == null) {
        child = new Child(NewProcess.vfork(flags | Sys.SIGCHLD, script));
      } else {
        child = new Child(NewProcess.start(flags | Sys.SIGCHLD, script, arena));
        handshake.lead(child, idMaps);
      }
      int failed = script.failed();
      if (failed >= 0) {
        child.waitFor();
        throw Errno.of((int) -script.result(failed)).error();
      }
      return child;
    } finally {
      for (Fd fd : duplicates) {
        fd.close();
      }
    }
  }

  /**
   * How parent and child agree when the parent has something to do for the child before it goes on. The child runs beside
   * the parent then, in the parent's memory, and says by the end of a pipe that it has left it.
   */
  private static final class Handshake implements AutoCloseable {
    private final Fd[] status;
    private final Fd[] go;
    private final long oneByte;
    private Fd kept;

    Handshake(Arena arena) throws ErrnoException {
      oneByte = arena.allocate(1).address();
      status = Fd.pipe();
      try {
        go = Fd.pipe();
      } catch (ErrnoException e) {
        closeAll(status);
        throw e;
      }
    }

    /** The child's side. It dies with a parent that dies meanwhile, and does not keep open what that one would close. */
    void add(Script script) {
      script.add(Sys.NR_PRCTL, Sys.PR_SET_PDEATHSIG, Sys.SIGKILL);
      script.add(Sys.NR_CLOSE_RANGE, go[1].number(), go[1].number(), 0);
      script.add(Sys.NR_WRITE, status[1].number(), oneByte, 1);
      script.add(Sys.NR_READ, go[0].number(), oneByte, 1);
      script.add(Sys.NR_PRCTL, Sys.PR_SET_PDEATHSIG, 0);
    }

    /** Moves the descriptor that has to stay open until execve closes it to a number above {@code number}. */
    int keepAbove(int number) throws ErrnoException {
      kept = Fd.adopt(Libc.check(Libc.fcntl(status[1].number(), Sys.F_DUPFD_CLOEXEC, number + 1)));
      return kept.number();
    }

    /** The parent's side; returns when the child has executed its program or ended. */
    void lead(Child child, IdMaps maps) throws ErrnoException {
      status[1].close();
      kept.close();
      go[0].close();
      MemorySegment one = MemorySegment.ofArray(new byte[1]);
      if (status[0].readWaiting(one) == 0) {
        return; // A step before this one failed.
      }
      try {
        maps.writeFor(child.pid());
        go[1].writeWaiting(one);
      } catch (ErrnoException e) {
        child.kill(Sys.SIGKILL);
        child.waitFor();
        throw e;
      }
      status[0].readWaiting(one);
    }

    @Override
    public void close() {
      closeAll(status);
      closeAll(go);
      if (kept != null) {
        kept.close();
      }
    }

    private static void closeAll(Fd[] fds) {
      for (Fd fd : fds) {
        fd.close();
      }
    }
  }

  /** Puts every descriptor to its number, and closes what lies between and above. */
  private void addDescriptors(Script script, List<Fd> duplicates, Handshake handshake) throws ErrnoException {
    int above = 2;
    for (int target : fds.keySet()) {
      above = Math.max(above, target);
    }
    if (fds.size() > SCRIPT_ENTRIES / 4) {
      throw Errno.E2BIG.error();
    }
    int kept = -1;
    if (handshake != null) {
      kept = handshake.keepAbove(above);
      above = kept;
    }
    // First out of the way of every target, so that no target overwrites another's source.
    for (Map.Entry<Integer, Fd> e : fds.entrySet()) {
      int high = Libc.check(Libc.fcntl(e.getValue().number(), Sys.F_DUPFD_CLOEXEC, above + 1));
      duplicates.add(Fd.adopt(high));
      script.add(Sys.NR_DUP3, high, e.getKey(), 0);
    }
    int next = 0;
    for (int target = 0; target <= above; target++) {
      boolean stays = fds.containsKey(target) || inheritStdio && target <= 2 || target == kept;
      if (stays) {
        if (next < target) {
          script.add(Sys.NR_CLOSE_RANGE, next, target - 1, 0);
        }
        next = target + 1;
      }
    }
    script.add(Sys.NR_CLOSE_RANGE, next, 0xffff_ffffL, 0);
  }

  private static long strings(Arena arena, List<String> strings) {
    MemorySegment array = arena.allocate(8L * (strings.size() + 1), 8);
    for (int i = 0; i < strings.size(); i++) {
      array.set(JAVA_LONG, 8L * i, Memory.cString(arena, strings.get(i)));
    }
    return array.address();
  }
}
