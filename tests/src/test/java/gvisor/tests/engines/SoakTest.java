package gvisor.tests.engines;

import static org.junit.jupiter.api.Assertions.assertEquals;

import gvisor.tests.image.Image;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Many containers, and processes that are killed at random: afterwards there is no process, mount, group or file of
 * them. {@code soak.containers} (200 for the long form) and {@code soak.kills} say how many.
 */
class SoakTest {
  private static final int CONTAINERS = Integer.getInteger("soak.containers", 20);
  private static final int KILLS = Integer.getInteger("soak.kills", 8);
  private static final int AT_ONCE = 20;
  private static final int SECONDS_EACH = 15;
  private static final int SETUP_SECONDS = 120;

  private World world;
  private String runtime;

  @BeforeEach
  void startDocker() throws Exception {
    world = World.start("dockerd", "docker", "runc", "ip");
    runtime = "runsc-" + Image.platforms().getFirst();
    world.startDocker("runc");
  }

  @AfterEach
  void endWorld() throws Exception {
    if (world != null) {
      world.close();
    }
  }

  @Test
  void manyContainersLeaveNothing() throws Exception {
    long filesBefore = daemonFiles();
    String printed =
        world.must(
            SETUP_SECONDS + CONTAINERS * SECONDS_EACH,
            """
            seq %d | xargs -P %d -I{} docker run --rm --runtime %s --name c{} busybox sh -c 'echo {}; exit 0' | sort -n
            """
                .formatted(CONTAINERS, AT_ONCE, runtime));
    assertEquals(world.must(SETUP_SECONDS, "seq " + CONTAINERS), printed);
    assertNothingIsLeft();
    long more = daemonFiles() - filesBefore;
    assertEquals(true, more < AT_ONCE, () -> "the daemons have " + more + " descriptors more than before");
  }

  /**
   * The sandbox, the gofer, the CLI or the shim dies at a random moment. The CLI is one that creates: of a start that
   * fails Docker leaves the shim and the container, whatever the runtime is. When a kill hits a start, what Docker forgot
   * has to go by hand: the shim by a signal, the container by {@code delete --force}.
   */
  @Test
  void whoeverIsKilledDockerCanRemoveTheContainer() throws Exception {
    String[] victims = {"SandboxMain", "GoferMain", "gvisor.runsc.Main.* create ", "containerd-shim"};
    for (int i = 0; i < KILLS; i++) {
      String victim = victims[i % victims.length];
      int delayMillis = victim.contains("create") ? i * 37 % 300 : (i * 977 + 131) % 1500;
      world.run(
          SETUP_SECONDS,
          """
          docker run -d --runtime %s --name victim busybox sh -c 'while :; do sleep 0.1; done' > /run/tmp/said 2>&1 &
          sleep %d.%03d
          for i in $(seq 20); do
            pid=$(ps -eo pid=,args= | grep '%s' | grep -v grep | awk '{print $1; exit}')
            [ -z "$pid" ] || { kill -KILL $pid; break; }
            sleep 0.05
          done
          wait
          """
              .formatted(runtime, delayMillis / 1000, delayMillis % 1000, victim));
      world.must(
          SETUP_SECONDS,
          "for i in $(seq 50); do docker rm -f victim > /dev/null 2>&1; "
              + "docker inspect victim > /dev/null 2>&1 || exit 0; sleep 0.2; done; docker rm -f victim");
      String what = victim + " was killed after " + delayMillis + " ms";
      String said = world.must(SETUP_SECONDS, "cat /run/tmp/said");
      if (said.contains("Error response") && !said.contains("create failed") && !world.left().isEmpty()) {
        world.must(
            SETUP_SECONDS,
            """
            for dir in /run/docker/runtime-*/moby/*/; do
              id=$(basename $dir)
              kill -KILL $(ps -eo pid=,args= | grep "containerd-shim.*$id" | grep -v grep | awk '{print $1}')
              /run/bin/%s --root $(dirname $dir) delete --force $id
            done
            """
                .formatted(runtime));
      }
      assertEquals("", world.left(), what);
    }
    assertNothingIsLeft();
  }

  private long daemonFiles() throws IOException, InterruptedException {
    return Long.parseLong(
        world.must(SETUP_SECONDS, "for p in $(pidof dockerd containerd); do ls /proc/$p/fd; done | wc -l").strip());
  }

  private void assertNothingIsLeft() throws IOException, InterruptedException {
    assertEquals("", world.left());
    assertEquals("", world.must(SETUP_SECONDS, "docker ps -aq"));
  }
}
