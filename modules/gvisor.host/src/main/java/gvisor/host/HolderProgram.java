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
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * The program of a {@link Holder}, an ELF executable without libraries. The build of the image writes it to a file.
 *
 * <p>It blocks all signals and polls a signalfd and the connection to a sandbox. A signal it passes on in a message; the
 * first that comes over the connection ends it, with the exit code that this says, or, when it is the connection's end or
 * anything else, with that of a process that was killed.
 */
public final class HolderProgram {
  /** The descriptor it finds the connection on. */
  public static final int CONNECTION_FD = 3;

  /** What it is told in the end is this plus the exit code, so that every such message is of one length. */
  public static final int EXIT_BASE = 256;

  /** Its exit code when nobody can tell that of the process it stands for. */
  public static final int KILLED = 128 + Sys.SIGKILL;

  // On the stack, from rbx on.
  private static final int SIGNAL = 0, SIGNAL_SIZE = 128; // struct signalfd_siginfo, the signal's number first
  private static final int POLLS = 128, POLL_SIZE = 8, REVENTS = 6;
  private static final int MASK = 144;
  private static final int MESSAGE = 160;
  private static final int ANSWER = 192, ANSWER_ROOM = 32;
  private static final int STACK = 256;

  private static final int NR_POLL = 7;
  private static final int NR_SIGNALFD4 = 289;
  private static final int SIGNAL_SET_SIZE = 8;

  private HolderProgram() {}

  /** Writes the program to the file {@code args[0]}. */
  public static void main(String[] args) throws IOException {
    Executable.write(bytes(), Path.of(args[0]));
  }

  /** The message for signal 0, as a control connection carries {@code {"op": "forward", "signal": 0}}. */
  public static byte[] forwardMessage() {
    return message("\u00a2\u0062op\u0067forward\u0066signal\u0018\u0000");
  }

  /** The message that ends it with exit code 0: {@code {"exit": 256}}. */
  public static byte[] exitMessage() {
    return message("\u00a1\u0064exit\u0019\u0001\u0000");
  }

  /** What it asks of the kernel: its start, and what {@link #code} does. */
  static Bpf filter() {
    return Rule.compile(
        List.of(
            Rule.allow("execve", Sys.NR_EXECVE, "its start"),
            Rule.allow("rt_sigprocmask", Sys.NR_RT_SIGPROCMASK, "signals come as data"),
            Rule.allow("signalfd4", NR_SIGNALFD4, "as above"),
            Rule.allow("poll", NR_POLL, "waiting"),
            Rule.allow("read", Sys.NR_READ, "a signal, the exit code"),
            Rule.allow("write", Sys.NR_WRITE, "a signal passed on"),
            Rule.allow("exit_group", Sys.NR_EXIT_GROUP, "its end")),
        Bpf.KILL_PROCESS);
  }

  /** The program, as a file. */
  public static byte[] bytes() {
    byte[] code = code();
    int size = 0x1000 + code.length;
    return Executable.of(code, size, size).array();
  }

  private static byte[] message(String body) {
    byte[] bytes = body.getBytes(StandardCharsets.ISO_8859_1);
    return ByteBuffer.allocate(4 + bytes.length).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).put(bytes).array();
  }

  private static byte[] code() {
    byte[] forward = forwardMessage();
    int answerLength = exitMessage().length;
    Assembler a = new Assembler();
    a.sub(RSP, STACK);
    a.mov(RBX, RSP);
    a.mov(RAX, -1);
    a.store(RBX, MASK, RAX);
    a.clear(RAX);
    for (int at = 0; at < ANSWER_ROOM; at += 8) {
      a.store(RBX, ANSWER + at, RAX);
    }
    ByteBuffer words = ByteBuffer.allocate(forward.length + 7).order(ByteOrder.LITTLE_ENDIAN).put(forward);
    for (int at = 0; at < forward.length; at += 8) {
      a.mov(RAX, words.getLong(at));
      a.store(RBX, MESSAGE + at, RAX);
    }

    a.mov(RDI, Sys.SIG_SETMASK);
    address(a, MASK);
    a.clear(RDX);
    a.mov(R10, SIGNAL_SET_SIZE);
    call(a, Sys.NR_RT_SIGPROCMASK);
    a.mov(RDI, -1);
    address(a, MASK);
    a.mov(RDX, SIGNAL_SET_SIZE);
    a.clear(R10);
    call(a, NR_SIGNALFD4); // gives a descriptor below 2^31, which is also how a poll of it begins
    a.mov(RDX, (long) Sys.POLLIN << 32);
    a.or(RDX, RAX);
    a.store(RBX, POLLS + POLL_SIZE, RDX);
    a.mov(RDX, (long) Sys.POLLIN << 32 | CONNECTION_FD);
    a.store(RBX, POLLS, RDX);

    Label loop = a.here();
    Label told = new Label();
    a.mov(RDI, RBX);
    a.add(RDI, POLLS);
    a.mov(RSI, 2);
    a.mov(RDX, -1);
    call(a, NR_POLL);
    a.load32(RAX, RBX, POLLS + REVENTS); // and two bytes of the next
    a.and(RAX, 0xffff);
    a.test(RAX);
    a.jump(Condition.NOT_EQUAL, told);

    a.load32(RDI, RBX, POLLS + POLL_SIZE);
    address(a, SIGNAL);
    a.mov(RDX, SIGNAL_SIZE);
    call(a, Sys.NR_READ);
    a.cmp(RAX, SIGNAL_SIZE);
    a.jump(Condition.NOT_EQUAL, loop);
    // The number is the last byte of the message; what is written beyond it here is not sent.
    a.load32(RAX, RBX, SIGNAL);
    a.store(RBX, MESSAGE + forward.length - 1, RAX);
    a.mov(RDI, CONNECTION_FD);
    address(a, MESSAGE);
    a.mov(RDX, forward.length);
    call(a, Sys.NR_WRITE);
    a.jump(loop);

    a.bind(told);
    a.mov(RDI, CONNECTION_FD);
    address(a, ANSWER);
    a.mov(RDX, ANSWER_ROOM);
    call(a, Sys.NR_READ);
    a.mov(RDI, KILLED);
    Label end = new Label();
    a.cmp(RAX, answerLength);
    a.jump(Condition.NOT_EQUAL, end);
    a.load32(RDI, RBX, ANSWER + answerLength - 1); // followed by zeros
    a.bind(end);
    call(a, Sys.NR_EXIT_GROUP);
    a.int3();
    return a.toBytes();
  }

  /** rsi = rbx + offset. */
  private static void address(Assembler a, int offset) {
    a.mov(RSI, RBX);
    a.add(RSI, offset);
  }

  private static void call(Assembler a, int number) {
    a.mov(RAX, number);
    a.syscall();
  }
}
