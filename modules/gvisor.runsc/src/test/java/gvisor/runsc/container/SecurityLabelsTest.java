package gvisor.runsc.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.Spec;
import gvisor.runsc.spec.SpecReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SecurityLabelsTest {
  private static Spec spec(String process, String linux) throws Exception {
    String text =
        """
        {"ociVersion": "1.0.2", "root": {"path": "/"}, "process": {"cwd": "/", "args": ["x"]%s}, "linux": {%s}}
        """
            .formatted(process, linux);
    return SpecReader.read(Json.read(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static List<String> warnings(boolean host, Spec spec) throws CommandFailure {
    List<String> lines = new ArrayList<>();
    new SecurityLabels(host, host, lines::add).check(spec);
    return lines;
  }

  @Test
  void bundlesWithoutLabelsPass() throws Exception {
    assertEquals(List.of(), warnings(false, spec("", "")));
  }

  @Test
  void labelsAreRefusedWithoutTheModule() throws Exception {
    Spec appArmor = spec(", \"apparmorProfile\": \"docker-default\"", "");
    CommandFailure told = assertThrows(CommandFailure.class, () -> warnings(false, appArmor));
    assertTrue(told.getMessage().startsWith("process.apparmorProfile is docker-default, but AppArmor"));
    Spec process = spec(", \"selinuxLabel\": \"a:b:c:s0\"", "");
    assertThrows(CommandFailure.class, () -> warnings(false, process));
    Spec mount = spec("", "\"mountLabel\": \"a:b:c:s0\"");
    told = assertThrows(CommandFailure.class, () -> warnings(false, mount));
    assertTrue(told.getMessage().startsWith("linux.mountLabel is a:b:c:s0, but SELinux"));
  }

  @Test
  void labelsAreToldOfWithIt() throws Exception {
    Spec all = spec(", \"apparmorProfile\": \"p\", \"selinuxLabel\": \"a:b:c:s0\"", "\"mountLabel\": \"a:b:c:s0\"");
    List<String> lines = warnings(true, all);
    assertEquals(3, lines.size());
    assertTrue(lines.getFirst().startsWith("process.apparmorProfile p is not applied"));
  }

  @Test
  void unconfinedIsNoProfile() throws Exception {
    assertEquals(List.of(), warnings(false, spec(", \"apparmorProfile\": \"unconfined\"", "")));
  }
}
