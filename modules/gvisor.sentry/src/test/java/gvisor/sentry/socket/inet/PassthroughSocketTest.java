package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.IPPROTO_TCP;
import static gvisor.api.abi.SocketAbi.MSG_FASTOPEN;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.SOCK_DGRAM;
import static gvisor.api.abi.SocketAbi.SOCK_STREAM;
import static gvisor.api.abi.SocketAbi.SOL_SOCKET;
import static gvisor.api.abi.SocketAbi.SO_ATTACH_FILTER;
import static gvisor.api.abi.SocketAbi.SO_LINGER;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostMessage;
import gvisor.api.host.HostSocket;
import gvisor.api.host.NetworkSnapshot;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.FakeMachine;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketLayer;
import gvisor.sentry.vfs.Caller;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;

class PassthroughSocketTest {
  private final FakeMachine machine = new FakeMachine(1 << 20);
  private final Network net = new Network(new SocketLayer(machine), (family, type, protocol) -> null);
  private final Scripted host = new Scripted();

  /** A socket of the host that notes what is asked and answers as it is told. */
  private static final class Scripted implements HostSocket {
    final List<String> asked = new ArrayList<>();
    final Deque<Object> connects = new ArrayDeque<>();
    final StringBuilder sent = new StringBuilder();
    String incoming = "";
    int room = Integer.MAX_VALUE;
    int ready;
    IntConsumer listener;

    @Override
    public void bind(MemorySegment address, int length) {
      asked.add("bind");
    }

    @Override
    public long connect(MemorySegment address, int length) throws ErrnoException {
      asked.add("connect");
      Object next = connects.remove();
      if (next instanceof Errno e) {
        throw e.error();
      }
      return (Long) next;
    }

    @Override
    public void listen(int backlog) {
      asked.add("listen");
    }

    @Override
    public HostSocket accept(HostMessage peer) {
      return null;
    }

    @Override
    public long send(MemorySegment data, HostMessage message, int flags) {
      asked.add("send " + data.byteSize() + (flags == 0 ? "" : " 0x" + Integer.toHexString(flags)));
      if (room == 0) {
        return WOULD_BLOCK;
      }
      int n = (int) Math.min(room, data.byteSize());
      room -= n;
      sent.append(new String(data.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII));
      return n;
    }

    @Override
    public long receive(MemorySegment data, HostMessage message, int flags) {
      asked.add("receive " + data.byteSize());
      if (incoming.isEmpty()) {
        return WOULD_BLOCK;
      }
      int n = (int) Math.min(incoming.length(), data.byteSize());
      MemorySegment.copy(MemorySegment.ofArray(incoming.getBytes(StandardCharsets.US_ASCII)), 0, data, 0, n);
      if ((flags & MSG_PEEK) == 0) {
        incoming = incoming.substring(n);
      }
      return n;
    }

    @Override
    public int localAddress(MemorySegment out) {
      return 0;
    }

    @Override
    public int peerAddress(MemorySegment out) throws ErrnoException {
      throw Errno.ENOTCONN.error();
    }

    @Override
    public void shutdown(int how) {}

    @Override
    public int option(int level, int name, MemorySegment value, int length) {
      return 0;
    }

    @Override
    public void setOption(int level, int name, MemorySegment value, int length) {
      asked.add("option " + level + " " + name + " " + value.get(ValueLayout.JAVA_INT_UNALIGNED, 0));
    }

    @Override
    public int count(int request) {
      return 0;
    }

    @Override
    public int readiness(int mask) {
      return ready & (mask | EventMask.ALWAYS);
    }

    @Override
    public void watch(int mask, IntConsumer told) {
      listener = told;
    }

    @Override
    public void close() {
      asked.add("close");
    }
  }

  /** A buffer in pieces, as an iovec is. */
  private static final class Pieces extends IoBuffer {
    private final MemorySegment all;
    private final int piece;
    private long at;

    Pieces(String text, int piece) {
      this.all = MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
      this.piece = piece;
    }

    @Override
    public long remaining() {
      return all.byteSize() - at;
    }

    @Override
    public long prepare(long max, boolean write) {
      return Math.min(Math.min(max, remaining()), piece - at % piece);
    }

    @Override
    public MemorySegment segment() {
      return all;
    }

    @Override
    public long offset() {
      return at;
    }

    @Override
    public void advance(long n) {
      at += n;
    }

