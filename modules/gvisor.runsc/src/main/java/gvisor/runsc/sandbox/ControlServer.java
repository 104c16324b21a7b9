package gvisor.runsc.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.mem.MemoryFile;
import gvisor.host.Fd;
import gvisor.host.P9Socket;
import gvisor.host.ScmSocket;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.Spec;
import gvisor.runsc.spec.SpecReader;
import gvisor.sentry.boot.Sentry;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Serves the control requests of a sandbox, each connection on a thread of its own.
 *
 * <p>Requests, with their fields and what the answer adds to {@code "ok": true}:
 *
 * <ul>
 *   <li>{@code create}: id, spec, rootOverlay, stdio (the numbers the files get), exitFile; descriptors: the gofer's
 *       connection, the files, the exit file
 *   <li>{@code start}: id
 *   <li>{@code exec}: id, process, stdio; descriptors: the standard files. Adds pid
 *   <li>{@code wait}: id, pid, owned. Adds status, as {@code man 2 wait} has it. A process that is owned is killed when
 *       the connection ends before it does
 *   <li>{@code signal}: id, pid, signal, all
 *   <li>{@code ps}: id. Adds processes, memoryBytes, and holders: pids on the host of who owns processes
 *   <li>{@code pause}, {@code resume}, {@code destroy}: id
 *   <li>{@code resize}: id, pid, rows, columns
 *   <li>{@code detach}: from now on the sandbox outlives the connection it was started over
 * </ul>
 *
 * A failure is {@code {"error": message, "exitCode": n}}.
 */
final class ControlServer {
  /** How long the end waits for answers on their way. */
  private static final long LINGER_MILLIS = 1000;

  private static final int SIGKILL = 9;

  /** How long a killed container may take before the whole process ends under it. */
  private static final long DEATH_MILLIS = 5000;

  private final Sentry sentry;
  private final MemoryFile memory;
  private final Object lock = new Object();
  private final Set<Owned> holders = ConcurrentHashMap.newKeySet();

  // Guarded by lock.
  private String rootContainer;
  private boolean rootStarted;
  private boolean abandoned;
  private boolean detached;
  private int requestsInFlight;
  private Fd exitFile;

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

  /** Accepts connections on {@code listener} from now on. */
  void listen(ScmSocket listener) {
    startThread(
        "control-accept",
        () -> {
          while (true) {
            try {
              ControlConnection connection = new ControlConnection(listener.accept());
              startThread("control", () -> serve(connection));
            } catch (ErrnoException e) {
              return; // The listening socket is gone: the process is about to end.
            }
          }
        });
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
    int code = exitCode(sentry.waitFor(id, 1));
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
      sentry.signal(id, 1, SIGKILL, started);
      Thread.sleep(DEATH_MILLIS);
    } catch (ErrnoException e) {
      return; // It has ended by itself.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    System.err.println("sandbox: the container does not end when it is killed");
    Runtime.getRuntime().halt(CommandFailure.FAILED);
  }

  private static void writeExitCode(Fd file, int code) {
    try {
      file.pwrite(MemorySegment.ofArray(Integer.toString(code).getBytes(StandardCharsets.US_ASCII)), 0);
    } catch (ErrnoException e) {
      System.err.println("sandbox: cannot record the exit code: " + e.getMessage());
    }
  }

  private static void startThread(String name, Runnable work) {
    Thread thread = new Thread(null, work, name, 256 << 10);
    thread.setDaemon(true);
    thread.start();
  }

