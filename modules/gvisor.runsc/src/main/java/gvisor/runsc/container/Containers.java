package gvisor.runsc.container;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Confinement;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.cgroup.Cgroup;
import gvisor.runsc.cgroup.CgroupPath;
import gvisor.runsc.config.Config;
import gvisor.runsc.control.Message;
import gvisor.runsc.config.ErrorLog;
import gvisor.runsc.json.Json;
import gvisor.runsc.sandbox.SandboxProcess;
import gvisor.runsc.spec.Bundle;
import gvisor.runsc.spec.Resources;
import gvisor.runsc.spec.Spec;
import gvisor.runsc.spec.SpecReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The life cycle: what the OCI verbs do, over the {@link StateStore} and the sandboxes. */
public final class Containers {
  private static final int O_RDONLY = 0;
  private static final int O_RDWR_CREAT = 2 | 0100;
  private static final int SIGKILL = 9;
  private static final int KILL_TIMEOUT_MILLIS = 10_000;
  private static final int TRAINING_TIMEOUT_MILLIS = 60_000;
  private static final int LISTEN_BACKLOG = 64;

  /** How long a sandbox may take over a signal before it is believed to be stuck. */
  private static final long ANSWER_MILLIS = 10_000;

  /** How long a sandbox whose first process has ended takes to end itself. */
  private static final int LAST_WORDS_MILLIS = 2000;

  private final Config config;
  private final StateStore store;

  /** Where sandboxes log to that were given no file, or null. */
  private Fd log;

  /** Containers below {@code config.root()}. */
  public Containers(Config config) {
    this.config = config;
    this.store = new StateStore(config.root());
  }

  /** The store under this. */
  public StateStore store() {
    return store;
  }

  /**
   * A container that was just created by this command.
   *
   * @param init the process that stands for it: {@link ContainerState#init}
   * @param client the connection it was started over: until {@link #detach} the container ends with it
   */
  public record Created(ContainerState state, Bundle bundle, SandboxProcess init, ControlClient client) {}

  /** Has sandboxes that are made here log to {@code descriptor}, which stays the caller's, and not to a file. */
  public void logTo(Fd descriptor) {
    log = descriptor;
  }

  /** Reads a bundle and checks what can be checked before anything is made. */
  public static Bundle readBundle(String directory) throws CommandFailure {
    Path path = Path.of(directory).toAbsolutePath().normalize();
    if (!Files.isDirectory(path)) {
      throw new CommandFailure("bundle " + path + ": no such directory");
    }
    Bundle bundle = SpecReader.readBundle(path);
    if (!Files.isDirectory(bundle.rootfs())) {
      throw new CommandFailure("root.path: " + bundle.rootfs() + ": no such directory");
    }
    return bundle;
  }

  /** Makes container {@code id} and its processes; nothing stays behind if that fails. */
  public Created create(String id, Bundle given, Stdio stdio) throws CommandFailure {
    StateStore.checkId(id);
    Bundle bundle = UserNamespace.resolve(given, store);
    SecurityLabels.ofHost(config).check(bundle.spec());
    Placement placement = Placement.of(id, bundle.spec(), store);
    store.makeDirectory(id);
    List<SandboxProcess> started = new ArrayList<>();
    try (StateStore.Lock _ = store.lock(id)) {
      return placement.isOwnSandbox()
          ? create(id, bundle, stdio, started)
          : join(id, bundle, stdio, placement, started);
    } catch (CommandFailure | RuntimeException e) {
      CommandFailure told = e instanceof CommandFailure f ? explained(f, id) : null;
      for (SandboxProcess process : started) {
        process.process().kill(SIGKILL);
        process.process().waitFor();
        process.connection().close();
      }
      HostNetworking.awaitEnd(store.directory(id));
      CgroupPath cgroup = cgroupPath(id, bundle.spec());
      removeCgroup(cgroup == null ? "" : cgroup.path());
      store.removeDirectory(id);
      if (told != null) {
        throw told;
      }
      throw e;
    }
  }

