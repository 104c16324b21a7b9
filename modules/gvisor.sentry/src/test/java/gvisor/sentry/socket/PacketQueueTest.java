package gvisor.sentry.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.abi.SocketAbi;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class PacketQueueTest {
  private final BufferBudget budget = new BufferBudget(1 << 20);
  private final PacketQueue queue = new PacketQueue(budget, new WaitQueue(), new WaitQueue());
  private final PacketQueue.Received received = new PacketQueue.Received();

  private static KernelBuffer io(byte[] bytes) {
    return new KernelBuffer(MemorySegment.ofArray(bytes));
  }

  private long write(int length, Object source) throws ErrnoException {
    byte[] bytes = new byte[length];
    java.util.Arrays.fill(bytes, (byte) length);
    return queue.write(io(bytes), source, null, 0, length, 8192, 100);
  }

  @Test
  void messagesKeepTheirBoundariesAndSources() throws ErrnoException {
    for (int round = 0; round < 50; round++) {
      for (int i = 0; i < 5; i++) {
        assertEquals(i, write(i, "from " + i));
      }
      for (int i = 0; i < 5; i++) {
        byte[] got = new byte[10];
        assertEquals(i, queue.read(io(got), null, received, false));
        assertEquals(i, received.length);
        assertEquals("from " + i, received.source);
        assertEquals(i, received.detail);
        if (i > 0) {
          assertEquals(i, got[i - 1]);
        }
      }
    }
  }

  @Test
  void restOfALongMessageIsLost() throws ErrnoException {
    write(100, "a");
    write(3, "b");
    Message message = new Message();
    assertEquals(10, queue.read(io(new byte[10]), message, received, false));
    assertEquals(100, received.length);
    assertEquals(SocketAbi.MSG_TRUNC, message.flags);
    assertEquals(3, queue.read(io(new byte[10]), message, received, false));
  }

  @Test
  void peekLeavesTheMessage() throws ErrnoException {
    write(4, "x");
    assertEquals(4, queue.read(io(new byte[10]), null, received, true));
    assertEquals(4, queue.firstLength());
    assertEquals(4, queue.read(io(new byte[10]), null, received, false));
    assertTrue(queue.isEmpty());
    assertSame(null, controlOfEmpty());
  }

  private Object controlOfEmpty() throws ErrnoException {
    assertEquals(FileOps.WOULD_BLOCK, queue.read(io(new byte[1]), null, received, false));
    return received.source;
  }

  @Test
  void quotaCountsBytesAndMessages() throws ErrnoException {
    assertEquals(Errno.EMSGSIZE, assertThrows(ErrnoException.class, () -> write(9000, "")).errno());
    int n = 0;
    while (write(0, "") == 0) {
      n++;
    }
    assertTrue(n > 1 && n <= 16, "messages: " + n);
    assertEquals(FileOps.WOULD_BLOCK, queue.write(io(new byte[1]), null, null, 0, 0, 1 << 20, n));
    assertEquals(1, queue.write(io(new byte[1]), null, null, 0, 0, 1 << 20, n + 1));
  }

  @Test
  void abandonedQueueSaysSoAndGivesItsMemoryBack() throws ErrnoException {
    write(100, "");
    assertTrue(queue.abandon());
    assertEquals(0, budget.usedBytes());
    assertEquals(PacketQueue.GONE, write(1, ""));
  }
}
