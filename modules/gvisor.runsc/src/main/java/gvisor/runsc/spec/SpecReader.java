package gvisor.runsc.spec;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.Version;
import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads and checks {@code config.json}. Every complaint names the field. Stateless. */
public final class SpecReader {
  /** Largest config.json that is read; Kubernetes' are about 20 KiB. */
  private static final long MAX_FILE_BYTES = 16 << 20;

  private static final long MAX_U32 = 0xffff_ffffL;

  /** Resource names of {@code man 2 getrlimit}, in number order. */
  private static final List<String> RLIMITS =
      List.of(
          "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
          "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
          "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME");

  private static final List<String> NAMESPACES =
      List.of("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time");

  /** Scheduling policies by their number in {@code man 7 sched}; one of them has none of its own here. */
  private static final List<String> POLICIES =
      List.of("SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "", "SCHED_IDLE");

  /** By their number in {@code man 2 ioprio_set}. */
  private static final List<String> IO_CLASSES =
      List.of("", "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE");

  private SpecReader() {}

  /** Reads {@code config.json} of the bundle in {@code bundle}. */
  public static Bundle readBundle(Path bundle) throws CommandFailure {
    Path file = bundle.resolve("config.json");
    byte[] text = readFile(file);
    try {
      JsonNode json = Json.read(text);
      return new Bundle(bundle, json, read(json));
    } catch (MalformedJsonException e) {
      throw new CommandFailure(file + ": " + e.getMessage());
    }
  }

  /** Checks a value that was read before and has been changed. */
  public static Spec readAgain(JsonNode json) throws CommandFailure {
    try {
      return read(json);
    } catch (MalformedJsonException e) {
      throw new CommandFailure(e.getMessage());
    }
  }

  /** Checks a {@code process} object. */
  public static Spec.Process readProcess(JsonNode json) throws MalformedJsonException {
    return process(FieldReader.of(json));
  }

  /** Reads a file that holds one {@code process} object, as {@code exec --process} takes it. */
  public static JsonNode readProcessFile(Path file) throws CommandFailure {
    byte[] text = readFile(file);
    try {
      JsonNode json = Json.read(text);
      readProcess(json);
      return json;
    } catch (MalformedJsonException e) {
      throw new CommandFailure(file + ": " + e.getMessage());
    }
  }

  private static byte[] readFile(Path file) throws CommandFailure {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new CommandFailure(file + " is larger than " + MAX_FILE_BYTES + " bytes");
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new CommandFailure(file + ": no such file or directory");
    } catch (IOException e) {
      throw new CommandFailure(file + ": cannot be read: " + e.getMessage());
    }
  }

  /** Checks the value that a {@code config.json} holds. */
  public static Spec read(JsonNode json) throws MalformedJsonException {
    FieldReader top = FieldReader.of(json);
    String version = top.requiredString("ociVersion");
    if (!version.matches("1\\.\\d+\\.\\d+([-+].*)?")) {
      throw top.fault("ociVersion", "is " + version + ", and this runtime follows " + Version.OCI);
    }
    for (String other : List.of("solaris", "windows", "vm", "zos")) {
      if (top.has(other)) {
        throw top.fault(other, "is for another kind of runtime");
      }
    }
    FieldReader process = top.object("process");
    FieldReader root = top.object("root");
    if (root == null) {
      throw top.fault("root", "is missing");
    }
    Spec.Root rootRecord = new Spec.Root(root.requiredString("path"), root.bool("readonly", false));
    return new Spec(
        version,
        process == null ? null : process(process),
        rootRecord,
        hostname(top, "hostname"),
        hostname(top, "domainname"),
        mounts(top),
        hooks(top.object("hooks")),
        top.stringMap("annotations"),
        linux(top.object("linux")));
  }

  private static String hostname(FieldReader top, String name) throws MalformedJsonException {
    String value = top.string(name, "");
    if (value.length() > 64) {
      throw top.fault(name, "is longer than 64 characters");
    }
    return value;
  }