  private Created create(String id, Bundle bundle, Stdio stdio, List<SandboxProcess> started) throws CommandFailure {
    Path messages = store.directory(id).resolve("messages");
    makeEmptyDirectory(id);
    Cgroup cgroup = makeCgroup(id, bundle.spec());
    SandboxProcess sandbox;
    SandboxProcess gofer;
    HostNetworking networking = null;
    List<Fd> membership = cgroup == null ? List.of() : cgroup.membership();
    try (Fd network = network(bundle.spec())) {
      sandbox = SandboxProcess.startSandbox(id, messages, membership, network);
      started.add(sandbox);
      gofer = SandboxProcess.startGofer(id, messages, membership, UserNamespace.maps(bundle.spec()));
      started.add(gofer);
      if (config.network() == Config.Network.HOST) {
        networking =
            HostNetworking.start(
                store.directory(id), bundle.spec(), network, sandbox.process().pid(), config.netRaw(), membership);
      }
    } finally {
      membership.forEach(Fd::close);
    }
    ContainerState state =
        newState(id, bundle, id, HostProcess.of(sandbox.process().pid()), HostProcess.of(gofer.process().pid()));
    store.save(state);
    ControlClient client = new ControlClient(id, sandbox.connection());
    Message goferAnswer;
    try (HostNetworking handed = networking;
        ScmSocket listener =
            ScmSocket.listen(store.controlSocket(id).toString(), ScmSocket.STREAM, LISTEN_BACKLOG)) {
      List<Fd> fds = new ArrayList<>(List.of(listener.fd()));
      if (handed != null) {
        fds.add(handed.connection());
      }
      if (log != null) {
        fds.add(log);
      }
      client.send(bootRequest(id, bundle), fds);
      goferAnswer = sendCreate(id, bundle, stdio, null, client, gofer);
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot connect the sandbox: " + e.errno().message());
    }
    SandboxProcess.watch(sandbox, client.answerWithFds().fds(), gofer, goferAnswer.fds(), messages);
    return finish(state, bundle, sandbox, client);
  }

  /** The network namespace that a spec names, or null; only who may make namespaces may join one. */
  private static Fd network(Spec spec) throws CommandFailure {
    List<Spec.Namespace> namespaces = spec.linux().namespaces();
    for (int i = 0; i < namespaces.size(); i++) {
      Spec.Namespace namespace = namespaces.get(i);
      if (namespace.type().equals("network") && !namespace.path().isEmpty() && Confinement.isAdministrator()) {
        try {
          return Fd.open(namespace.path(), O_RDONLY, 0);
        } catch (ErrnoException e) {
          throw new CommandFailure(
              "linux.namespaces[" + i + "].path: " + namespace.path() + ": " + e.errno().message());
        }
      }
    }
    return null;
  }

  /** Makes a container in the sandbox of another. */
  private Created join(String id, Bundle bundle, Stdio stdio, Placement placement, List<SandboxProcess> started)
      throws CommandFailure {
    ControlClient client = ControlClient.connectDirectly(id, store.controlSocket(placement.sandboxId()));
    boolean done = false;
    try {
      makeEmptyDirectory(id);
      Cgroup cgroup = makeCgroup(id, bundle.spec());
      SandboxProcess gofer;
      Path messages = store.directory(id).resolve("messages");
      List<Fd> membership = cgroup == null ? List.of() : cgroup.membership();
      try {
        gofer = SandboxProcess.startGofer(id, messages, membership, UserNamespace.maps(bundle.spec()));
        started.add(gofer);
      } finally {
        membership.forEach(Fd::close);
      }
      ContainerState state =
          newState(
              id, bundle, placement.sandboxId(), placement.sandbox(), HostProcess.of(gofer.process().pid()));
      store.save(state);
      Message goferAnswer = sendCreate(id, bundle, stdio, placement, client, gofer);
      SandboxProcess.watch(null, List.of(), gofer, goferAnswer.fds(), messages);
      Created created = finish(state, bundle, gofer, client);
      fitCgroup(state, client);
      done = true;
      return created;
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot connect the gofer: " + e.errno().message());
    } finally {
      if (!done) {
        client.close(); // Which undoes what has been made in the sandbox.
      }
    }
  }

