package gvisor.runsc.sandbox;

import gvisor.api.errno.ErrnoException;
import gvisor.gofer.AttachPoint;
import gvisor.gofer.HostAccess;
import gvisor.host.Confinement;
import gvisor.host.EveryThread;
import gvisor.host.Fd;
import gvisor.host.HostFile;
import gvisor.host.IdMaps;
import gvisor.host.Spawn;
import gvisor.host.seccomp.Bpf;
import gvisor.host.seccomp.GoferFilter;
import gvisor.host.seccomp.SentryFilter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SimpleTimeZone;
import java.util.TimeZone;
import java.util.function.IntFunction;

/** What the processes of a sandbox may do on the host, and how they give up the rest. */
final class Privileges {
  private static final int CAP_CHOWN = 0, CAP_DAC_OVERRIDE = 1, CAP_DAC_READ_SEARCH = 2, CAP_FOWNER = 3;
  private static final int CAP_FSETID = 4, CAP_SETGID = 6, CAP_SETUID = 7, CAP_SYS_ADMIN = 21;
  private static final int RLIMIT_CORE = 4, RLIMIT_NOFILE = 7, RLIMIT_MSGQUEUE = 12, RLIMIT_NICE = 13;
  private static final int RLIMIT_RTPRIO = 14;

  /** Every open file of an application may be a descriptor here; Linux' own default bound, fs.nr_open. */
  private static final long MAX_DESCRIPTORS = 1 << 20;

  /** The gofer acts on files for every user of the container. */
  static final long GOFER =
      1L << CAP_CHOWN
          | 1L << CAP_DAC_OVERRIDE
          | 1L << CAP_DAC_READ_SEARCH
          | 1L << CAP_FOWNER
          | 1L << CAP_FSETID;

  /** Until it is nobody in an empty root: opens the device and the log it was told of. */
  private static final long STARTING_SANDBOX =
      1L << CAP_DAC_OVERRIDE | 1L << CAP_SETGID | 1L << CAP_SETUID | 1L << CAP_SYS_ADMIN;

  /** Until it has made its root directory. */
  private static final long STARTING_GOFER = GOFER | 1L << CAP_SYS_ADMIN;

  private Privileges() {}

  /**
   * What the processes of a sandbox are born with: namespaces of their own, and a user namespace where they can have one.
   *
   * @param isGofer whether it is a gofer, which acts on the host's files as the caller may
   * @param network the network namespace to be in instead of an empty one, or null
   * @param maps who there is in the gofer's user namespace, or null
   */
  static Spawn confined(Spawn spawn, boolean isGofer, Fd network, IdMaps maps) throws IOException {
    if (isTraining()) {
      return spawn;
    }
    spawn
        .namespaces(Confinement.NAMESPACES)
        .limit(RLIMIT_CORE, 0)
        .limit(RLIMIT_NOFILE, Math.min(Confinement.hardLimit(RLIMIT_NOFILE), MAX_DESCRIPTORS))
        .limit(RLIMIT_MSGQUEUE, 0)
        .limit(RLIMIT_NICE, 0)
        .limit(RLIMIT_RTPRIO, 0);
    if (!Confinement.isAdministrator()) {
      IdMaps own = IdMaps.callerAsRoot();
      if (maps != null && !(maps.users().equals(own.users()) && maps.groups().equals(own.groups()))) {
        throw new IOException("linux.uidMappings: who is not root has a user namespace of himself as root alone");
      }
      spawn.userNamespace(own);
    } else if (maps != null) {
      spawn.rootOfUserNamespace(maps);
    } else if (!isGofer) {
      spawn.userNamespaceIfAllowed(IdMaps.identity());
    }
    spawn.capabilities(isGofer ? STARTING_GOFER : STARTING_SANDBOX);
    return network == null ? spawn : spawn.joinNetwork(network);
  }

  /** Why a process could not be started as {@link #confined} wants it, and what to do. */
  static String explained(ErrnoException e) {
    return switch (e.errno()) {
      case EPERM, ENOSPC, EUSERS, EINVAL ->
          e.errno().message()
              + ": the host gives this user no namespaces of its own; be root, or allow user namespaces"
              + " (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone,"
              + " kernel.apparmor_restrict_unprivileged_userns)";
      default -> e.errno().message();
    };
  }

