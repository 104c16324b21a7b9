package gvisor.runsc.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.host.NetworkSnapshot;
import gvisor.api.mem.MemoryFile;
import gvisor.host.Fd;
import gvisor.host.HolderProgram;
import gvisor.host.OwnProcess;
import gvisor.host.P9Socket;
import gvisor.host.ScmSocket;
import gvisor.host.Terminal;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import gvisor.runsc.control.NetworkMessage;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.Spec;
import gvisor.runsc.spec.SpecReader;
import gvisor.sentry.boot.Limits;
import gvisor.sentry.boot.ProcessSpec;
import gvisor.sentry.boot.Sentry;
import gvisor.sentry.boot.Sharing;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Serves the control requests of a sandbox, each connection on a thread of its own.
 *
 * <p>Requests, with their fields and what the answer adds to {@code "ok": true}:
 *
 * <ul>
 *   <li>{@code create}: id, spec, rootOverlay, ociSeccomp, stdio (the numbers the files get), shared (containers whose
 *       namespaces it lives in, by type), memoryLimitBytes, cpus, pidsLimit; descriptors: the gofer's connection, the
 *       files, the exit file
 *   <li>{@code network}: firstUnprivilegedPort, interfaces, routes: what the host's network has that applications use
 *   <li>{@code start}: id
 *   <li>{@code exec}: id, process, stdio, held (it is to have a holder); descriptors: the standard files. Adds pid
 *   <li>{@code hook}: as {@code exec}, before {@code start}; file, what is executed if it is not args[0]
 *   <li>{@code wait}: id, pid, owner. Adds status, as {@code man 2 wait} has it. A process with an owner, whose pid on
 *       the host cannot be seen from here, is killed when the connection ends before it does; its owner, a
 *       {@link gvisor.host.Holder}, is told by {@code {"exit": 256 + exit code}} alone
 *   <li>{@code forward}: signal, for the process that is owned over this connection; SIGWINCH says that its terminal
 *       has another size. Not answered
 *   <li>{@code signal}: id, pid, signal, all
 *   <li>{@code ps}: id. Adds processes, memoryBytes, and holders: pids on the host of who owns processes
 *   <li>{@code stats}: id. Adds memory (currentBytes, limitBytes, oomKills), cpu (usageNanos, userNanos, systemNanos)
 *       and pids (current, limit); a limit of 0 is none
 *   <li>{@code update}: id, and those of memoryLimitBytes, cpus, pidsLimit that change; 0 or less for no limit
 *   <li>{@code pause}, {@code resume}, {@code destroy}: id
 *   <li>{@code resize}: id, pid, rows, columns
 *   <li>{@code detach}: from now on what was created over this connection outlives it, the sandbox if it was started
 *       over it
 * </ul>
 *
 * A pid of 0, or none, is the container's first process.
 *
 * <p>The first container is the sandbox' own: with it everything ends. Any other that ends is written down in its exit
 * file and forgotten, which closes the connection to its gofer.
 *
 * A failure is {@code {"error": message, "exitCode": n}}.
 */
final class ControlServer {
  /** How long the end waits for answers on their way. */
  private static final long LINGER_MILLIS = 1000;

  private static final int SIGKILL = 9, SIGWINCH = 28;

  /** How long a killed container may take before the whole process ends under it. */
  private static final long DEATH_MILLIS = 5000;

  /** How long forgetting a container may take before it is given up. */
  private static final long DESTROY_MILLIS = 15_000;

  private final Sentry sentry;
  private final MemoryFile memory;
  private final Object lock = new Object();
  private final Set<Owned> holders = ConcurrentHashMap.newKeySet();

  // Guarded by lock, up to exitFile.
  private String rootContainer;
  private boolean rootStarted;
  private boolean abandoned;
  private boolean detached;
  private int requestsInFlight;
  private Fd exitFile;

  /** What is counted down when a container that joined is gone, by its id. */
  private final ConcurrentHashMap<String, CountDownLatch> joined = new ConcurrentHashMap<>();