  /** The host's control group for a container, with its limits; null where none is asked for or wanted. */
  private Cgroup makeCgroup(String id, Spec spec) throws CommandFailure {
    CgroupPath path = cgroupPath(id, spec);
    if (path == null) {
      return null;
    }
    Cgroup cgroup = Cgroup.at(path);
    // Whoever is killed before the state is saved leaves the group, and this to find it by.
    store.noteCgroup(id, path.path());
    try {
      cgroup.create();
      cgroup.set(spec.linux().resources());
    } catch (CommandFailure e) {
      cgroup.remove();
      throw e;
    }
    return cgroup;
  }

  private CgroupPath cgroupPath(String id, Spec spec) throws CommandFailure {
    String path = spec.linux().cgroupsPath();
    if (config.ignoreCgroups() || path.isEmpty() && spec.linux().resources().isEmpty()) {
      return null;
    }
    return CgroupPath.parse(path, id, config.systemdCgroup());
  }

  private void removeCgroup(String path) throws CommandFailure {
    if (!path.isEmpty()) {
      String left = Cgroup.at(new CgroupPath(path)).remove();
      if (left != null) {
        warn("the container's control group stays: " + left);
      }
    }
  }

  /** Changes what a container may use, on the host and in its sandbox. */
  public void update(String id, Resources resources) throws CommandFailure {
    try (StateStore.Lock _ = store.lock(id)) {
      ContainerState state = store.load(id);
      if (state.status().equals("stopped")) {
        throw notRunning();
      }
      if (!state.cgroup().isEmpty()) {
        Cgroup.at(new CgroupPath(state.cgroup())).set(resources);
      }
      try (ControlClient client = connect(state)) {
        ObjectNode request = client.request("update");
        putLimits(request, resources);
        client.call(request);
        fitCgroup(state, client);
      }
    }
  }

  /** Has the host let the sandbox of {@code state} use what all in it may. */
  private void fitCgroup(ContainerState state, ControlClient client) throws CommandFailure {
    List<String> ids = new ArrayList<>();
    for (ContainerState other : store.list()) {
      if (other.sandboxId().equals(state.sandboxId())) {
        ids.add(other.id());
      }
    }
    SandboxCgroup.fit(state.isRoot() ? state : store.load(state.sandboxId()), ids, client);
  }

  /** The limits that the sandbox itself holds; 0 is none. */
  private static void putLimits(ObjectNode request, Resources resources) {
    if (resources.memoryLimit() != Resources.UNSET) {
      request.put("memoryLimitBytes", Math.max(0, resources.memoryLimit()));
    }
    if (resources.pidsLimit() != Resources.UNSET) {
      request.put("pidsLimit", Math.max(0, resources.pidsLimit()));
    }
    if (resources.cpuQuota() != Resources.UNSET || !resources.cpus().isEmpty()) {
      request.put("cpus", resources.processors());
    }
  }

  private ContainerState newState(
      String id, Bundle bundle, String sandboxId, HostProcess sandbox, HostProcess gofer) throws CommandFailure {
    CgroupPath cgroup = cgroupPath(id, bundle.spec());
    return new ContainerState(
        id,
        bundle.spec().ociVersion(),
        bundle.directory().toString(),
        bundle.rootfs().toString(),
        Instant.now().toString(),
        ContainerState.Phase.CREATING,
        sandboxId,
        sandbox,
        gofer,
        cgroup == null ? "" : cgroup.path(),
        bundle.spec().annotations());
  }

