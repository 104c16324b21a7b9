package gvisor.host;

import static gvisor.host.asm.Reg.R10;
import static gvisor.host.asm.Reg.R12;
import static gvisor.host.asm.Reg.R13;
import static gvisor.host.asm.Reg.R8;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;
import static gvisor.host.asm.Reg.RSP;

import gvisor.api.errno.Errno;
import gvisor.host.asm.Assembler;
import gvisor.host.asm.Assembler.Condition;
import gvisor.host.asm.Assembler.Label;
import gvisor.host.libc.Sys;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The program of a {@link SocketMaker}, an ELF executable without libraries. The build of the image writes it to a file.
 *
 * <p>It takes one request after another from the connection that is descriptor 3, a packet of {@link #REQUEST_SIZE}
 * bytes: four {@code int}s and an address. It answers each with a {@code long}: 0, or an error number, negated.
 *
 * <ul>
 *   <li>{@link #SOCKET}, family, type, protocol: the answer brings the socket
 *   <li>{@link #BIND} or {@link #CONNECT}, 0, 0, length of the address; the request brings a socket
 *   <li>{@link #LISTEN}, backlog, 0, 0; the request brings a socket
 * </ul>
 *
 * <p>It keeps nothing between two requests. A descriptor that comes to it has to be a socket of AF_INET or AF_INET6, and
 * an address has to be one of these, or of AF_UNSPEC: asking the kernel for the family of the socket and not the Sentry
 * is what keeps abstract Unix sockets of the host out of reach. Which sockets are made is for {@link
 * gvisor.host.seccomp.SocketMakerFilter} to say: a filter sees all of that call. A packet of another size ends it.
 */
public final class SocketMakerProgram {
  /** The descriptor of the connection. */
  public static final int CONNECTION_FD = 3;

  static final int REQUEST_SIZE = 144;
  static final int ADDRESS = 16;
  static final int MAX_ADDRESS = 128;
  static final int ANSWER_SIZE = 8;

  /** Operations. */
  static final int SOCKET = 0, BIND = 1, CONNECT = 2, LISTEN = 3;

  private static final long BASE = 0x400000;
  private static final int CODE = 0x1000;

  // On the stack, from rbx on. A control message is a header of 16 bytes and a descriptor.
  private static final int REQUEST = 0;
  private static final int CONTROL = 144, DESCRIPTOR = CONTROL + 16, ONE_DESCRIPTOR = 20, CONTROL_SPACE = 24;
  private static final int HEADER = 176, HEADER_IOV = 16, HEADER_IOVLEN = 24, HEADER_CONTROL = 32;
  private static final int HEADER_CONTROLLEN = 40, HEADER_FLAGS = 48;
  private static final int IOV = 240, ANSWER = 256, LENGTH = 264, DOMAIN = 272;
  private static final int STACK = 288;

  private static final int NR_CLOSE = 3, NR_SOCKET = 41, NR_CONNECT = 42, NR_SENDMSG = 46, NR_RECVMSG = 47;
  private static final int NR_BIND = 49, NR_LISTEN = 50, NR_GETSOCKOPT = 55;
  private static final int AF_INET = 2, AF_INET6 = 10, SO_DOMAIN = 39, PR_SET_DUMPABLE = 4;

  private SocketMakerProgram() {}

  /** Writes the program to the file {@code args[0]}. */
  public static void main(String[] args) throws IOException {
    Path file = Path.of(args[0]);
    Files.write(file, bytes());
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** The program, as a file. */
  public static byte[] bytes() {
    byte[] code = code();
    ByteBuffer file = ByteBuffer.allocate(CODE + code.length).order(ByteOrder.LITTLE_ENDIAN);
    // man 5 elf: ELFCLASS64, ELFDATA2LSB, EV_CURRENT; ET_EXEC, EM_X86_64.
    file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
    file.putShort((short) 2).putShort((short) 62).putInt(1);
    file.putLong(BASE + CODE).putLong(64).putLong(0).putInt(0);
    file.putShort((short) 64).putShort((short) 56).putShort((short) 2);
    // PT_LOAD, readable and executable; PT_GNU_STACK, readable and writable.
    file.position(64);
    file.putInt(1).putInt(5).putLong(0).putLong(BASE).putLong(BASE);
    file.putLong(file.capacity()).putLong(file.capacity()).putLong(0x1000);
    file.putInt(0x6474e551).putInt(6);
    file.position(CODE).put(code);
    return file.array();
  }

  private static byte[] code() {
    Assembler a = new Assembler();
    Label make = new Label();
    Label answer = new Label();
    Label end = new Label();
    a.sub(RSP, STACK);
    a.mov(RBX, RSP);
    a.mov(RDI, PR_SET_DUMPABLE);
    a.clear(RSI);
    call(a, Sys.NR_PRCTL);
    Label loop = a.here();
    receive(a, end);
    a.load32(RAX, RBX, REQUEST);
    a.cmp(RAX, SOCKET);
    a.jump(Condition.EQUAL, make);
    name(a, answer);

    a.bind(make);
    a.mov(RDI, R12); // None was to come.
    call(a, NR_CLOSE);
    make(a, answer, loop);

    a.bind(answer);
    a.store(RBX, ANSWER, RAX);
    a.mov(RDI, R12);
    call(a, NR_CLOSE);
    send(a, 0);
    a.test(RAX);
    a.jump(Condition.NOT_NEGATIVE, loop);
    a.bind(end);
    a.clear(RDI);
    call(a, Sys.NR_EXIT_GROUP);
    a.int3();
    return a.toBytes();
  }

  /** Waits for a request; its descriptor into r12, or -1. */
  private static void receive(Assembler a, Label end) {
    a.mov(RAX, -1);
    a.store(RBX, DESCRIPTOR, RAX);
    header(a, REQUEST, REQUEST_SIZE, ONE_DESCRIPTOR); // The kernel closes more than one.
    a.mov(RDI, CONNECTION_FD);
    address(a, RSI, HEADER);
    a.mov(RDX, Sys.MSG_CMSG_CLOEXEC);
    call(a, NR_RECVMSG);
    a.cmp(RAX, REQUEST_SIZE);
    a.jump(Condition.NOT_EQUAL, end);
    a.load32(R12, RBX, DESCRIPTOR);
  }

  /** What is done to the socket in r12; leads to {@code answer}. */
  private static void name(Assembler a, Label answer) {
    Label own = new Label();
    Label listen = new Label();
    Label named = new Label();
    Label bind = new Label();
    Label foreign = new Label();
    Label invalid = new Label();
    a.clear(RAX);
    a.store(RBX, DOMAIN, RAX);
    a.mov(RAX, 4);
    a.store(RBX, LENGTH, RAX);
    a.mov(RDI, R12);
    a.mov(RSI, Sys.SOL_SOCKET);
    a.mov(RDX, SO_DOMAIN);
    address(a, R10, DOMAIN);
    address(a, R8, LENGTH);
    call(a, NR_GETSOCKOPT);
    a.test(RAX);
    a.jump(Condition.NEGATIVE, answer);
    a.load32(RAX, RBX, DOMAIN);
    jumpIfInternet(a, own);
    a.jump(foreign);

    a.bind(own);
    a.load32(RAX, RBX, REQUEST);
    a.cmp(RAX, LISTEN);
    a.jump(Condition.EQUAL, listen);
    a.load32(RDX, RBX, REQUEST + 12);
    a.cmp(RDX, MAX_ADDRESS + 1);
    a.jump(Condition.ABOVE_OR_EQUAL, invalid);
    a.load32(RAX, RBX, REQUEST + ADDRESS);
    a.and(RAX, 0xffff);
    a.cmp(RAX, 0);
    a.jump(Condition.EQUAL, named);
    jumpIfInternet(a, named);
    a.bind(foreign);
    a.mov(RAX, -Errno.EAFNOSUPPORT.number());
    a.jump(answer);

    a.bind(named);
    a.mov(RDI, R12);
    address(a, RSI, REQUEST + ADDRESS);
    a.load32(RAX, RBX, REQUEST);
    a.cmp(RAX, BIND);
    a.jump(Condition.EQUAL, bind);
    a.cmp(RAX, CONNECT);
    a.jump(Condition.NOT_EQUAL, invalid);
    call(a, NR_CONNECT);
    a.jump(answer);
    a.bind(bind);
    call(a, NR_BIND);
    a.jump(answer);

    a.bind(listen);
    a.mov(RDI, R12);
    a.load32(RSI, RBX, REQUEST + 4);
    call(a, NR_LISTEN);
    a.jump(answer);

    a.bind(invalid);
    a.mov(RAX, -Errno.EINVAL.number());
    a.jump(answer);
  }

  /** Makes a socket and gives it away; leads to {@code loop} then, or to {@code answer} with an error. */
  private static void make(Assembler a, Label answer, Label loop) {
    a.load32(RDI, RBX, REQUEST + 4);
    a.load32(RSI, RBX, REQUEST + 8);
    a.load32(RDX, RBX, REQUEST + 12);
    call(a, NR_SOCKET);
    a.mov(R12, -1);
    a.test(RAX);
    a.jump(Condition.NEGATIVE, answer);
    a.mov(R12, RAX);
    a.store(RBX, DESCRIPTOR, R12);
    a.mov(RAX, ONE_DESCRIPTOR);
    a.store(RBX, CONTROL, RAX);
    a.mov(RAX, (long) Sys.SCM_RIGHTS << 32 | Sys.SOL_SOCKET);
    a.store(RBX, CONTROL + 8, RAX);
    a.clear(RAX);
    a.store(RBX, ANSWER, RAX);
    send(a, CONTROL_SPACE);
    a.mov(R13, RAX);
    a.mov(RDI, R12);
    call(a, NR_CLOSE);
    a.mov(R12, -1);
    a.mov(RAX, R13);
    a.test(RAX);
    a.jump(Condition.NEGATIVE, answer); // The error says why it could not be given away.
    a.jump(loop);
  }

  private static void send(Assembler a, int controlLength) {
    header(a, ANSWER, ANSWER_SIZE, controlLength);
    a.mov(RDI, CONNECTION_FD);
    address(a, RSI, HEADER);
    a.mov(RDX, Sys.MSG_NOSIGNAL);
    call(a, NR_SENDMSG);
  }

  /** {@code struct msghdr} for one buffer. */
  private static void header(Assembler a, int buffer, int size, int controlLength) {
    a.clear(RAX);
    a.store(RBX, HEADER, RAX);
    a.store(RBX, HEADER + 8, RAX);
    a.store(RBX, HEADER + HEADER_FLAGS, RAX);
    address(a, RAX, IOV);
    a.store(RBX, HEADER + HEADER_IOV, RAX);
    a.mov(RAX, 1);
    a.store(RBX, HEADER + HEADER_IOVLEN, RAX);
    address(a, RAX, buffer);
    a.store(RBX, IOV, RAX);
    a.mov(RAX, size);
    a.store(RBX, IOV + 8, RAX);
    address(a, RAX, CONTROL);
    a.store(RBX, HEADER + HEADER_CONTROL, RAX);
    a.mov(RAX, controlLength);
    a.store(RBX, HEADER + HEADER_CONTROLLEN, RAX);
  }

  private static void jumpIfInternet(Assembler a, Label target) {
    a.cmp(RAX, AF_INET);
    a.jump(Condition.EQUAL, target);
    a.cmp(RAX, AF_INET6);
    a.jump(Condition.EQUAL, target);
  }

  private static void address(Assembler a, gvisor.host.asm.Reg dst, int offset) {
    a.mov(dst, RBX);
    a.add(dst, offset);
  }

  private static void call(Assembler a, int number) {
    a.mov(RAX, number);
    a.syscall();
  }
}
