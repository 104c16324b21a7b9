package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.NewProcess;
import gvisor.host.libc.Script;
import gvisor.host.libc.Sys;
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
    List<Fd> duplicates = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      Script script = new Script(arena.allocate((long) SCRIPT_ENTRIES * Script.ENTRY_SIZE, 64));
      if (newSession) {
        script.add(Sys.NR_SETSID);
      }
      if (deathSignal != 0) {
        script.add(Sys.NR_PRCTL, Sys.PR_SET_PDEATHSIG, deathSignal);
      }
      addDescriptors(script, duplicates);
      if (controllingTerminal) {
        script.add(Sys.NR_IOCTL, 0, TIOCSCTTY, 0);
      }
      if (directory != null) {
        script.add(Sys.NR_CHDIR, Memory.cString(arena, directory));
      }
      for (int capability = 0; capability <= LAST_CAPABILITY; capability++) {
        if ((capabilities & 1L << capability) == 0) {
          script.add(Sys.NR_PRCTL, PR_CAPBSET_DROP, capability);
        }
      }
      script.add(Sys.NR_RT_SIGPROCMASK, Sys.SIG_SETMASK, arena.allocate(8, 8).address(), 0, 8);
      script.add(Sys.NR_EXECVE, Memory.cString(arena, path), strings(arena, argv), strings(arena, environment));
      int pid = NewProcess.vfork(namespaces | Sys.SIGCHLD, script);
      int failed = script.failed();
      if (failed >= 0) {
        new Child(pid).waitFor();
        throw Errno.of((int) -script.result(failed)).error();
      }
      return new Child(pid);
    } finally {
      for (Fd fd : duplicates) {
        fd.close();
      }
    }
  }

  /** Puts every descriptor to its number, and closes what lies between and above. */
  private void addDescriptors(Script script, List<Fd> duplicates) throws ErrnoException {
    int above = 2;
    for (int target : fds.keySet()) {
      above = Math.max(above, target);
    }
    if (fds.size() > SCRIPT_ENTRIES / 4) {
      throw Errno.E2BIG.error();
    }
    // First out of the way of every target, so that no target overwrites another's source.
    for (Map.Entry<Integer, Fd> e : fds.entrySet()) {
      int high = Libc.check(Libc.fcntl(e.getValue().number(), Sys.F_DUPFD_CLOEXEC, above + 1));
      duplicates.add(Fd.adopt(high));
      script.add(Sys.NR_DUP3, high, e.getKey(), 0);
    }
    int next = 0;
    for (int target = 0; target <= above; target++) {
      boolean kept = fds.containsKey(target) || inheritStdio && target <= 2;
      if (kept) {
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