  /** Has the gofer serve, whose answer this returns, and the sandbox make the container; its answer is still to come. */
  private Message sendCreate(
      String id, Bundle bundle, Stdio stdio, Placement placement, ControlClient client, SandboxProcess gofer)
      throws CommandFailure, ErrnoException {
    ControlClient goferClient = new ControlClient(id, gofer.connection());
    String exitPath = store.directory(id).resolve("exit").toString();
    try (Fd exitFile = Fd.open(exitPath, O_RDWR_CREAT, 0600);
        Fd readOnly = Fd.open(exitPath, O_RDONLY, 0)) {
      ScmSocket[] files = ScmSocket.pair(ScmSocket.SEQPACKET);
      try (ScmSocket sentryEnd = files[0];
          ScmSocket goferEnd = files[1]) {
        goferClient.send(serveRequest(id, bundle), List.of(goferEnd.fd(), readOnly));
        List<Fd> fds = new ArrayList<>();
        fds.add(sentryEnd.fd());
        fds.addAll(stdio.files());
        fds.add(exitFile);
        client.send(createRequest(id, bundle, stdio, placement), fds);
      }
    }
    stdio.handedOver();
    Message answer = goferClient.answerWithFds();
    goferClient.close();
    return answer;
  }

  /** Waits until the sandbox has made it, with the hooks that run meanwhile. */
  private Created finish(ContainerState state, Bundle bundle, SandboxProcess init, ControlClient client)
      throws CommandFailure {
    warnOfNetwork(bundle.spec());
    finishCreation(bundle.spec().hooks(), state, client);
    ContainerState created = state.withPhase(ContainerState.Phase.CREATED);
    store.save(created);
    return new Created(created, bundle, init, client);
  }

  /** Hooks that end the creation if they fail, and the sandbox's word; hooks for the end of it run on a failure. */
  private void finishCreation(Spec.Hooks hooks, ContainerState state, ControlClient client) throws CommandFailure {
    try {
      Hooks.run("prestart", hooks.prestart(), state);
      Hooks.run("createRuntime", hooks.createRuntime(), state);
      Hooks.run("createContainer", hooks.createContainer(), state);
      client.answer();
    } catch (CommandFailure e) {
      state.init().kill();
      state.init().awaitEnd(KILL_TIMEOUT_MILLIS);
      Hooks.runAll("poststop", hooks.poststop(), state, this::warn);
      throw e;
    }
  }

  /**
   * Says once, where engines look, that a network somebody has prepared for this container is not used yet. Not on
   * standard error, which is the container's.
   */
  private void warnOfNetwork(Spec spec) {
    boolean prepared =
        !spec.hooks().prestart().isEmpty()
            || !spec.hooks().createRuntime().isEmpty()
            || spec.linux().namespaces().stream().noneMatch(n -> n.type().equals("network") && n.path().isEmpty());
    if (config.network() == Config.Network.SANDBOX && prepared && !config.log().isEmpty()) {
      warn("the sandbox has no network but its loopback yet: the container's network is not used "
          + "(--network=sandbox); with --network=host it is, by sockets of the host");
    }
  }

  private void makeEmptyDirectory(String id) throws CommandFailure {
    try {
      Files.createDirectory(emptyDirectory(id));
    } catch (IOException e) {
      throw new CommandFailure("cannot make " + emptyDirectory(id) + ": " + e.getMessage());
    }
  }

  private ObjectNode serveRequest(String id, Bundle bundle) {
    boolean isMapped = !bundle.spec().linux().uidMappings().isEmpty();
    // Who is root in a namespace only does not get to our own directories, but to this one; nobody mounts from there.
    String empty = isMapped ? "/proc/sys" : emptyDirectory(id).toString();
    ObjectNode request = Json.object().put("emptyDirectory", empty);
    request
        .putObject("hostAccess")
        .put("connects", config.hostUds().connects())
        .put("binds", config.hostUds().binds())
        .put("fifos", config.hostFifo() == Config.HostFifo.OPEN);
    ArrayNode attach = request.putArray("attach");
    // What an overlay covers is never written to, so the gofer need not be able to.
    boolean rootReadOnly = bundle.spec().root().readonly() || config.overlay() != Config.Overlay.NONE;
    attach.addObject().put("name", "root").put("path", bundle.rootfs().toString()).put("readOnly", rootReadOnly);
    List<Spec.Mount> mounts = bundle.spec().mounts();
    for (int i = 0; i < mounts.size(); i++) {
      if (mounts.get(i).isBind() && !ShmMount.is(mounts.get(i))) {
        attach
            .addObject()
            .put("name", "mount-" + i)
            .put("path", bundle.directory().resolve(mounts.get(i).source()).normalize().toString())
            .put("readOnly", mounts.get(i).options().contains("ro"));
      }
    }
    return request;
  }

