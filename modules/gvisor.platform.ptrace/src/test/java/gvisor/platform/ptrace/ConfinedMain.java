package gvisor.platform.ptrace;

import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Registers;
import gvisor.api.platform.StopReason;
import gvisor.host.Confinement;
import gvisor.host.Fd;
import gvisor.host.LinuxHost;
import gvisor.host.seccomp.Bpf;
import gvisor.host.seccomp.SentryFilter;
import java.io.File;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What {@link ConfinementTest} runs in a process of its own: confines itself as a sandbox does, and works on. */
final class ConfinedMain {
  private ConfinedMain() {}

  public static void main(String[] args) throws Exception {
    Confinement.readFilesNow();
    new LinuxHost();
    runAThread(null); // loads every class while there are files
    refuses(() -> Fd.open("/nonexistent", 0, 0));
    Bpf filter = SentryFilter.program("ptrace", Bpf.KILL_PROCESS);
    try (Arena arena = Arena.ofConfined()) {
      filter.toSockFprog(arena);
    }
    names(new File("/"));
    System.out.println("confining " + Arrays.toString(new String[0]));
    Confinement.enterEmptyRoot();
    Confinement.become(Confinement.NOBODY, Confinement.NOBODY);
    try (Guest guest = new Guest()) {
      runAThread(guest);
      Confinement.restrictSystemCalls(filter);
      for (int i = 0; i < 20; i++) {
        runAThread(guest);
      }
      List<byte[]> garbage = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        garbage.add(new byte[100_000]);
        if (i % 50 == 0) {
          garbage.clear();
          System.gc();
        }
      }
      System.out.println("root: " + Arrays.toString(names(new File("/"))));
      System.out.println("open: " + refuses(() -> Fd.open("/etc/passwd", 0, 0)));
      System.out.println("done");
    }
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  private static String[] names(File directory) {
    String[] names = directory.list();
    return names == null ? new String[0] : names;
  }

  private interface Call {
    Object call() throws Exception;
  }

  private static String refuses(Call call) {
    try {
      call.call();
      return "allowed";
    } catch (Exception e) {
      return e.getMessage();
    }
  }

  private static void runAThread(Guest given) throws Exception {
    Guest guest = given == null ? new Guest() : given;
    Thread t = Thread.ofPlatform().start(() -> {
      try (AddressSpace space = guest.newSpace(); Context c = guest.platform.newContext()) {
        c.registers().set(Registers.RIP, guest.getppidLoop);
        if (c.switchTo(space) != StopReason.SYSCALL || c.switchTo(space) != StopReason.SYSCALL) {
          throw new IllegalStateException("no system call");
        }
        c.leave();
      } catch (Exception e) {
        System.out.println("failed: " + e);
      }
    });
    t.join();
    if (given == null) {
      guest.close();
    }
  }
}