  ControlServer(Sentry sentry, MemoryFile memory) {
    this.sentry = sentry;
    this.memory = memory;
  }

  static ObjectNode success() {
    return Json.object().put("ok", true);
  }

  static ObjectNode failure(Exception e) {
    int code = e instanceof Sentry.StartException start ? start.exitCode() : CommandFailure.FAILED;
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    return Json.object().put("error", message).put("exitCode", code);
  }

  /** Accepts connections on {@code listener} from now on, of user {@code owner} and root. */
  void listen(ScmSocket listener, int owner) {
    ControlListener accepting = new ControlListener(listener, owner, ControlListener.MESSAGE_MILLIS, this::serve);
    startThread("control-accept", accepting::run);
  }

  /** Serves the connection this sandbox was started over; its end is the sandbox's, unless it was detached. */
  void serveParent(ControlConnection parent) {
    startThread(
        "control-parent",
        () -> {
          serve(parent);
          synchronized (lock) {
            if (!detached) {
              abandoned = true;
              lock.notifyAll();
            }
          }
        });
  }

  /** Waits until the first container has ended or nobody wants it any more; returns the exit code of the process. */
  int awaitRootContainer() throws InterruptedException, IOException {
    String id;
    synchronized (lock) {
      while (rootContainer == null && !abandoned) {
        lock.wait();
      }
      if (rootContainer == null) {
        return CommandFailure.FAILED;
      }
      id = rootContainer;
    }
    startThread("abandoned", () -> killWhenAbandoned(id));
    int code = exitCode(sentry.waitFor(id, 0));
    synchronized (lock) {
      if (exitFile != null) {
        writeExitCode(exitFile, code);
      }
      long deadline = System.nanoTime() + LINGER_MILLIS * 1_000_000;
      while (requestsInFlight > 0 && System.nanoTime() < deadline) {
        lock.wait(LINGER_MILLIS);
      }
    }
    sentry.destroy(id);
    return code;
  }

  /** What a shell would report for a wait status. */
  static int exitCode(int waitStatus) {
    int signal = waitStatus & 0x7f;
    return signal == 0 ? waitStatus >> 8 & 0xff : 128 + signal;
  }

