package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import gvisor.api.errno.ErrnoException;
import org.junit.jupiter.api.Test;

class MemFdTest {
  @Test
  void isSparseAndGivesPagesBack() throws ErrnoException {
    try (MemFd file = MemFd.create("test", MemFd.DEFAULT_SIZE)) {
      assertEquals(0, file.committedBytes());
      file.memory().set(JAVA_BYTE, 200L << 30, (byte) 7);
      file.memory().set(JAVA_BYTE, 8192, (byte) 1);
      assertEquals(8192, file.committedBytes());
      assertEquals(8192, file.nextData(0, 1 << 20));
      assertEquals(1 << 20, file.nextData(12288, 1 << 20));
      assertEquals(200L << 30, file.nextData(12288, MemFd.DEFAULT_SIZE));
      file.decommit(200L << 30, 4096);
      assertEquals(MemFd.DEFAULT_SIZE, file.nextData(12288, MemFd.DEFAULT_SIZE));
      assertEquals(0, file.memory().get(JAVA_BYTE, 200L << 30));
    }
  }
}