  private ObjectNode bootRequest(String id, Bundle bundle) {
    return Json.object()
        .put("op", "boot")
        .put("platform", config.platform())
        .put("strace", config.strace())
        .put("debug", config.debug() || config.strace())
        .put("debugLog", config.debugLog())
        .put("hostNetwork", config.network() == Config.Network.HOST)
        .put("id", id);
  }

  /** @param placement where it joins another's sandbox, or null */
  private ObjectNode createRequest(String id, Bundle bundle, Stdio stdio, Placement placement) {
    ObjectNode request = Json.object().put("op", "create").put("id", id);
    // A read-only root has changes too: the places of mounts, which an image need not have.
    request.put("rootOverlay", config.overlay() != Config.Overlay.NONE || bundle.spec().root().readonly());
    request.put("ociSeccomp", config.ociSeccomp());
    int size = stdio.windowSize();
    if (size != 0 && bundle.json().path("process") instanceof ObjectNode process && !process.has("consoleSize")) {
      process.putObject("consoleSize").put("height", size >>> 16).put("width", size & 0xffff);
    }
    stdio.describe(request);
    putLimits(request, bundle.spec().linux().resources());
    if (placement != null) {
      ObjectNode shared = request.putObject("shared");
      placement.shared().forEach(shared::put);
    }
    ShmMount.translate(bundle);
    request.set("spec", bundle.json());
    return request;
  }

  /** What the gofer sees of the host's files once it has opened what it serves. */
  private Path emptyDirectory(String id) {
    return store.directory(id).resolve("empty");
  }

  /** A sandbox that ended without a word has left its words in a file. */
  private CommandFailure explained(CommandFailure failure, String id) {
    if (!failure.getMessage().endsWith("has ended")) {
      return failure;
    }
    try {
      for (String line : Files.readAllLines(store.directory(id).resolve("messages"))) {
        if (!line.isBlank() && !line.startsWith("[")) {
          return new CommandFailure(failure.getMessage() + ": " + line.strip(), failure.exitCode());
        }
      }
    } catch (IOException e) {
      // There is nothing to add then.
    }
    return failure;
  }

  /** Lets the container outlive this command. */
  public void detach(Created created) throws CommandFailure {
    created.client().call(created.client().request("detach"));
  }

  /** Lets the first process of a created container run. */
  public void start(Created created) throws CommandFailure {
    start(created.state(), created.bundle(), created.client());
  }

  /** Lets the first process of a created container run. */
  public void start(String id) throws CommandFailure {
    try (StateStore.Lock _ = store.lock(id)) {
      ContainerState state = store.load(id);
      if (!state.status().equals("created")) {
        throw new CommandFailure("cannot start container \"" + id + "\" in state " + state.status());
      }
      Bundle bundle = SpecReader.readBundle(Path.of(state.bundle()));
      try (ControlClient client = connectDirectly(state)) {
        start(state, bundle, client);
      }
    }
  }

  private void start(ContainerState state, Bundle bundle, ControlClient client) throws CommandFailure {
    Spec spec = bundle.spec();
    HostNetworking.describe(store.directory(state.id()), client);
    if (!spec.hooks().startContainer().isEmpty()) {
      InnerHooks hooks = new InnerHooks(state, bundle.json().path("process"), () -> connect(state));
      try {
        hooks.run("startContainer", spec.hooks().startContainer());
      } catch (CommandFailure e) {
        stop(state, client);
        throw e;
      }
    }
    // First the record: the container may end before this command gets to write again.
    store.save(state.withPhase(ContainerState.Phase.RUNNING));
    client.call(client.request("start"));
    Hooks.runAll("poststart", spec.hooks().poststart(), state.withPhase(ContainerState.Phase.RUNNING), this::warn);
  }

