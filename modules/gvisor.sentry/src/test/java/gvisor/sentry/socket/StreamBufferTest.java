package gvisor.sentry.socket;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StreamBufferTest {
  private static final int LIMIT = 10_000;

  private final WaitQueue readers = new WaitQueue();
  private final WaitQueue writers = new WaitQueue();
  private final BufferBudget budget = new BufferBudget(1 << 20);
  private final StreamBuffer buffer = new StreamBuffer(budget, readers, writers, LIMIT, 4);

  private static KernelBuffer io(byte[] bytes) {
    return new KernelBuffer(MemorySegment.ofArray(bytes));
  }

  private long write(byte[] bytes) throws ErrnoException {
    return buffer.write(io(bytes), null, false);
  }

  private long read(byte[] bytes) throws ErrnoException {
    return buffer.read(io(bytes), null, false, false, false);
  }

  @Test
  void bytesComeOutInOrderWhateverTheSizes() throws ErrnoException {
    Random random = new Random(1);
    byte in = 0;
    byte out = 0;
    for (int i = 0; i < 2000; i++) {
      byte[] some = new byte[random.nextInt(3000)];
      for (int j = 0; j < some.length; j++) {
        some[j] = (byte) (in + j);
      }
      long n = write(some);
      in += (byte) Math.max(n, 0);
      byte[] got = new byte[random.nextInt(3000) + 1];
      long r = read(got);
      for (int j = 0; j < r; j++) {
        assertEquals(out++, got[j]);
      }
    }
  }

  @Test
  void fullBufferTakesWhatFitsThenWouldBlock() throws ErrnoException {
    assertEquals(LIMIT, write(new byte[LIMIT + 5]));
    assertEquals(FileOps.WOULD_BLOCK, write(new byte[1]));
    assertFalse(buffer.isWritable());
  }

  @Test
  void writersAreToldOnceAQuarterIsLeft() throws ErrnoException {
    int[] told = {0};
    writers.register(new WaitEntry() {
      @Override
      public void notify(int mask) {
        told[0]++;
      }
    }, EventMask.WRITABLE);
    write(new byte[LIMIT]);
    read(new byte[LIMIT / 2]);
    assertEquals(0, told[0]);
    read(new byte[LIMIT / 4]);
    assertEquals(1, told[0]);
  }

  @Test
  void endComesBehindTheLastByte() throws ErrnoException {
    write(new byte[3]);
    buffer.finish();
    assertEquals(3, read(new byte[10]));
    assertEquals(0, read(new byte[10]));
    assertEquals(Errno.EPIPE, assertThrows(ErrnoException.class, () -> write(new byte[1])).errno());
  }

  @Test
  void abandonedBufferGivesItsMemoryBack() throws ErrnoException {
    write(new byte[5000]);
    assertTrue(budget.usedBytes() > 0);
    assertTrue(buffer.abandon());
    assertEquals(0, budget.usedBytes());
    assertThrows(ErrnoException.class, () -> write(new byte[1]));
  }

  @Test
  void usedUpBudgetIsNoBuffersForAnEmptyStream() {
    StreamBuffer poor = new StreamBuffer(new BufferBudget(100), readers, writers, LIMIT, 4);
    assertEquals(Errno.ENOBUFS,
        assertThrows(ErrnoException.class, () -> poor.write(io(new byte[10]), null, false)).errno());
  }

  @Test
  void bytesOfDifferentSendersAreReadApartWhenAsked() throws ErrnoException {
    buffer.write(io(new byte[] {1}), new Control(new SocketCreds(1, 0, 0), null, null), false);
    buffer.write(io(new byte[] {2}), new Control(new SocketCreds(1, 0, 0), null, null), false);
    buffer.write(io(new byte[] {3}), new Control(new SocketCreds(2, 0, 0), null, null), false);
    Message message = new Message();
    byte[] got = new byte[8];
    assertEquals(2, buffer.read(io(got), message, false, true, false));
    assertEquals(1, message.creds.pid());
    assertEquals(1, buffer.read(io(got), message, false, true, false));
    assertEquals(2, message.creds.pid());
  }

  @Test
  void urgentByteIsTakenOutOfTheStream() throws ErrnoException {
    write(new byte[] {1, 2});
    buffer.write(io(new byte[] {9}), null, true);
    write(new byte[] {3});
    assertTrue(buffer.hasUrgent());
    byte[] urgent = new byte[1];
    assertEquals(1, buffer.readUrgent(null, io(urgent), false, false));
    assertEquals(9, urgent[0]);
    assertEquals(
        Errno.EINVAL,
        assertThrows(ErrnoException.class, () -> buffer.readUrgent(null, io(urgent), false, false)).errno());
    byte[] got = new byte[2];
    assertEquals(2, read(got));
    assertArrayEquals(new byte[] {1, 2}, got);
    assertTrue(buffer.isAtMark());
    assertEquals(1, read(got));
    assertEquals(3, got[0]);
  }
}