  /**
   * The sandbox leaves the host's files and its privileges behind; it has to have everything open by now.
   *
   * @param usesDates whether the log will want the host's time zone
   */
  static void giveUpFiles(boolean usesDates) throws IOException {
    if (usesDates) {
      Confinement.readFilesNow();
    } else {
      // What logs with arguments asks for the time zone even when it has no use for it, and there is no file then.
      TimeZone.setDefault(new SimpleTimeZone(0, "UTC"));
    }
    Confinement.openClassesNow();
    boolean canBeNobody = IdMaps.isUser(Confinement.NOBODY);
    if (isTraining()) {
      Confinement.prepare();
      return;
    }
    try (EveryThread threads = canBeNobody ? null : new EveryThread()) {
      Confinement.enterEmptyRoot();
      if (canBeNobody) {
        Confinement.become(Confinement.NOBODY, Confinement.NOBODY);
      } else {
        threads.keepCapabilities(0);
      }
      Confinement.forbidInspection();
    } catch (ErrnoException e) {
      throw new IOException("cannot confine the sandbox: " + e.getMessage());
    }
  }

  /**
   * From here on the sandbox has only the system calls that a running kernel on {@code platform} needs.
   *
   * @param hostNetwork whether applications have sockets of the host
   * @return what tells of calls that it may not make, for who started it; at most one
   */
  static List<Fd> restrictCalls(String platform, boolean hostNetwork) throws IOException {
    return restrict(otherwise -> SentryFilter.program(platform, hostNetwork, otherwise), "sandbox");
  }

  /**
   * The gofer leaves all files but those it serves, and all privileges but those it needs for them.
   *
   * @param place an empty directory
   * @return where they are now
   */
  static List<AttachPoint> giveUpAllBut(List<AttachPoint> points, String place) throws IOException {
    Confinement.openClassesNow();
    List<AttachPoint> moved = new ArrayList<>();
    List<Confinement.Kept> kept = new ArrayList<>();
    for (AttachPoint p : points) {
      moved.add(new AttachPoint(p.name(), "/" + kept.size(), p.readOnly()));
      kept.add(new Confinement.Kept(p.path(), p.readOnly()));
    }
    if (isTraining()) {
      Confinement.prepare();
      return points;
    }
    try (EveryThread threads = new EveryThread()) {
      Confinement.enterRootOf(kept, place);
      HostFile.findDescriptorsAt("/fd");
      threads.keepCapabilities(GOFER);
      Confinement.forbidInspection();
    } catch (ErrnoException e) {
      throw new IOException("cannot confine the gofer: " + e.getMessage());
    }
    return moved;
  }

  /** From here on the gofer has only the system calls that serving files needs; as {@link #restrictCalls}. */
  static List<Fd> restrictGoferCalls(HostAccess access) throws IOException {
    try {
      int descriptors = HostFile.descriptorsNumber();
      return restrict(
          otherwise -> GoferFilter.program(descriptors, access.connects(), access.binds(), otherwise), "gofer");
    } catch (ErrnoException e) {
      throw new IOException("cannot confine the gofer: " + e.getMessage());
    }
  }

  /** Installs the filter that {@code filters} gives for what is to become of other calls. */
  private static List<Fd> restrict(IntFunction<Bpf> filters, String kind) throws IOException {
    if (isTraining()) {
      filters.apply(Bpf.USER_NOTIF);
      return List.of();
    }
    try {
      return List.of(Confinement.watchSystemCalls(filters.apply(Bpf.USER_NOTIF)));
    } catch (ErrnoException e) {
      // Somebody around this process listens already, or the kernel is old: then it dies without a word.
    }
    try {
      Confinement.restrictSystemCalls(filters.apply(Bpf.KILL_PROCESS));
      return List.of();
    } catch (ErrnoException e) {
      throw new IOException("cannot restrict the " + kind + "'s system calls: " + e.getMessage());
    }
  }

  /** A process of the build's training run starts a program at its end, to write down what it has learnt. */
  private static boolean isTraining() {
    return Boolean.getBoolean("gvisor.training");
  }
}
