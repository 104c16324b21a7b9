package gvisor.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpawnTest {
  private static String output(Spawn spawn, int expectedExit) throws ErrnoException {
    Fd[] pipe = Fd.pipe();
    try (Fd in = pipe[0]) {
      Child child;
      try (Fd out = pipe[1]) {
        child = spawn.fd(out, 1).start();
      }
      StringBuilder text = new StringBuilder();
      byte[] buffer = new byte[4096];
      for (long n = in.readWaiting(MemorySegment.ofArray(buffer)); n > 0;
          n = in.readWaiting(MemorySegment.ofArray(buffer))) {
        text.append(new String(buffer, 0, (int) n, StandardCharsets.UTF_8));
      }
      assertEquals(expectedExit, child.waitFor());
      return text.toString();
    }
  }

  private static Spawn shell(String command) {
    return new Spawn("/bin/sh", List.of("sh", "-c", command));
  }

  @Test
  void runsAProgramWithItsEnvironmentAndDirectory() throws ErrnoException {
    Spawn spawn = shell("echo $A; pwd; exit 7").environment(List.of("A=b c")).directory("/usr");
    assertEquals("b c\n/usr\n", output(spawn, 7));
  }

  @Test
  void givesExactlyTheNamedDescriptors() throws ErrnoException {
    Fd[] pipe = Fd.pipe();
    Fd other = Fd.open("/dev/null", 0, 0);
    other.setCloseOnExec(false);
    try (Fd a = pipe[0]; Fd b = pipe[1]; other) {
      Spawn spawn = shell("ls /proc/self/fd; readlink /proc/$$/fd/5 /proc/$$/fd/3 | cut -c1-4").fd(a, 5).fd(b, 3);
      String text = output(spawn, 0);
      assertEquals("0\n1\n2\n3\n4\n5\npipe\npipe\n", text); // 4 is ls looking
    }
  }

  @Test
  void swapsDescriptorNumbers() throws ErrnoException {
    Fd x = Fd.open("/dev/null", 0, 0);
    Fd y = Fd.open("/dev/zero", 0, 0);
    try (x; y) {
      Spawn spawn = shell("readlink /proc/$$/fd/" + x.number() + " /proc/$$/fd/" + y.number());
      assertEquals("/dev/zero\n/dev/null\n", output(spawn.fd(x, y.number()).fd(y, x.number()), 0));
    }
  }

  @Test
  void startsASessionOfItsOwnWithATerminal() throws ErrnoException {
    Terminal.Pair pair = Terminal.openPair();
    try (Fd primary = pair.primary(); Fd secondary = pair.secondary()) {
      Spawn spawn = shell("test -t 0 && [ $(cut -d ' ' -f 6 /proc/$$/stat) = $$ ] && echo yes > /dev/tty")
          .environment(List.of("PATH=/usr/bin:/bin")).fd(secondary, 0).newSession().controllingTerminal();
      assertEquals(0, spawn.start().waitFor());
      byte[] buffer = new byte[16];
      assertEquals(5, primary.readWaiting(MemorySegment.ofArray(buffer)));
    }
  }

  @Test
  void saysWhyAProgramCannotRun() {
    ErrnoException e = assertThrows(ErrnoException.class, () -> new Spawn("/nonexistent", List.of("x")).start());
    assertEquals(Errno.ENOENT, e.errno());
  }

  @Test
  void reportsTheSignalThatKilled() throws ErrnoException {
    Child child = new Spawn("/bin/sleep", List.of("sleep", "100")).start();
    assertEquals(Child.RUNNING, child.poll());
    try (Fd pidfd = child.pidfd()) {
      assertEquals(0, pidfd.readiness(1));
      child.kill(9);
      assertEquals(128 + 9, child.waitFor());
    }
    assertEquals(128 + 9, child.poll());
  }

  @Test
  void clocksAndRandomBytesAreAlive() {
    HostClocks clocks = new HostClocks();
    long now = System.currentTimeMillis() * 1_000_000L;
    assertEquals(0, (clocks.realtimeNanos() - now) / 1_000_000_000L);
    long first = clocks.timestampCounter();
    assertEquals(true, first == 0 || clocks.timestampCounter() > first);
    HostEntropy entropy = new HostEntropy();
    MemorySegment s = Arena.ofAuto().allocate(64);
    entropy.fill(s);
    assertEquals(false, s.get(java.lang.foreign.ValueLayout.JAVA_LONG, 0) == entropy.nextLong());
  }
}
