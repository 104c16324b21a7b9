package gvisor.runsc.sandbox;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What {@link VirtualMachineTest} runs in the place of a sandbox: everything a Java VM may come to do, confined. */
final class BusyMachine {
  private static volatile long sink;

  private BusyMachine() {}

  /** The argument is a platform's name. */
  public static void main(String[] args) throws Exception {
    ConfinedProcess.openClassPath();
    Privileges.giveUpFiles(true);
    ConfinedProcess.confined(Privileges.restrictCalls(args[0], false));

    for (int i = 0; i < 20_000; i++) {
      sink += mix(i);
    }
    System.out.println("compiled");
    List<byte[]> garbage = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      garbage.add(new byte[200_000]);
      if (i % 100 == 99) {
        garbage.clear();
        System.gc();
      }
    }
    System.out.println("collected");
    AtomicLong ran = new AtomicLong();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      threads.add(Thread.ofPlatform().start(ran::incrementAndGet));
    }
    for (Thread t : threads) {
      t.join();
    }
    System.out.println("threads: " + ran);
    try {
      System.out.println(deep(0));
    } catch (StackOverflowError e) {
      System.out.println("overflow");
    }
    new IllegalStateException("traced", new RuntimeException("cause")).printStackTrace(System.out);
    System.out.println(DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(ZonedDateTime.now()).isEmpty());
    try {
      Class.forName("gvisor.runsc.sandbox.BusyMachine$Late");
    } catch (ClassNotFoundException e) {
      System.out.println("cannot load a class");
    }
    System.out.println(String.format("%s %x", "formatted".replaceAll("^f", "F"), 255));
    Thread.sleep(1500); // SIGQUIT comes meanwhile
    try {
      while (true) {
        garbage.add(new byte[1 << 20]);
      }
    } catch (OutOfMemoryError e) {
      garbage.clear();
      System.out.println("out of memory");
    }
    System.out.println("done");
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  /** Loaded after there are no files any more. */
  static final class Late {}

  private static long mix(int seed) {
    long h = seed;
    for (int i = 0; i < 1000; i++) {
      h = h * 31 + (h >>> 7 ^ i);
    }
    return h;
  }

  private static long deep(long n) {
    return deep(n + 1) + 1;
  }
}
