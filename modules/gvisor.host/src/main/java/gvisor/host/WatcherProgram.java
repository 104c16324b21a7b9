package gvisor.host;

import static gvisor.host.asm.Reg.R10;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;
import static gvisor.host.asm.Reg.RSP;

import gvisor.host.asm.Assembler;
import gvisor.host.asm.Assembler.Condition;
import gvisor.host.asm.Assembler.Label;
import gvisor.host.libc.Sys;
import gvisor.host.seccomp.Bpf;
import gvisor.host.seccomp.Rule;
import gvisor.host.seccomp.SystemCallNames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * The program of a {@link Watcher}, an ELF executable without libraries. The build of the image writes it to a file.
 *
 * <p>It polls, for a sandbox and a gofer, the listener of the filter and a pidfd, where it has them. When a listener has
 * something to say it takes it, writes one line with the call's name, kills the process and ends; when a process ends it
 * ends too. What it takes is a structure of the kernel ({@code struct seccomp_notif}, {@code man 2 seccomp_unotify}), of
 * which it looks at the call's number alone.
 */
public final class WatcherProgram {
  /** Descriptors it is started with: the log, and a listener followed by a pidfd each. */
  public static final int LOG_FD = 2, SANDBOX_FD = 3, GOFER_FD = 5;

  private static final long BASE = Executable.BASE;
  private static final int TEXTS = 0x2000;
  private static final int NAMES = 0x4000; // a multiple of the size of all names
  private static final int NAME_BITS = 5;
  private static final int NAME_SIZE = 1 << NAME_BITS;
  private static final int TEXT_SIZE = 0x100;

  // On the stack, from rbx on.
  private static final int NOTIFICATION = 0, NOTIFICATION_SIZE = 80, NUMBER = 16;
  private static final int POLLS = 128, POLL_SIZE = 8, POLLS_COUNT = 4, REVENTS = 6;
  private static final int STACK = 256;

  private static final int NR_POLL = 7;
  private static final int NR_FCNTL = 72;
  private static final long SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100L;

  private WatcherProgram() {}

  /** Writes the program to the file {@code args[0]}. */
  public static void main(String[] args) throws IOException {
    Executable.write(bytes(), Path.of(args[0]));
  }

  /** What it asks of the kernel: its start, and what {@link #code} does. */
  static Bpf filter() {
    return Rule.compile(
        List.of(
            Rule.allow("execve", Sys.NR_EXECVE, "its start"),
            Rule.allow("poll", NR_POLL, "waiting"),
            Rule.allow("fcntl", NR_FCNTL, "which descriptors there are").when("F_GETFD", Rule.is(1, Sys.F_GETFD)),
            Rule.allow("ioctl", Sys.NR_IOCTL, "which call was made")
                .when("SECCOMP_IOCTL_NOTIF_RECV", Rule.is(1, (int) SECCOMP_IOCTL_NOTIF_RECV)),
            Rule.allow("write", Sys.NR_WRITE, "the log"),
            Rule.allow("pidfd_send_signal", Sys.NR_PIDFD_SEND_SIGNAL, "the end of what it watches"),
            Rule.allow("exit_group", Sys.NR_EXIT_GROUP, "its end")),
        Bpf.KILL_PROCESS);
  }

  /** The program, as a file. */
  public static byte[] bytes() {
    ByteBuffer file = Executable.of(code(), TEXTS, NAMES + SystemCallNames.LIMIT * NAME_SIZE);
    text(file, 0, "sandbox");
    text(file, 1, "gofer");
    for (int number = 0; number < SystemCallNames.LIMIT; number++) {
      String name = SystemCallNames.of(number);
      String line = name != null ? name + " (" + number + ")" : "number " + number;
      if (number == SystemCallNames.LIMIT - 1) {
        line = "without a name";
      }
      file.position(NAMES + number * NAME_SIZE);
      file.put(("%-" + (NAME_SIZE - 1) + "s\n").formatted(line).getBytes(StandardCharsets.US_ASCII));
    }
    return file.array();
  }

  private static void text(ByteBuffer file, int index, String kind) {
    file.position(TEXTS + index * TEXT_SIZE).put(text(kind).getBytes(StandardCharsets.US_ASCII));
  }