  private static Spec.Process process(FieldReader process) throws MalformedJsonException {
    List<String> args = process.strings("args");
    if (args.isEmpty()) {
      throw process.fault("args", "is missing or empty");
    }
    String cwd = process.requiredString("cwd");
    if (!cwd.startsWith("/")) {
      throw process.fault("cwd", "is not absolute");
    }
    List<String> env = process.strings("env");
    for (int i = 0; i < env.size(); i++) {
      if (env.get(i).indexOf('=') < 0) {
        throw process.fault("env[" + i + "]", "is not NAME=value");
      }
    }
    FieldReader console = process.object("consoleSize");
    FieldReader user = process.object("user");
    long umask = user == null ? -1 : user.integer("umask", 0, 0777, -1);
    return new Spec.Process(
        process.bool("terminal", false),
        console == null ? 0 : (int) console.integer("height", 0, 0xffff, 0),
        console == null ? 0 : (int) console.integer("width", 0, 0xffff, 0),
        user(user),
        (int) umask,
        args,
        env,
        cwd,
        capabilities(process.object("capabilities")),
        rlimits(process),
        process.bool("noNewPrivileges", false),
        (int) process.integer("oomScoreAdj", -1000, 1000, 0),
        process.string("apparmorProfile", ""),
        process.string("selinuxLabel", ""),
        scheduling(process));
  }

  /** What the kernel of the sandbox keeps and shows; the host's scheduler is not told. */
  private static Spec.Scheduling scheduling(FieldReader process) throws MalformedJsonException {
    if (process.has("execCPUAffinity")) {
      throw process.fault("execCPUAffinity", "is not offered by a sandbox");
    }
    FieldReader scheduler = process.object("scheduler");
    int policy = 0;
    if (scheduler != null) {
      String name = scheduler.requiredString("policy");
      policy = POLICIES.indexOf(name);
      if (policy < 0 || name.isEmpty()) {
        throw scheduler.fault("policy", "is " + name + ", which is not SCHED_OTHER, _FIFO, _RR, _BATCH or _IDLE");
      }
      if (!scheduler.strings("flags").isEmpty()) {
        throw scheduler.fault("flags", "is not offered by a sandbox");
      }
    }
    boolean isRealTime = policy == POLICIES.indexOf("SCHED_FIFO") || policy == POLICIES.indexOf("SCHED_RR");
    long priority = scheduler == null ? 0 : scheduler.integer("priority", 0, 99, 0);
    if (isRealTime != priority > 0) {
      throw scheduler.fault("priority", isRealTime ? "is missing" : "is for SCHED_FIFO and SCHED_RR only");
    }
    FieldReader io = process.object("ioPriority");
    int ioClass = 0;
    if (io != null) {
      String name = io.requiredString("class");
      ioClass = IO_CLASSES.indexOf(name);
      if (ioClass < 0 || name.isEmpty()) {
        throw io.fault("class", "is " + name + ", which is no class of I/O priority");
      }
    }
    return new Spec.Scheduling(
        policy,
        scheduler == null ? 0 : (int) scheduler.integer("nice", -20, 19, 0),
        (int) priority,
        ioClass,
        io == null ? 0 : (int) io.integer("priority", 0, 7, 0));
  }

  private static Spec.User user(FieldReader user) throws MalformedJsonException {
    if (user == null) {
      return new Spec.User(0, 0, new int[0]);
    }
    long[] additional = user.integers("additionalGids", 0, MAX_U32);
    int[] gids = new int[additional.length];
    for (int i = 0; i < gids.length; i++) {
      gids[i] = (int) additional[i]; // Unsigned 32 bits, checked above.
    }
    return new Spec.User(
        (int) user.integer("uid", 0, MAX_U32, 0), (int) user.integer("gid", 0, MAX_U32, 0), gids);
  }

  private static Spec.Capabilities capabilities(FieldReader sets) throws MalformedJsonException {
    if (sets == null) {
      return new Spec.Capabilities(0, 0, 0, 0, 0);
    }
    return new Spec.Capabilities(
        capabilityMask(sets, "bounding"),
        capabilityMask(sets, "effective"),
        capabilityMask(sets, "inheritable"),
        capabilityMask(sets, "permitted"),
        capabilityMask(sets, "ambient"));
  }

  private static long capabilityMask(FieldReader sets, String set) throws MalformedJsonException {
    long mask = 0;
    for (String name : sets.strings(set)) {
      int number = CapabilityNames.number(name);
      // Linux: the specification asks for a warning and no more when a capability is not known.
      mask |= number < 0 ? 0 : 1L << number;
    }
    return mask;
  }

  private static List<Spec.Rlimit> rlimits(FieldReader process) throws MalformedJsonException {
    List<Spec.Rlimit> limits = new ArrayList<>();
    int seen = 0;
    for (FieldReader limit : process.objects("rlimits")) {
      String type = limit.requiredString("type");
      int resource = RLIMITS.indexOf(type);
      if (resource < 0) {
        throw limit.fault("type", "is " + type + ", which is no resource limit");
      }
      if ((seen & 1 << resource) != 0) {
        throw limit.fault("type", "repeats " + type);
      }
      seen |= 1 << resource;
      long soft = limit.unsigned64("soft", 0);
      long hard = limit.unsigned64("hard", 0);
      if (Long.compareUnsigned(soft, hard) > 0) {
        throw limit.fault("soft", "is above the hard limit");
      }
      limits.add(new Spec.Rlimit(resource, soft, hard));
    }
    return List.copyOf(limits);
  }