  /** Ends a container that shall not start; {@link #delete} does the rest. */
  private static void stop(ContainerState state, ControlClient client) {
    try {
      client.call(client.request("signal").put("pid", 0).put("signal", SIGKILL));
    } catch (CommandFailure e) {
      // It ended before it could say so.
    }
    state.init().awaitEnd(KILL_TIMEOUT_MILLIS);
  }

  private void warn(String message) {
    ErrorLog.warn(config, message);
  }

  /** A connection to the sandbox of a container that is created, running or paused. */
  public ControlClient connect(String id) throws CommandFailure {
    return connect(running(id));
  }

  /** As {@link #connect}, by {@link ControlClient#connectDirectly}. */
  public ControlClient connectDirectly(String id) throws CommandFailure {
    return connectDirectly(running(id));
  }

  private ContainerState running(String id) throws CommandFailure {
    ContainerState state = store.load(id);
    if (!state.init().isAlive() || !state.sandbox().isAlive()) {
      throw new CommandFailure("container \"" + id + "\" is not running");
    }
    return state;
  }

  private ControlClient connect(ContainerState state) throws CommandFailure {
    return ControlClient.connect(state.id(), store.controlSocket(state.sandboxId()));
  }

  private ControlClient connectDirectly(ContainerState state) throws CommandFailure {
    return ControlClient.connectDirectly(state.id(), store.controlSocket(state.sandboxId()));
  }

  /**
   * Sends a signal to the first process of a container, or to all; 0 only asks whether it runs. Like runc, "all" of a
   * container that has stopped is nobody, and no failure.
   */
  public void signal(String id, int signal, boolean all) throws CommandFailure {
    ContainerState state = store.load(id);
    if (state.status().equals("stopped")) {
      if (all) {
        return;
      }
      throw notRunning();
    }
    if (signal == 0) {
      return;
    }
    try (ControlClient client = connectDirectly(id).within(ANSWER_MILLIS)) {
      client.call(client.request("signal").put("pid", 0).put("signal", signal).put("all", all));
    } catch (CommandFailure e) {
      boolean ended = state.init().awaitEnd(LAST_WORDS_MILLIS); // The signal and the end may have crossed.
      if (signal == SIGKILL) {
        state.init().kill(); // A sandbox that does not answer must still be possible to end.
      } else if (!all) {
        throw ended ? notRunning() : e;
      }
    }
  }

  /** Ends a process of a container that nobody could be told of. */
  public void kill(String id, int pid) {
    try (ControlClient client = connectDirectly(id)) {
      client.call(client.request("signal").put("pid", pid).put("signal", SIGKILL).put("all", false));
    } catch (CommandFailure e) {
      // It has ended by itself.
    }
  }

  /** What containerd and podman know as "it has ended already". */
  private static CommandFailure notRunning() {
    return new CommandFailure("container not running");
  }

  /** Pauses or resumes a container. */
  public void setPaused(String id, boolean paused) throws CommandFailure {
    try (StateStore.Lock _ = store.lock(id)) {
      ContainerState state = store.load(id);
      String wanted = paused ? "running" : "paused";
      if (!state.status().equals(wanted)) {
        throw new CommandFailure("container \"" + id + "\" is not " + wanted + " but " + state.status());
      }
      try (ControlClient client = connect(state)) {
        client.call(client.request(paused ? "pause" : "resume"));
      }
      store.save(state.withPhase(paused ? ContainerState.Phase.PAUSED : ContainerState.Phase.RUNNING));
    }
  }