  private void killWhenAbandoned(String id) {
    boolean started;
    synchronized (lock) {
      while (!abandoned) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          return;
        }
      }
      started = rootStarted;
    }
    try {
      sentry.signal(id, 0, SIGKILL, started);
      Thread.sleep(DEATH_MILLIS);
    } catch (ErrnoException e) {
      return; // It has ended by itself.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    System.err.println("sandbox: the container does not end when it is killed");
    OwnProcess.exit(CommandFailure.FAILED);
  }

  private static void writeExitCode(Fd file, int code) {
    try {
      file.pwrite(MemorySegment.ofArray(Integer.toString(code).getBytes(StandardCharsets.US_ASCII)), 0);
    } catch (ErrnoException e) {
      System.err.println("sandbox: cannot record the exit code: " + e.getMessage());
    }
  }

  static void startThread(String name, Runnable work) {
    Thread thread = new Thread(null, work, name, 256 << 10);
    thread.setDaemon(true);
    thread.start();
  }

  private void serve(ControlConnection connection) {
    Set<String> attached = new HashSet<>();
    Owned owned = null;
    Fd window = null;
    try {
      for (Message message = connection.receive(); message != null; message = connection.receive()) {
        if (owned != null && message.body().path("op").asText().equals("forward")) {
          message.closeFds();
          forward(message.body().path("signal").asInt(), owned, window);
          continue;
        }
        if (window == null) {
          window = window(message);
        }
        synchronized (lock) {
          requestsInFlight++;
        }
        int owner = message.body().path("owner").asInt(0);
        if (owner != 0) {
          // Answered by a thread of its own, so that this one sees the connection end.
          Message request = message;
          AtomicBoolean running = new AtomicBoolean(true);
          owned = new Owned(message.body().path("id").asText(), message.body().path("pid").asInt(0), owner, running);
          holders.add(owned);
          startThread("control-wait", () -> reply(connection, request, attached, running));
          if (window != null) {
            forward(SIGWINCH, owned, window); // It may have changed before its holder could notice.
          }
        } else {
          reply(connection, message, attached, null);
        }
      }
      if (owned != null && owned.running().get()) {
        sentry.signal(owned.container(), owned.pid(), SIGKILL, false);
      }
    } catch (IOException e) {
      System.err.println("sandbox: " + e.getMessage());
    } catch (ErrnoException e) {
      return; // What was owned has ended: the connection was to end then.
    } catch (OutOfMemoryError e) {
      System.err.println("sandbox: a control message was too much for the memory there is");
    } finally {
      if (owned != null) {
        holders.remove(owned);
      }
      if (window != null) {
        window.close();
      }
      connection.close();
      attached.forEach(this::destroy);
    }
  }

  /** The terminal of a process that is about to have a holder, or null. */
  private static Fd window(Message message) {
    JsonNode body = message.body();
    boolean terminal = body.path("process").path("terminal").asBoolean() && !message.fds().isEmpty();
    if (!body.path("held").asBoolean() || !terminal) {
      return null;
    }
    try {
      return message.fds().getFirst().duplicate();
    } catch (ErrnoException e) {
      return null; // Then changes of its size are not seen.
    }
  }

  /** A signal that the holder of {@code owned} got. */
  private void forward(int signal, Owned owned, Fd window) {
    try {
      if (signal != SIGWINCH) {
        sentry.signal(owned.container(), owned.pid(), signal, false);
      } else if (window != null) {
        int size = Terminal.windowSize(window);
        if (size != 0) {
          sentry.resize(owned.container(), owned.pid(), size >>> 16, size & 0xffff);
        }
      }
    } catch (ErrnoException e) {
      // It has just ended, as its holder is about to hear, or its terminal has been closed.
    }
  }

  /** A process that lives no longer than the connection it is waited for over, whose other end is {@code hostPid}. */
  private record Owned(String container, int pid, int hostPid, AtomicBoolean running) {}

  private void reply(ControlConnection connection, Message message, Set<String> attached, AtomicBoolean running) {
    try {
      ObjectNode answer = answer(message, attached);
      if (running != null) {
        running.set(false);
        int code = answer.has("status") ? exitCode(answer.path("status").asInt()) : HolderProgram.KILLED;
        answer = Json.object().put("exit", HolderProgram.EXIT_BASE + code);
      }
      connection.send(answer, List.of());
    } catch (IOException e) {
      // Who asked has gone; the connection's end is seen where it is read.
      connection.shutdown();
    } finally {
      synchronized (lock) {
        requestsInFlight--;
        lock.notifyAll();
      }
    }
  }

  /** @param attached containers that end with the connection that the message came over */
  ObjectNode answer(Message message, Set<String> attached) {
    boolean done = false;
    try {
      ObjectNode answer = handle(message, attached);
      done = true;
      return answer;
    } catch (IOException | ErrnoException | MalformedJsonException e) {
      return failure(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return failure(e);
    } catch (RuntimeException | Error e) {
      e.printStackTrace();
      return failure(new IOException("internal error: " + e));
    } finally {
      if (!done) {
        message.closeFds();
      }
    }
  }

  private ObjectNode handle(Message message, Set<String> attached)
      throws IOException, ErrnoException, MalformedJsonException, InterruptedException {
    JsonNode body = message.body();
    String id = body.path("id").asText();
    String op = body.path("op").asText();
    int pid = body.path("pid").asInt(0);
    if (!List.of("create", "exec", "hook").contains(op) && !message.fds().isEmpty()) {
      throw new IOException("\"" + op + "\" takes no descriptors");
    }
    switch (op) {
      case "create" -> {
        if (create(id, message)) {
          attached.add(id);
        }
      }
      case "network" -> sentry.setNetwork(network(body));
      case "start" -> start(id);
      case "exec", "hook" -> {
        Spec.Process process = SpecReader.readProcess(body.path("process"));
        if (message.fds().size() != body.path("stdio").size()) {
          throw new IOException(op + " came with " + message.fds().size() + " descriptors, and stdio names another number");
        }
        HostFd[] stdio = stdio(body, message.fds(), 0);
        ProcessSpec translated = SpecTranslator.process(body.path("file").asText(null), process, stdio);
        return success()
            .put("pid", op.equals("exec") ? sentry.exec(id, translated) : sentry.execBeforeStart(id, translated));
      }
      case "wait" -> {
        return success().put("status", sentry.waitFor(id, pid));
      }
      case "signal" -> sentry.signal(id, pid, body.path("signal").asInt(), body.path("all").asBoolean());
      case "ps" -> {
        return processes(id);
      }
      case "stats" -> {
        return stats(id);
      }
      case "update" -> sentry.setLimits(id, limits(body, sentry.limits(id)));
      case "pause" -> sentry.setPaused(id, true);
      case "resume" -> sentry.setPaused(id, false);
      case "resize" -> sentry.resize(id, pid, body.path("rows").asInt(), body.path("columns").asInt());
      case "destroy" -> destroy(id);
      case "detach" -> detach(attached);
      default -> throw new IOException("unknown request \"" + op + "\"");
    }
    return success();
  }

  private static NetworkSnapshot network(JsonNode body) throws IOException {
    try {
      return NetworkMessage.read(body);
    } catch (IllegalArgumentException e) {
      throw new IOException("an address in \"network\" is not hexadecimal");
    }
  }

  /** Makes a container; whether it joined others, and so belongs to who asked until {@link #detach}. */
  private boolean create(String id, Message message) throws IOException, MalformedJsonException {
    JsonNode body = message.body();
    List<Fd> fds = message.fds();
    int given = body.path("stdio").size();
    if (fds.size() != 2 + given) {
      throw new IOException("create came without a gofer or an exit file");
    }
    Spec spec = SpecReader.read(body.path("spec"));
    if (spec.process() == null) {
      throw new IOException("create came without a process");
    }
    HostFd[] stdio = stdio(body, fds, 1);
    boolean first;
    synchronized (lock) {
      first = rootContainer == null;
    }
    if (first && spec.process().terminal() && given > 0) {
      WindowSize.follow(fds.get(1), (rows, columns) -> sentry.resize(id, 0, rows, columns));
    }
    sentry.create(
        SpecTranslator.container(
            id,
            spec,
            new P9Socket(fds.getFirst()),
            body.path("rootOverlay").asBoolean(),
            body.path("ociSeccomp").asBoolean(true),
            sharing(body.path("shared")),
            limits(body, Limits.NONE),
            stdio));
    Fd file = fds.getLast();
    synchronized (lock) {
      if (rootContainer == null) {
        rootContainer = id;
        exitFile = file;
        lock.notifyAll();
        return false;
      }
    }
    CountDownLatch gone = new CountDownLatch(1);
    joined.put(id, gone);
    if (spec.process().terminal() && given > 0) {
      Fd terminal = fds.get(1);
      startThread(
          "terminal-size",
          () -> WindowSize.poll(
              terminal, () -> gone.getCount() == 0, (rows, columns) -> sentry.resize(id, 0, rows, columns)));
    }
    startThread("container-end", () -> awaitJoined(id, file, gone));
    return true;
  }

  /** Waits for the end of a container that is not the first, writes it down, and forgets the container. */
  private void awaitJoined(String id, Fd file, CountDownLatch gone) {
    try {
      writeExitCode(file, exitCode(sentry.waitFor(id, 0)));
      sentry.destroy(id);
    } catch (IOException e) {
      System.err.println("sandbox: container " + id + ": " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      file.close();
      joined.remove(id);
      gone.countDown();
    }
  }

  /** Kills and forgets a container; its end is written down first. */
  private void destroy(String id) {
    CountDownLatch gone = joined.get(id);
    if (gone == null) {
      sentry.destroy(id);
      return;
    }
    try {
      sentry.signal(id, 0, SIGKILL, false);
    } catch (ErrnoException e) {
      // It is dead already, and about to be forgotten.
    }
    try {
      if (!gone.await(DESTROY_MILLIS, TimeUnit.MILLISECONDS)) {
        sentry.destroy(id);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void detach(Set<String> attached) {
    if (!attached.isEmpty()) {
      attached.clear();
      return;
    }
    synchronized (lock) {
      detached = true;
    }
  }

  /** The limits in a request; those of {@code otherwise} that it does not mention. */
  private static Limits limits(JsonNode body, Limits otherwise) {
    return new Limits(
        body.path("memoryLimitBytes").asLong(otherwise.memoryBytes()),
        body.path("cpus").asDouble(otherwise.cpus()),
        body.path("pidsLimit").asLong(otherwise.pids()));
  }

  private ObjectNode stats(String id) throws IOException {
    Sentry.Usage usage = sentry.usage(id);
    ObjectNode answer = success();
    answer
        .putObject("memory")
        .put("currentBytes", usage.memoryBytes())
        .put("limitBytes", usage.memoryLimitBytes())
        .put("oomKills", usage.oomKills());
    answer
        .putObject("cpu")
        .put("usageNanos", usage.userNanos() + usage.systemNanos())
        .put("userNanos", usage.userNanos())
        .put("systemNanos", usage.systemNanos());
    answer.putObject("pids").put("current", usage.pids()).put("limit", usage.pidsLimit());
    return answer;
  }

  private static Sharing sharing(JsonNode shared) {
    return new Sharing(name(shared, "pid"), name(shared, "uts"), name(shared, "ipc"), name(shared, "network"));
  }

  private static String name(JsonNode shared, String type) {
    return shared.path(type).asText(null);
  }

  private void start(String id) throws IOException {
    sentry.start(id);
    synchronized (lock) {
      if (id.equals(rootContainer)) {
        rootStarted = true;
      }
    }
  }

  /** The files a process starts with: {@code stdio} lists their numbers, in the order of the descriptors. */
  private static HostFd[] stdio(JsonNode body, List<Fd> fds, int first) throws IOException {
    JsonNode numbers = body.path("stdio");
    int highest = 2;
    for (JsonNode number : numbers) {
      highest = Math.max(highest, number.asInt(-1));
    }
    if (highest > ScmSocket.MAX_FDS) {
      throw new IOException("stdio: descriptor " + highest + " is out of range");
    }
    HostFd[] files = new HostFd[highest + 1];
    for (int i = 0; i < numbers.size(); i++) {
      int number = numbers.get(i).asInt(-1);
      if (number < 0 || files[number] != null || first + i >= fds.size()) {
        throw new IOException("stdio[" + i + "] has no descriptor");
      }
      files[number] = fds.get(first + i);
    }
    return files;
  }

  private ObjectNode processes(String id) {
    ObjectNode answer = success().put("memoryBytes", memory.committedBytes());
    ArrayNode holderPids = answer.putArray("holders");
    for (Owned owned : holders) {
      if (owned.container().equals(id)) {
        holderPids.add(owned.hostPid());
      }
    }
    ArrayNode list = answer.putArray("processes");
    for (Sentry.ProcessInfo info : sentry.processes(id)) {
      list.addObject()
          .put("pid", info.pid())
          .put("ppid", info.ppid())
          .put("uid", Integer.toUnsignedLong(info.uid()))
          .put("command", info.command())
          .put("startRealtimeNanos", info.startRealtimeNanos())
          .put("cpuNanos", info.cpuNanos())
          .put("threads", info.threads());
    }
    return answer;
  }
}
