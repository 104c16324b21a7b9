package gvisor.runsc.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.CommandFailure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateStoreTest {
  @TempDir Path root;

  private ContainerState state(String id, HostProcess sandbox) {
    return new ContainerState(
        id, "1.0.2", "/bundle", "/bundle/rootfs", "2026-01-01T00:00:00Z", ContainerState.Phase.RUNNING, id, sandbox,
        HostProcess.NONE, "/a/b", Map.of("k", "v"));
  }

  @Test
  void savedStateIsLoaded() throws Exception {
    StateStore store = new StateStore(root.resolve("deep/er"));
    store.makeDirectory("a");
    ContainerState state = state("a", HostProcess.of(ProcessHandle.current().pid()));
    store.save(state);
    assertEquals(state, store.load("a"));
    assertEquals("running", store.load("a").status());
    assertEquals(List.of(state), store.list());
  }

  @Test
  void deadSandboxMeansStopped() {
    long me = ProcessHandle.current().pid();
    HostProcess reused = new HostProcess(me, HostProcess.of(me).startTicks() + 1);
    assertEquals("stopped", state("a", reused).status());
    assertEquals(0, state("a", reused).toOci().path("pid").asInt());
  }

  @Test
  void secondContainerOfTheSameNameIsRefused() throws Exception {
    StateStore store = new StateStore(root);
    store.makeDirectory("a");
    assertEquals(
        "container with id exists already: a",
        assertThrows(CommandFailure.class, () -> store.makeDirectory("a")).getMessage());
    store.removeDirectory("a");
    assertFalse(Files.exists(root.resolve("a")));
    store.makeDirectory("a");
  }

  @Test
  void absentContainerIsSaidToBeSo() {
    StateStore store = new StateStore(root.resolve("none"));
    String expected = "container \"x\" does not exist";
    assertEquals(expected, assertThrows(CommandFailure.class, () -> store.load("x")).getMessage());
    assertEquals(expected, assertThrows(CommandFailure.class, () -> store.lock("x")).getMessage());
  }

  @Test
  void listOfNothingIsEmpty() throws Exception {
    assertTrue(new StateStore(root.resolve("none")).list().isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a/b", "../x", "a b", "a\n", "é", "a\0"})
  void unsafeIdsAreRefused(String id) {
    assertThrows(CommandFailure.class, () -> StateStore.checkId(id));
    assertThrows(CommandFailure.class, () -> new StateStore(root).load(id));
  }
}
