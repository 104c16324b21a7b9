package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Limits of a container: what is in it sees them, and who passes them is stopped, without anybody else noticing. */
class LimitsTest {
  private static final String CGROUP =
      "mkdir -p /tmp/cgroup; mount -t cgroup2 none /tmp/cgroup; cd /tmp/cgroup; ";

  private static final String SLEEP = "while :; do sleep 0.1; done";

  @TempDir Path directory;

  private Containers containers;

  @BeforeEach
  void makeState() {
    containers = new Containers(directory);
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    containers.deleteAll();
  }

  private static String limits(String resources) {
    return "\"linux\": {\"resources\": {" + resources + "}}";
  }

  private static String memory(int megabytes) {
    return limits("\"memory\": {\"limit\": " + ((long) megabytes << 20) + "}");
  }

  /** What the Sentry needs for a return from a signal must not add up, be it memory that a collection would free. */
  @Test
  void signalsWithoutEndTakeNoMemory() throws Exception {
    containers.start(
        "a",
        "trap : USR1; i=0; while [ $i -lt 60000 ]; do kill -USR1 $$; i=$((i + 1)); done; echo > /tmp/done; " + SLEEP);
    containers.succeed("exec", "a", "/bin/sh", "-c", "while [ ! -e /tmp/done ]; do sleep 0.1; done");
    String status = Files.readString(Path.of("/proc/" + containers.pid("a") + "/status"));
    long kilobytes = Long.parseLong(status.replaceAll("(?s).*RssAnon:\\s*(\\d+) kB.*", "$1"));
    assertTrue(kilobytes < 80 << 10, "anonymous memory of the sandbox: " + kilobytes + " kB");
  }

  @Test
  void memoryIsShownAsTheLimit() throws Exception {
    Programs.Result result =
        containers.run(
            "a", CGROUP + "grep MemTotal /proc/meminfo | tr -s ' '; cat memory.max; free -k | awk '/Mem/ {print $2}'",
            memory(64));
    assertEquals("MemTotal: 65536 kB\n67108864\n65536\n", result.out(), result.err());
  }

  @Test
  void whoPassesTheMemoryLimitIsKilled() throws Exception {
    // tail keeps the last line, and this one has no end.
    Programs.Result result =
        containers.run("a", CGROUP + "tail /dev/zero; echo $?; grep oom_kill memory.events", memory(64));
    assertEquals("137\noom_kill 1\n", result.out(), result.err());
    assertEquals(0, result.exitCode());
  }

  @Test
  void eventsTellOfAKillForMemory() throws Exception {
    containers.start("a", "while ! test -e /tmp/go; do sleep 0.1; done; tail /dev/zero; sleep 2", memory(64));
    Thread events =
        new Thread(
            () -> {
              try {
                Thread.sleep(1000);
                containers.succeed("exec", "a", "touch", "/tmp/go");
              } catch (java.io.IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    events.start();
    Programs.Result result = containers.runsc("events", "--interval", "20s", "a");
    events.join();
    assertTrue(result.out().contains("{\"type\":\"oom\",\"id\":\"a\"}\n"), result.toString());
    assertEquals(0, result.exitCode(), result.err());
  }

  @Test
  void theFirstProcessOutOfMemoryIsExitCode137() throws Exception {
    assertEquals(137, containers.run("a", "exec tail /dev/zero", memory(64)).exitCode());
  }

  @Test
  void aCallThatPassesTheMemoryLimitDoesNotEndHalfDone() throws Exception {
    String half = "exec dd if=/dev/zero of=/dev/null bs=100M count=1";
    for (int i = 0; i < 3; i++) {
      assertEquals(137, containers.run("a" + i, half, memory(32)).exitCode());
    }
  }

  @Test
  void filesInMemoryCount() throws Exception {
    Programs.Result result =
        containers.run(
            "a", CGROUP + "dd if=/dev/zero of=/dev/shm/f bs=16M count=100 2> /dev/null; echo $?; rm /dev/shm/f; "
                + "test $(cat memory.current) -lt 30000000; echo $?; test $(cat memory.peak) -lt 100000000; echo $?",
            memory(64));
    assertEquals("137\n0\n0\n", result.out(), result.err());
  }

  @Test
  void aForkBombTakesOnlyItselfDown() throws Exception {
    // A shell that cannot fork ends: the first process must not need to.
    containers.start("a", CGROUP + "echo > /tmp/ready; exec sleep 1000", limits("\"pids\": {\"limit\": 40}"));
    containers.awaitInside("a", "test -e /tmp/ready");
    Programs.Result bomb =
        containers.runsc("exec", "a", "/bin/sh", "-c", "b() { b & b & sleep 3; }; b 2>&1 | grep -m 1 -o 'an.t fork'");
    assertTrue(bomb.out().startsWith("an't fork\n"), bomb.out() + bomb.err());
    containers.awaitInside("a", "test $(cat /tmp/cgroup/pids.current) -lt 10");
    Programs.Result counts =
        containers.runsc(
            "exec", "a", "/bin/sh", "-c",
            "cd /tmp/cgroup; cat pids.max pids.peak; read max n < pids.events; test $n -gt 0 && echo hit");
    assertEquals("40\n40\nhit\n", counts.out(), counts.err());
    assertEquals("running", containers.status("a"));
  }

  @Test
  void aNeighbourIsNotKilledForIt() throws Exception {
    String pod = "\"annotations\": {\"io.kubernetes.cri.container-type\": \"%s\", "
        + "\"io.kubernetes.cri.sandbox-id\": \"pod\"}";
    // The pod itself holds more than its neighbour may have.
    containers.start("pod", "head -c 150m /dev/zero > /dev/shm/f; echo > /tmp/ready; " + SLEEP,
        pod.formatted("sandbox"));
    containers.awaitInside("pod", "test -e /tmp/ready");
    Programs.Result small =
        containers.run("small", "head -c 20m /dev/zero | wc -c; exit 6", pod.formatted("container"), memory(64));
    assertEquals("20971520\n", small.out(), small.err());
    assertEquals(6, small.exitCode());
    assertEquals(137, containers.run("big", "exec tail /dev/zero", pod.formatted("container"), memory(64)).exitCode());
    assertEquals("running", containers.status("pod"));
  }
}