  private static List<Spec.Mount> mounts(FieldReader top) throws MalformedJsonException {
    List<Spec.Mount> mounts = new ArrayList<>();
    for (FieldReader mount : top.objects("mounts")) {
      String destination = mount.requiredString("destination");
      if (!destination.startsWith("/")) {
        throw mount.fault("destination", "is not absolute");
      }
      List<String> options = MountOptionNames.read(mount);
      for (String mapping : List.of("uidMappings", "gidMappings")) {
        if (mount.has(mapping)) {
          throw mount.fault(mapping, "asks for an id-mapped mount, which a sandbox does not offer");
        }
      }
      Spec.Mount record =
          new Spec.Mount(destination, mount.string("type", ""), mount.string("source", ""), options);
      if (record.isBind() && record.source().isEmpty()) {
        throw mount.fault("source", "is missing or empty");
      }
      if (!record.isBind() && record.type().isEmpty()) {
        throw mount.fault("type", "is missing or empty");
      }
      mounts.add(record);
    }
    return List.copyOf(mounts);
  }

  private static Spec.Hooks hooks(FieldReader hooks) throws MalformedJsonException {
    return new Spec.Hooks(
        hookList(hooks, "prestart"),
        hookList(hooks, "createRuntime"),
        hookList(hooks, "createContainer"),
        hookList(hooks, "startContainer"),
        hookList(hooks, "poststart"),
        hookList(hooks, "poststop"));
  }

  private static List<Spec.Hook> hookList(FieldReader hooks, String point) throws MalformedJsonException {
    List<Spec.Hook> list = new ArrayList<>();
    if (hooks != null) {
      for (FieldReader hook : hooks.objects(point)) {
        String path = hook.requiredString("path");
        if (!path.startsWith("/")) {
          throw hook.fault("path", "is not absolute");
        }
        int timeout = (int) hook.integer("timeout", 1, Integer.MAX_VALUE, 0);
        list.add(new Spec.Hook(path, hook.strings("args"), hook.strings("env"), timeout));
      }
    }
    return List.copyOf(list);
  }

  private static Spec.Linux linux(FieldReader linux) throws MalformedJsonException {
    if (linux != null) {
      LinuxFields.check(linux);
    }
    if (linux == null) {
      return new Spec.Linux(List.of(), List.of(), List.of(), "", Resources.NONE, Devices.NONE, Map.of(), List.of(), List.of(), null, "");
    }
    List<Spec.Namespace> namespaces = new ArrayList<>();
    for (FieldReader namespace : linux.objects("namespaces")) {
      String type = namespace.requiredString("type");
      if (!NAMESPACES.contains(type)) {
        throw namespace.fault("type", "is " + type + ", which is no namespace");
      }
      if (namespaces.stream().anyMatch(n -> n.type().equals(type))) {
        throw namespace.fault("type", "repeats " + type);
      }
      String path = namespace.string("path", "");
      if (!path.isEmpty() && !path.startsWith("/")) {
        throw namespace.fault("path", "is not absolute");
      }
      namespaces.add(new Spec.Namespace(type, path));
    }
    List<Spec.IdMapping> users = LinuxFields.mappings(linux, "uidMappings", namespaces);
    List<Spec.IdMapping> groups = LinuxFields.mappings(linux, "gidMappings", namespaces);
    return new Spec.Linux(
        List.copyOf(namespaces),
        users,
        groups,
        linux.string("cgroupsPath", ""),
        Resources.read(linux.object("resources")),
        Devices.read(linux),
        linux.stringMap("sysctl"),
        absolutePaths(linux, "maskedPaths"),
        absolutePaths(linux, "readonlyPaths"),
        SeccompReader.read(linux.object("seccomp")),
        linux.string("mountLabel", ""));
  }

  private static List<String> absolutePaths(FieldReader linux, String name) throws MalformedJsonException {
    List<String> paths = linux.strings(name);
    for (int i = 0; i < paths.size(); i++) {
      if (!paths.get(i).startsWith("/")) {
        throw linux.fault(name + "[" + i + "]", "is not absolute");
      }
    }
    return paths;
  }
}
