package gvisor.sentry.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Vfs;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FdTableTest {
  private static final int LIMIT = 1024;

  private final Vfs vfs = new Vfs(new DeviceNumbers());
  private final FdTable table = new FdTable();
  private final AtomicInteger released = new AtomicInteger();

  private FileDescription file() {
    return AnonFile.open(vfs, new FileOps() {
      @Override
      public void release(FileDescription file) {
        released.incrementAndGet();
      }
    }, "[test]", 0);
  }

  private void fails(Errno errno, org.junit.jupiter.api.function.Executable call) {
    assertEquals(errno, assertThrows(ErrnoException.class, call).errno());
  }

  @Test
  void givesTheLowestFreeDescriptor() throws ErrnoException {
    for (int i = 0; i < 200; i++) {
      assertEquals(i, table.install(file(), false, LIMIT));
    }
    table.close(130);
    table.close(7);
    assertEquals(150, table.install(file(), 150, false, LIMIT) - 50);
    assertEquals(7, table.install(file(), false, LIMIT));
    assertEquals(130, table.install(file(), false, LIMIT));
    assertEquals(201, table.install(file(), false, LIMIT));
  }

  @Test
  void refusesMoreThanTheLimitAndClosesTheFile() throws ErrnoException {
    table.install(file(), false, 1);
    fails(Errno.EMFILE, () -> table.install(file(), false, 1));
    assertEquals(1, released.get());
    fails(Errno.EBADF, () -> table.replace(5, file(), false, 5));
    assertEquals(2, released.get());
  }

  @Test
  void keepsAFileOpenWhileItIsUsed() throws ErrnoException {
    int fd = table.install(file(), false, LIMIT);
    FileDescription f = table.get(fd);
    table.close(fd);
    assertEquals(0, released.get());
    f.close();
    assertEquals(1, released.get());
    fails(Errno.EBADF, () -> table.get(fd));
    fails(Errno.EBADF, () -> table.close(fd));
    assertNull(table.acquire(-1));
    assertNull(table.acquire(1 << 30));
  }

  @Test
  void closesAtExecWhatIsMarked() throws ErrnoException {
    table.install(file(), false, LIMIT);
    table.install(file(), true, LIMIT);
    table.install(file(), false, LIMIT);
    table.setCloseOnExec(2, true);
    assertTrue(table.isCloseOnExec(1));
    table.exec();
    assertEquals(2, released.get());
    assertEquals(0, table.nextUsed(0));
    assertEquals(-1, table.nextUsed(1));
    assertEquals(1, table.install(file(), false, LIMIT));
    assertFalse(table.isCloseOnExec(1));
  }

  @Test
  void forkSharesFilesNotDescriptors() throws ErrnoException {
    table.install(file(), true, LIMIT);
    FdTable child = table.fork();
    FileDescription a = table.get(0);
    FileDescription b = child.get(0);
    assertSame(a, b);
    a.close();
    b.close();
    assertTrue(child.isCloseOnExec(0));
    table.close(0);
    assertEquals(0, released.get());
    child.share();
    child.release();
    assertEquals(0, released.get());
    child.release();
    assertEquals(1, released.get());
  }

  @Test
  void neverHandsOutAFileThatWasReleased() throws Exception {
    Thread changer = Thread.ofPlatform().start(() -> {
      try {
        for (int i = 0; i < 20_000; i++) {
          table.install(file(), false, LIMIT);
          table.close(0);
        }
      } catch (ErrnoException e) {
        throw new AssertionError(e);
      }
    });
    while (changer.isAlive()) {
      FileDescription f = table.acquire(0);
      if (f != null) {
        assertTrue(f.tryAcquire());
        f.close();
        f.close();
      }
    }
    changer.join();
    assertEquals(20_000, released.get());
  }
}