  /** Forgets a container; with {@code force} whatever state it is in. */
  public void delete(String id, boolean force) throws CommandFailure {
    StateStore.checkId(id);
    if (!Files.isDirectory(store.directory(id))) {
      if (force) {
        return;
      }
      throw new CommandFailure("container \"" + id + "\" does not exist");
    }
    try (StateStore.Lock _ = store.lock(id)) {
      ContainerState state;
      try {
        state = store.load(id);
      } catch (CommandFailure e) {
        if (!force) {
          throw e;
        }
        removeCgroup(store.notedCgroup(id));
        store.removeDirectory(id);
        return;
      }
      String status = state.status();
      if (!force && !status.equals("stopped") && !status.equals("created")) {
        throw new CommandFailure("cannot delete container \"" + id + "\" that is not stopped: " + status);
      }
      remove(state);
    }
  }

  /** Ends what is left of a container and removes what is kept of it. */
  private void remove(ContainerState state) throws CommandFailure {
    if (Boolean.getBoolean("gvisor.recording") && !state.sandbox().isAlive()) {
      state.gofer().awaitEnd(TRAINING_TIMEOUT_MILLIS); // It writes down what it has learnt when it ends by itself.
    }
    if (state.isRoot()) {
      state.sandbox().kill();
    } else {
      leave(state);
    }
    state.gofer().kill();
    if (!state.init().awaitEnd(KILL_TIMEOUT_MILLIS) || !state.gofer().awaitEnd(KILL_TIMEOUT_MILLIS)) {
      throw new CommandFailure("the processes of container \"" + state.id() + "\" do not end");
    }
    HostNetworking.awaitEnd(store.directory(state.id()));
    removeCgroup(state.cgroup());
    store.removeDirectory(state.id());
    try {
      Spec spec = SpecReader.readBundle(Path.of(state.bundle())).spec();
      Hooks.runAll("poststop", spec.hooks().poststop(), state, this::warn);
    } catch (CommandFailure e) {
      // The bundle is gone, and its hooks with it.
    }
  }

  /** Has the sandbox of another forget a container. */
  private void leave(ContainerState state) {
    if (!state.sandbox().isAlive()) {
      return;
    }
    try (ControlClient client = connectDirectly(state)) {
      client.call(client.request("destroy"));
    } catch (CommandFailure e) {
      // It ends right now, or does not answer: then the container is without files from here on.
    }
  }

  /** The end of a container that this command started: its exit code. The container is kept, stopped. */
  public int await(Created created) throws CommandFailure {
    String id = created.state().id();
    int code = created.init().process().waitFor();
    Integer recorded = recordedExitCode(id);
    if (recorded == null) {
      CommandFailure failure = explained(new CommandFailure("the sandbox of container \"" + id + "\" has ended"), id);
      throw new CommandFailure(failure.getMessage(), code == 0 ? CommandFailure.FAILED : code);
    }
    return recorded;
  }

  /** The end of a container that this command started: its exit code. The container is gone afterwards. */
  public int awaitAndRemove(Created created) throws CommandFailure {
    String id = created.state().id();
    try {
      return await(created);
    } finally {
      try (StateStore.Lock _ = store.lock(id)) {
        remove(created.state());
      } catch (CommandFailure e) {
        if (Files.exists(store.directory(id))) {
          warn(e.getMessage());
        }
      }
    }
  }

  /** Ends a container that this command made and could not start. */
  public void abandon(Created created) throws CommandFailure {
    created.init().process().kill(SIGKILL);
    created.init().process().waitFor();
    try (StateStore.Lock _ = store.lock(created.state().id())) {
      remove(created.state());
    }
  }

  /** The exit code that a container's sandbox wrote down, or null. */
  public Integer recordedExitCode(String id) {
    try {
      String text = Files.readString(store.directory(id).resolve("exit"));
      return text.isEmpty() ? null : Integer.valueOf(text);
    } catch (IOException | NumberFormatException e) {
      return null;
    }
  }

  /** The exit code in the answer to a {@code wait} request. */
  public static int exitCode(JsonNode answer) {
    int status = answer.path("status").asInt();
    int signal = status & 0x7f;
    return signal == 0 ? status >> 8 & 0xff : 128 + signal;
  }
}