  private void serve(ControlConnection connection) {
    Owned owned = null;
    try {
      for (Message message = connection.receive(); message != null; message = connection.receive()) {
        synchronized (lock) {
          requestsInFlight++;
        }
        if (message.body().path("owned").asBoolean()) {
          // Answered by a thread of its own, so that this one sees the connection end.
          Message request = message;
          AtomicBoolean running = new AtomicBoolean(true);
          int hostPid = connection.socket().peer().pid();
          owned = new Owned(message.body().path("id").asText(), message.body().path("pid").asInt(1), hostPid, running);
          holders.add(owned);
          startThread("control-wait", () -> reply(connection, request, running));
        } else {
          reply(connection, message, null);
        }
      }
      if (owned != null && owned.running().get()) {
        sentry.signal(owned.container(), owned.pid(), SIGKILL, false);
      }
    } catch (IOException e) {
      System.err.println("sandbox: " + e.getMessage());
    } catch (ErrnoException e) {
      return; // What was owned has ended: the connection was to end then.
    } finally {
      if (owned != null) {
        holders.remove(owned);
      }
      connection.close();
    }
  }

  /** A process that lives no longer than the connection it is waited for over, whose other end is {@code hostPid}. */
  private record Owned(String container, int pid, int hostPid, AtomicBoolean running) {}

  private void reply(ControlConnection connection, Message message, AtomicBoolean running) {
    try {
      ObjectNode answer = answer(message);
      if (running != null) {
        running.set(false);
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

  private ObjectNode answer(Message message) {
    try {
      return handle(message);
    } catch (IOException | ErrnoException | MalformedJsonException e) {
      message.closeFds();
      return failure(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return failure(e);
    } catch (RuntimeException | Error e) {
      e.printStackTrace();
      message.closeFds();
      return failure(new IOException("internal error: " + e));
    }
  }

  private ObjectNode handle(Message message)
      throws IOException, ErrnoException, MalformedJsonException, InterruptedException {
    JsonNode body = message.body();
    String id = body.path("id").asText();
    String op = body.path("op").asText();
    int pid = body.path("pid").asInt(1);
    switch (op) {
      case "create" -> create(id, message);
      case "start" -> start(id);
      case "exec" -> {
        Spec.Process process = SpecReader.readProcess(body.path("process"));
        HostFd[] stdio = stdio(body, message.fds(), 0);
        return success().put("pid", sentry.exec(id, SpecTranslator.process(process, stdio)));
      }
      case "wait" -> {
        return success().put("status", sentry.waitFor(id, pid));
      }
      case "signal" -> sentry.signal(id, pid, body.path("signal").asInt(), body.path("all").asBoolean());
      case "ps" -> {
        return processes(id);
      }
      case "pause" -> sentry.setPaused(id, true);
      case "resume" -> sentry.setPaused(id, false);
      case "resize" -> sentry.resize(id, pid, body.path("rows").asInt(), body.path("columns").asInt());
      case "destroy" -> sentry.destroy(id);
      case "detach" -> {
        synchronized (lock) {
          detached = true;
        }
      }
      default -> throw new IOException("unknown request \"" + op + "\"");
    }
    return success();
  }

  private void create(String id, Message message) throws IOException, MalformedJsonException {
    JsonNode body = message.body();
    List<Fd> fds = message.fds();
    if (fds.isEmpty()) {
      throw new IOException("create came without a gofer");
    }
    Spec spec = SpecReader.read(body.path("spec"));
    int given = body.path("stdio").size();
    HostFd[] stdio = stdio(body, fds, 1);
    boolean first;
    synchronized (lock) {
      first = rootContainer == null;
    }
    if (first && spec.process().terminal() && given > 0) {
      WindowSize.follow(fds.get(1), (rows, columns) -> sentry.resize(id, 1, rows, columns));
    }
    sentry.create(
        SpecTranslator.container(
            id,
            spec,
            new P9Socket(fds.getFirst()),
            body.path("rootOverlay").asBoolean(),
            stdio));
    synchronized (lock) {
      if (rootContainer == null) {
        rootContainer = id;
        exitFile = fds.size() > 1 + given ? fds.get(1 + given) : null;
        lock.notifyAll();
      }
    }
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
      if (number < 0 || first + i >= fds.size()) {
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