  private static String text(String kind) {
    return kind + ": killed for a system call that its filter does not allow: ";
  }

  private static byte[] code() {
    Assembler a = new Assembler();
    a.sub(RSP, STACK);
    a.mov(RBX, RSP);
    for (int i = 0; i < POLLS_COUNT; i++) {
      preparePoll(a, i);
    }
    Label loop = a.here();
    Label end = new Label();
    a.mov(RDI, RBX);
    a.add(RDI, POLLS);
    a.mov(RSI, POLLS_COUNT);
    a.mov(RDX, -1);
    call(a, NR_POLL);
    handle(a, 0, "sandbox", SANDBOX_FD, loop, end);
    handle(a, 1, "gofer", GOFER_FD, loop, end);
    a.jump(loop);
    a.bind(end);
    a.clear(RDI);
    call(a, Sys.NR_EXIT_GROUP);
    a.int3();
    return a.toBytes();
  }

  /** Entry {@code index}: descriptor 3 + index, or none when that is not open. */
  private static void preparePoll(Assembler a, int index) {
    Label open = new Label();
    a.mov(RDI, SANDBOX_FD + index);
    a.mov(RSI, Sys.F_GETFD);
    call(a, NR_FCNTL);
    a.mov(RDX, (long) Sys.POLLIN << 32 | SANDBOX_FD + index);
    a.test(RAX);
    a.jump(Condition.NOT_NEGATIVE, open);
    a.mov(RDX, (long) Sys.POLLIN << 32 | 0xffff_ffffL);
    a.bind(open);
    a.store(RBX, POLLS + index * POLL_SIZE, RDX);
  }

  private static void handle(Assembler a, int index, String kind, int listener, Label loop, Label end) {
    Label silent = new Label();
    jumpUnlessReadable(a, 2 * index, silent);
    a.clear(RAX);
    for (int at = 0; at < NOTIFICATION_SIZE; at += 8) {
      a.store(RBX, NOTIFICATION + at, RAX); // or the kernel refuses to fill it
    }
    a.mov(RDI, listener);
    a.mov(RSI, SECCOMP_IOCTL_NOTIF_RECV);
    a.mov(RDX, RBX);
    call(a, Sys.NR_IOCTL);
    a.test(RAX);
    a.jump(Condition.NEGATIVE, loop); // who made the call is gone

    a.mov(RDI, LOG_FD);
    a.mov(RSI, BASE + TEXTS + (long) index * TEXT_SIZE);
    a.mov(RDX, text(kind).length());
    call(a, Sys.NR_WRITE);
    a.load32(RAX, RBX, NOTIFICATION + NUMBER);
    a.mov(RSI, BASE + NAMES);
    Label named = new Label();
    a.mov(RDX, RAX);
    a.and(RDX, -SystemCallNames.LIMIT);
    a.test(RDX);
    a.jump(Condition.EQUAL, named);
    a.mov(RAX, SystemCallNames.LIMIT - 1); // of another ABI
    a.bind(named);
    a.shl(RAX, NAME_BITS);
    a.or(RSI, RAX);
    a.mov(RDI, LOG_FD);
    a.mov(RDX, NAME_SIZE);
    call(a, Sys.NR_WRITE);
    a.mov(RDI, listener + 1);
    a.mov(RSI, Sys.SIGKILL);
    a.clear(RDX);
    a.clear(R10);
    call(a, Sys.NR_PIDFD_SEND_SIGNAL);
    a.jump(end);

    a.bind(silent);
    Label alive = new Label();
    jumpUnlessReadable(a, 2 * index + 1, alive);
    a.jump(end);
    a.bind(alive);
  }

  private static void jumpUnlessReadable(Assembler a, int poll, Label otherwise) {
    a.load32(RAX, RBX, POLLS + poll * POLL_SIZE + REVENTS);
    a.and(RAX, Sys.POLLIN);
    a.test(RAX);
    a.jump(Condition.EQUAL, otherwise);
  }

  private static void call(Assembler a, int number) {
    a.mov(RAX, number);
    a.syscall();
  }
}
