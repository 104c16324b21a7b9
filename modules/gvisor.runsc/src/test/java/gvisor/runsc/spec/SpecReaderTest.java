package gvisor.runsc.spec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpecReaderTest {
  private static final String MINIMAL =
      """
      {"ociVersion": "1.0.2", "root": {"path": "rootfs"},
       "process": {"args": ["sh"], "cwd": "/", "user": {"uid": 4294967295, "gid": 5, "additionalGids": [1, 2]}}}
      """;

  private static Spec read(String text) throws MalformedJsonException {
    return SpecReader.read(Json.read(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static String complaint(String text) {
    return assertThrows(MalformedJsonException.class, () -> read(text)).getMessage();
  }

  @Test
  void minimalSpecHasDefaults() throws Exception {
    Spec spec = read(MINIMAL);
    assertEquals(List.of("sh"), spec.process().args());
    assertEquals(-1, spec.process().user().uid());
    assertArrayEquals(new int[] {1, 2}, spec.process().user().additionalGids());
    assertEquals(-1, spec.process().umask());
    assertEquals(Resources.NONE, spec.linux().resources());
    assertTrue(spec.mounts().isEmpty());
  }

  @Test
  void defaultSpecIsValid() throws Exception {
    Spec spec = SpecReader.read(DefaultSpec.json(List.of("sh", "-c", "x"), "/"));
    assertEquals(1L << CapabilityNames.number("CAP_KILL"), spec.process().capabilities().bounding() & 1L << 5);
    assertEquals("/proc", spec.mounts().getFirst().destination());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"args\": [\"sh\"]      | \"args\": []           | process.args is missing or empty",
        "\"args\": [\"sh\"]      | \"args\": [1]          | process.args[0] must be a string",
        "\"args\": [\"sh\"]      | \"args\": [\"a\\u0000\"] | process.args[0] must not hold a NUL character",
        "\"cwd\": \"/\"          | \"cwd\": \"x\"         | process.cwd is not absolute",
        "\"cwd\": \"/\"          | \"env\": [\"A\"], \"cwd\": \"/\" | process.env[0] is not NAME=value",
        "\"gid\": 5              | \"gid\": -1            | process.user.gid must be an integer from 0 to 4294967295",
        "\"gid\": 5              | \"gid\": 1.5           | process.user.gid must be an integer from 0 to 4294967295",
        "\"path\": \"rootfs\"    | \"path\": \"\"         | root.path is missing or empty",
        "\"1.0.2\"               | \"2.0.0\"              | ociVersion is 2.0.0, and this runtime follows 1.2.1",
        "\"root\": {             | \"mounts\": 3, \"root\": { | mounts must be an array",
        "\"root\": {             | \"mounts\": [3], \"root\": { | mounts[0] must be an object",
      })
  void complaintNamesTheField(String good, String bad, String expected) {
    assertTrue(MINIMAL.contains(good), good);
    assertEquals(expected, complaint(MINIMAL.replace(good, bad)));
  }

  @Test
  void mountComplaintsNameTheMount() {
    String mounts =
        "\"mounts\": [{\"destination\": \"/a\", \"type\": \"tmpfs\"}, {\"destination\": \"b\", \"type\": \"tmpfs\"}], ";
    assertEquals("mounts[1].destination is not absolute", complaint(MINIMAL.replace("\"root\"", mounts + "\"root\"")));
    String bind = "\"mounts\": [{\"destination\": \"/a\", \"type\": \"bind\"}], ";
    assertEquals("mounts[0].source is missing or empty", complaint(MINIMAL.replace("\"root\"", bind + "\"root\"")));
    String shared = "\"mounts\": [{\"destination\": \"/a\", \"type\": \"tmpfs\", \"options\": [\"rw\", \"shared\"]}], ";
    assertEquals(
        "mounts[0].options[1] asks for shared propagation, which a sandbox does not offer",
        complaint(MINIMAL.replace("\"root\"", shared + "\"root\"")));
  }

  @Test
  void rlimitsAreUnsigned() throws Exception {
    String limits =
        "\"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"soft\": 10, \"hard\": 18446744073709551615}], \"cwd\"";
    Spec spec = read(MINIMAL.replace("\"cwd\"", limits));
    assertEquals(new Spec.Rlimit(7, 10, -1), spec.process().rlimits().getFirst());
    String above = "\"rlimits\": [{\"type\": \"RLIMIT_CPU\", \"soft\": 2, \"hard\": 1}], \"cwd\"";
    assertEquals("process.rlimits[0].soft is above the hard limit", complaint(MINIMAL.replace("\"cwd\"", above)));
    String unknown = "\"rlimits\": [{\"type\": \"RLIMIT_X\", \"soft\": 2, \"hard\": 2}], \"cwd\"";
    assertEquals(
        "process.rlimits[0].type is RLIMIT_X, which is no resource limit",
        complaint(MINIMAL.replace("\"cwd\"", unknown)));
  }

  @Test
  void malformedFileIsNamedWithItsPlace(@TempDir Path bundle) throws Exception {
    Files.writeString(bundle.resolve("config.json"), "{\n  \"ociVersion\": ,\n}");
    CommandFailure failure = assertThrows(CommandFailure.class, () -> SpecReader.readBundle(bundle));
    assertTrue(failure.getMessage().startsWith(bundle + "/config.json: line 2 column "), failure.getMessage());
    assertEquals(1, failure.getMessage().lines().count());
  }

  @Test
  void missingFileIsNamed(@TempDir Path bundle) {
    CommandFailure failure = assertThrows(CommandFailure.class, () -> SpecReader.readBundle(bundle));
    assertEquals(bundle + "/config.json: no such file or directory", failure.getMessage());
  }

  /** A specification with one more field. */
  private static String with(String field) {
    return MINIMAL.strip().substring(0, MINIMAL.strip().length() - 1) + ", " + field.replace('\'', '"') + "}";
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'linux': {'timeOffsets': {'monotonic': {'secs': 1}}} | linux.timeOffsets is not offered by a sandbox",
        "'linux': {'intelRdt': {'closID': 'a'}} | linux.intelRdt is not offered by a sandbox",
        "'linux': {'personality': {'domain': 'LINUX32'}} | linux.personality.domain is LINUX32: a sandbox offers LINUX"
            + " without flags only",
        "'linux': {'rootfsPropagation': 'shared'} | linux.rootfsPropagation asks for shared propagation, which a sandbox"
            + " does not offer",
        "'linux': {'rootfsPropagation': 'x'} | linux.rootfsPropagation is x, which is no propagation of mounts",
        "'linux': {'namespaces': [{'type': 'pid'}, {'type': 'pid'}]} | linux.namespaces[1].type repeats pid",
        "'linux': {'devices': [{'type': 'c', 'path': 'x'}]} | linux.devices[0].path is not absolute",
        "'linux': {'devices': [{'type': 'c', 'path': '/x', 'major': 1}]} | linux.devices[0].minor is missing",
        "'linux': {'resources': {'devices': [{'type': 'a'}]}} | linux.resources.devices[0].allow is missing",
        "'linux': {'resources': {'devices': [{'allow': true, 'access': 'x'}]}} | linux.resources.devices[0].access is x,"
            + " which is not made of r, w and m",
        "'linux': {'resources': {'memory': {'disableOOMKiller': true}}} | linux.resources.memory.disableOOMKiller is not"
            + " offered by a sandbox: who passes a limit is killed",
        "'linux': {'resources': {'cpu': {'realtimeRuntime': 5}}} | linux.resources.cpu.realtimeRuntime is for real-time"
            + " threads, which a sandbox does not have on the host",
        "'linux': {'resources': {'network': {'classID': 1}}} | linux.resources.network marks packets on the host, where"
            + " those of a sandbox are not its own",
        "'linux': {'resources': {'blockIO': {'leafWeight': 10}}} | linux.resources.blockIO.leafWeight is not offered by"
            + " control groups any more",
        "'linux': {'memoryPolicy': {'mode': 'x'}} | linux.memoryPolicy is not offered by a sandbox",
        "'linux': {'netDevices': {'eth0': {}}} | linux.netDevices names devices of the host, which a sandbox does not take",
        "'linux': {'uidMappings': [{'containerID': 0, 'hostID': 5, 'size': 1}]} | linux.uidMappings is given without a"
            + " namespace of type user",
        "'linux': {'namespaces': [{'type': 'user'}]} | linux.uidMappings has nobody for containerID 0, without whom no"
            + " file can be served",
        "'linux': {'uidMappings': [{'hostID': 5, 'size': 2}, {'containerID': 1, 'hostID': 9, 'size': 1}]} |"
            + " linux.uidMappings[1].size makes it overlap another mapping",
        "'linux': {'sysctl': {'kernel.hostname': 'x'}} | linux.sysctl sets kernel.hostname: use hostname",
        "'linux': {'sysctl': {'net../x': '1'}} | linux.sysctl names \"net../x\", which is no setting",
        "'linux': {'uidMappings': [{'containerID': 4294967295, 'hostID': 0, 'size': 2}]} | linux.uidMappings[0].size goes"
            + " beyond the last id",
        "'mounts': [{'destination': '/a', 'type': 'bind', 'source': '/b', 'options': ['idmap']}] | mounts[0].options[0]"
            + " asks for an id-mapped mount, which a sandbox does not offer",
        "'mounts': [{'destination': '/a', 'type': 'bind', 'source': '/b', 'uidMappings': []}] | mounts[0].uidMappings asks"
            + " for an id-mapped mount, which a sandbox does not offer"
      })
  void whatASandboxDoesNotOfferIsNamed(String field, String complaint) {
    assertEquals(complaint, complaint(with(field)));
  }

  @Test
  void fieldsWithoutConsequenceAreTaken() throws Exception {
    read(
        with(
            "'linux': {'timeOffsets': {}, 'personality': {'domain': 'LINUX'}, 'rootfsPropagation': 'rslave',"
                + " 'devices': [{'type': 'c', 'path': '/dev/fuse', 'major': 10, 'minor': 229}],"
                + " 'sysctl': {'net.ipv4.ip_unprivileged_port_start': '0'}}"));
  }

  @Test
  void devicesAndMappingsAreRead() throws Exception {
    Spec.Linux linux =
        read(
                with(
                    "'linux': {'devices': [{'type': 'u', 'path': '/dev/a', 'major': 10, 'minor': 229, 'fileMode': 8624,"
                        + " 'uid': 1}], 'resources': {'devices': [{'allow': false}, {'allow': true, 'type': 'b',"
                        + " 'major': 8, 'access': 'rm'}]}, 'namespaces': [{'type': 'user'}],"
                        + " 'uidMappings': [{'containerID': 0, 'hostID': 5, 'size': 10}],"
                        + " 'gidMappings': [{'containerID': 0, 'hostID': 6, 'size': 11}]}"))
            .linux();
    assertEquals(List.of(new Devices.Node("/dev/a", 'c', 10, 229, 0660, 1, 0)), linux.devices().nodes());
    assertEquals(
        List.of(new Devices.Rule(false, 'a', -1, -1, "rwm"), new Devices.Rule(true, 'b', 8, -1, "rm")),
        linux.devices().rules());
    assertEquals(List.of(new Spec.IdMapping(0, 5, 10)), linux.uidMappings());
    assertEquals(List.of(new Spec.IdMapping(0, 6, 11)), linux.gidMappings());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'scheduler': {'policy': 'SCHED_DEADLINE'} | process.scheduler.policy is SCHED_DEADLINE, which is not SCHED_OTHER,"
            + " _FIFO, _RR, _BATCH or _IDLE",
        "'scheduler': {'policy': 'SCHED_FIFO'} | process.scheduler.priority is missing",
        "'scheduler': {'policy': 'SCHED_OTHER', 'priority': 1} | process.scheduler.priority is for SCHED_FIFO and SCHED_RR"
            + " only",
        "'ioPriority': {'class': 'x'} | process.ioPriority.class is x, which is no class of I/O priority",
        "'execCPUAffinity': {'initial': '0'} | process.execCPUAffinity is not offered by a sandbox"
      })
  void schedulingThatCannotBeIsNamed(String field, String complaint) {
    assertEquals(complaint, complaint(MINIMAL.replace("\"cwd\"", field.replace('\'', '"') + ", \"cwd\"")));
  }

  @Test
  void schedulingIsRead() throws Exception {
    String fields =
        "\"scheduler\": {\"policy\": \"SCHED_RR\", \"priority\": 7, \"nice\": -3},"
            + " \"ioPriority\": {\"class\": \"IOPRIO_CLASS_BE\", \"priority\": 6}, \"cwd\"";
    assertEquals(
        new Spec.Scheduling(2, -3, 7, 2, 6), read(MINIMAL.replace("\"cwd\"", fields)).process().scheduling());
  }

  @Test
  void optionsWithWhatLiesBelowAreThoseOfTheMount() throws Exception {
    Spec spec =
        read(
            with(
                "'mounts': [{'destination': '/a', 'type': 'bind', 'source': '/b',"
                    + " 'options': ['rbind', 'rw', 'rro', 'rnosuid']}]"));
    assertEquals(List.of("rbind", "ro", "nosuid"), spec.mounts().getFirst().options());
  }
}
