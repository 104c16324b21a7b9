package gvisor.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.waiter.EventMask;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FdTest {
  private static MemorySegment bytes(String s) {
    return MemorySegment.ofArray(s.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void readOfAnEmptyPipeWouldBlockAndPassesDataThrough() throws ErrnoException {
    Fd[] pipe = Fd.pipe();
    try (Fd in = pipe[0]; Fd out = pipe[1]) {
      MemorySegment buffer = Arena.ofAuto().allocate(16);
      assertEquals(HostFd.WOULD_BLOCK, in.read(buffer));
      assertEquals(0, in.readiness(EventMask.EPOLLIN));
      assertEquals(5, out.write(bytes("hello")));
      assertEquals(EventMask.EPOLLIN, in.readiness(EventMask.EPOLLIN));
      assertEquals(5, in.read(buffer));
      assertEquals('h', buffer.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0));
    }
  }

  @Test
  void writeToAFullPipeWouldBlock() throws ErrnoException {
    Fd[] pipe = Fd.pipe();
    try (Fd in = pipe[0]; Fd out = pipe[1]) {
      MemorySegment much = MemorySegment.ofArray(new byte[1 << 20]);
      long total = 0;
      for (long n = out.write(much); n != HostFd.WOULD_BLOCK; n = out.write(much)) {
        total += n;
      }
      assertEquals(65536, total);
      assertTrue(in.number() >= 0);
    }
  }

  @Test
  void pollerTellsOfData() throws Exception {
    Fd[] pipe = Fd.pipe();
    try (Fd in = pipe[0]; Fd out = pipe[1]) {
      CountDownLatch told = new CountDownLatch(1);
      in.watch(EventMask.EPOLLIN, mask -> {
        if ((mask & EventMask.EPOLLIN) != 0) {
          told.countDown();
        }
      });
      assertFalse(told.await(0, TimeUnit.SECONDS));
      out.write(bytes("x"));
      assertTrue(told.await(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void filesReadAtOffsetsFromHeapAndNativeMemory() throws ErrnoException {
    try (MemFd file = MemFd.create("test", 1 << 20)) {
      Fd fd = file.fd();
      assertEquals(3, fd.pwrite(bytes("abc"), 100));
      byte[] back = new byte[3];
      assertEquals(3, fd.pread(MemorySegment.ofArray(back), 100));
      assertEquals("abc", new String(back, StandardCharsets.UTF_8));
      MemorySegment stat = Arena.ofAuto().allocate(144);
      fd.fstat(stat);
      assertEquals(1 << 20, stat.get(java.lang.foreign.ValueLayout.JAVA_LONG, 48));
    }
  }

  @Test
  void anUnknownTerminalRequestIsRefused() throws ErrnoException {
    try (Fd null0 = Fd.open("/dev/null", 2, 0)) {
      MemorySegment argument = Arena.ofAuto().allocate(64);
      ErrnoException e = assertThrows(ErrnoException.class, () -> null0.terminalIoctl(0x5412, argument));
      assertEquals(Errno.ENOTTY, e.errno());
      assertFalse(null0.isTerminal());
    }
  }

  @Test
  void terminalsAreRawAfterMakeRawAndKeepTheirSize() throws ErrnoException {
    Terminal.Pair pair = Terminal.openPair();
    try (Fd primary = pair.primary(); Fd secondary = pair.secondary()) {
      assertTrue(secondary.isTerminal());
      byte[] before = Terminal.makeRaw(secondary);
      assertEquals(1, primary.write(bytes("\r")));
      byte[] in = new byte[8];
      long n = HostFd.WOULD_BLOCK;
      for (int i = 0; i < 1000 && n == HostFd.WOULD_BLOCK; i++) {
        n = secondary.read(MemorySegment.ofArray(in));
        Thread.onSpinWait();
      }
      assertEquals(1, n);
      assertEquals('\r', in[0]);
      Terminal.restore(secondary, before);
      Terminal.setWindowSize(primary, 33, 77);
      assertEquals(33 << 16 | 77, Terminal.windowSize(secondary));
    }
  }
}