    @Override
    public void retreat(long n) {
      at -= n;
    }

    @Override
    public void release() {}

    String text() {
      return new String(all.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII);
    }
  }

  private static Caller caller(long capabilities) {
    return (Caller) Proxy.newProxyInstance(
        Caller.class.getClassLoader(), new Class<?>[] {Caller.class},
        (proxy, method, arguments) -> method.getName().equals("creds") ? Credentials.root(capabilities) : null);
  }

  private PassthroughSocket socket(int type) {
    return new PassthroughSocket(net, AF_INET, type, type == SOCK_STREAM ? IPPROTO_TCP : 17, 0, host);
  }

  private static AddrBuffer address(int port) {
    AddrBuffer a = new AddrBuffer();
    a.start(AF_INET, 16);
    a.putPort(2, port);
    return a;
  }

  private static Errno fails(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(ErrnoException.class, call).errno();
  }

  @Test
  void shortPiecesLeaveTogether() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    assertEquals(10, s.send(null, null, new Pieces("0123456789", 3), 0));
    assertEquals(List.of("send 10"), host.asked);
    assertEquals("0123456789", host.sent.toString());
  }

  @Test
  void longPiecesOfAStreamAreNotCopiedAndSayThatMoreComes() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    assertEquals(50_000, s.send(null, null, new Pieces("x".repeat(50_000), 20_000), 0));
    assertEquals(List.of("send 20000 0x8000", "send 20000 0x8000", "send 10000"), host.asked);
  }

  @Test
  void whatDidNotFitIsStillToBeSent() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    host.room = 4;
    Pieces data = new Pieces("0123456789", 3);
    assertEquals(4, s.send(null, null, data, 0));
    assertEquals(6, data.remaining());
    assertEquals(-11, s.send(null, null, data, 0));
    assertEquals(6, data.remaining());
    host.room = 100;
    assertEquals(6, s.send(null, null, data, 0));
    assertEquals("0123456789", host.sent.toString());
  }

  @Test
  void aDatagramThatWouldBlockIsWholeTheNextTime() throws Exception {
    PassthroughSocket s = socket(SOCK_DGRAM);
    host.room = 0;
    Pieces data = new Pieces("0123456789", 3);
    assertEquals(-11, s.send(null, null, data, 0));
    assertEquals(10, data.remaining());
    assertEquals(Errno.EMSGSIZE, fails(() -> s.send(null, null, new Pieces("x".repeat(65_536), 3), 0)));
    assertEquals(Errno.EOPNOTSUPP, fails(() -> s.send(null, null, data, MSG_FASTOPEN)));
  }

  @Test
  void aStreamFillsPiecesAndAsksNoMoreThanItHasTo() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    host.incoming = "01234567";
    Pieces into = new Pieces("..........", 4);
    assertEquals(8, s.receive(null, null, into, 0));
    assertEquals("01234567..", into.text());
    assertEquals(List.of("receive 4", "receive 4", "receive 2"), host.asked);
    host.incoming = "ab";
    assertEquals(2, s.receive(null, null, new Pieces("..........", 10), 0));
    assertEquals(4, host.asked.size());
  }

  @Test
  void aMessageAndWhatIsPeekedAtIsTakenAtOnce() throws Exception {
    host.incoming = "0123456789";
    Pieces peeked = new Pieces("........", 3);
    assertEquals(8, socket(SOCK_STREAM).receive(null, null, peeked, MSG_PEEK));
    assertEquals("01234567", peeked.text());
    Pieces message = new Pieces("..........", 3);
    assertEquals(10, socket(SOCK_DGRAM).receive(null, null, message, 0));
    assertEquals("0123456789", message.text());
    assertEquals(List.of("receive 8", "receive 10"), host.asked);
  }

  @Test
  void whoIsShortOfRoomIsToldAndNobodyElse() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    List<Integer> told = new ArrayList<>();
    WaitEntry entry = new WaitEntry() {
      @Override
      public void notify(int events) {
        told.add(events);
      }
    };
    s.register(entry, EventMask.WRITABLE);
    host.listener.accept(EventMask.EPOLLIN | EventMask.EPOLLOUT);
    assertEquals(List.of(), told);
    host.room = 0;
    assertEquals(-11, s.send(null, null, new Pieces("x", 1), 0));
    host.listener.accept(EventMask.EPOLLIN | EventMask.EPOLLOUT);
    host.listener.accept(EventMask.EPOLLIN | EventMask.EPOLLOUT);
    assertEquals(List.of(EventMask.WRITABLE), told);
    // Room that came between the host's answer and the note of it is told as well.
    host.ready = EventMask.EPOLLOUT;
    assertEquals(-11, s.send(null, null, new Pieces("x", 1), 0));
    assertEquals(2, told.size());
    host.listener.accept(EventMask.EPOLLERR | EventMask.EPOLLHUP);
    assertEquals(3, told.size());
  }

  @Test
  void aConnectIsFinishedByAskingAgain() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    host.connects.addAll(List.of(Socket.IN_PROGRESS, Errno.ECONNREFUSED));
    assertEquals(Socket.IN_PROGRESS, s.connect(caller(0), address(80), false));
    assertEquals(Socket.IN_PROGRESS, s.connectResult());
    assertEquals(1, host.asked.size());
    host.ready = EventMask.EPOLLOUT | EventMask.EPOLLERR;
    assertEquals(Errno.ECONNREFUSED, fails(s::connectResult));
    assertEquals(0, s.connectResult());
    // One that a signal interrupted goes on; who does not wait is told.
    host.connects.addAll(List.of(Errno.EALREADY, Errno.EISCONN, Errno.EALREADY));
    assertEquals(Socket.IN_PROGRESS, s.connect(caller(0), address(80), false));
    assertEquals(0, s.connectResult());
    assertEquals(Errno.EALREADY, fails(() -> s.connect(caller(0), address(80), true)));
  }

  @Test
  void lowPortsTakeTheCallersCapability() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    assertEquals(Errno.EACCES, fails(() -> s.bind(caller(0), address(1023))));
    assertEquals(List.of(), host.asked);
    s.bind(caller(0), address(1024));
    s.bind(caller(0), address(0));
    s.bind(caller(1L << Capability.CAP_NET_BIND_SERVICE), address(80));
    net.describe(new NetworkSnapshot(List.of(), List.of(), 80));
    s.bind(caller(0), address(80));
    assertEquals(Errno.EACCES, fails(() -> s.bind(caller(0), address(79))));
    assertEquals(4, host.asked.size());
  }

  @Test
  void optionsThatHoldMoreThanDataDoNotReachTheHost() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    OptionValue value = new OptionValue();
    value.setInt(1);
    assertEquals(Errno.ENOPROTOOPT, fails(() -> s.setOption(caller(0), SOL_SOCKET, SO_ATTACH_FILTER, value)));
    for (int name : new int[] {19, 29, 31, 35}) { // TCP_REPAIR, _FASTOPEN_CONNECT's neighbour, _ULP, _ZEROCOPY_RECEIVE
      assertEquals(Errno.ENOPROTOOPT, fails(() -> s.setOption(caller(0), 6, name, value)));
      assertEquals(Errno.ENOPROTOOPT, fails(() -> s.getOption(caller(0), 6, name, value)));
    }
    assertEquals(Errno.EOPNOTSUPP, fails(() -> s.getOption(caller(0), 999, 1, value)));
    assertEquals(List.of(), host.asked);
    s.setOption(caller(0), 6, 1, value);
    assertEquals(List.of("option 6 1 1"), host.asked);
  }

  @Test
  void aCloseNeverWaitsInTheHost() throws Exception {
    PassthroughSocket s = socket(SOCK_STREAM);
    OptionValue linger = new OptionValue();
    linger.start(8);
    linger.putInt(0, 1);
    linger.putInt(4, 60);
    s.setOption(caller(0), SOL_SOCKET, SO_LINGER, linger);
    assertEquals(List.of("option 1 13 0"), host.asked);
    s.getOption(caller(0), SOL_SOCKET, SO_LINGER, linger);
    assertEquals(List.of(1, 60), List.of(linger.intAt(0), linger.intAt(4)));
    linger.putInt(4, 0);
    s.setOption(caller(0), SOL_SOCKET, SO_LINGER, linger);
    assertEquals("option 1 13 1", host.asked.getLast());
  }

  @Test
  void aSocketIsListedUntilItCloses() {
    PassthroughSocket s = socket(SOCK_STREAM);
    assertTrue(net.passed().contains(s));
    s.close();
    assertFalse(net.passed().contains(s));
    assertEquals(null, s.describe());
  }
}
