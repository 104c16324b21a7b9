package gvisor.sentry.fs.tmpfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.FileTree;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.KernelCaller;
import gvisor.sentry.vfs.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TmpfsTest {
  private static final int CREATE = OpenFlags.O_RDWR | OpenFlags.O_CREAT;

  private FileTree tree;

  @BeforeEach
  void mount() throws ErrnoException {
    tree = new FileTree();
    tree.mount(new TmpfsType("tmpfs", tree.pages, tree.numbers, 1L << 30)
        .mount(new KernelCaller(null, FileTree.CLOCK), "none", "size=4m,nr_inodes=20"));
  }

  @AfterEach
  void close() throws Exception {
    tree.close();
  }

  private void fails(Errno errno, org.junit.jupiter.api.function.Executable call) {
    assertEquals(errno, assertThrows(ErrnoException.class, call).errno());
  }

  @Test
  void agreesWithAnArrayUnderRandomCalls() throws ErrnoException {
    Random random = new Random(11);
    byte[] model = new byte[600_000];
    int size = 0;
    FileDescription f = tree.open("/f", CREATE);
    for (int i = 0; i < 5_000; i++) {
      int offset = random.nextInt(500_000);
      int length = 1 + random.nextInt(random.nextBoolean() ? 100 : 60_000);
      byte[] bytes = new byte[length];
      switch (random.nextInt(6)) {
        case 0, 1 -> {
          random.nextBytes(bytes);
          assertEquals(length, f.ops().write(tree.caller, f, new KernelBuffer(MemorySegment.ofArray(bytes)), offset));
          System.arraycopy(bytes, 0, model, offset, length);
          size = Math.max(size, offset + length);
        }
        case 2 -> {
          tree.truncate("/f", offset);
          if (offset < size) {
            Arrays.fill(model, offset, size, (byte) 0);
          }
          size = offset;
        }
        case 3 -> {
          f.ops().fallocate(tree.caller, f, FileData.FALLOC_FL_PUNCH_HOLE | FileData.FALLOC_FL_KEEP_SIZE, offset,
              length);
          Arrays.fill(model, offset, offset + length, (byte) 0);
        }
        default -> {
          long n = f.ops().read(tree.caller, f, new KernelBuffer(MemorySegment.ofArray(bytes)), offset);
          assertEquals(Math.max(0, Math.min(length, size - offset)), n);
          assertEquals(-1, Arrays.mismatch(bytes, 0, (int) n, model, offset, offset + (int) n));
        }
      }
    }
    f.close();
    tree.unlink("/f");
    assertEquals(0, tree.pages.allocatedBytes());
  }

  @Test
  void collapsingARangeJoinsWhatIsAroundIt() throws ErrnoException {
    FileDescription f = tree.open("/f", CREATE);
    for (int i = 0; i < 6; i++) {
      tree.write(f, "" + i, i * 4096L);
    }
    f.ops().fallocate(tree.caller, f, FileData.FALLOC_FL_COLLAPSE_RANGE, 4096, 8192);
    assertEquals("0", tree.read(f, 0, 1));
    assertEquals("3", tree.read(f, 4096, 1));
    assertEquals("5", tree.read(f, 3 * 4096, 1));
    assertEquals(3 * 4096 + 1, tree.stat("/f").size);
    fails(Errno.EINVAL, () -> f.ops().fallocate(tree.caller, f, FileData.FALLOC_FL_COLLAPSE_RANGE, 0, 100));
    f.close();
  }

  @Test
  void isAsLargeAsItWasToldToBe() throws ErrnoException {
    FileDescription f = tree.open("/f", CREATE);
    byte[] bytes = new byte[5 << 20];
    KernelBuffer buffer = new KernelBuffer(MemorySegment.ofArray(bytes));
    assertEquals(4 << 20, f.ops().write(tree.caller, f, buffer, 0));
    fails(Errno.ENOSPC, () -> tree.write(f, "x", 5 << 20));
    tree.truncate("/f", 4096);
    assertEquals(1, tree.write(f, "x", 5 << 20));
    f.close();
    for (int i = 0; i < 18; i++) {
      tree.write("/file" + i, "");
    }
    fails(Errno.ENOSPC, () -> tree.mkdir("/one-too-many"));
    tree.unlink("/file0");
    tree.mkdir("/fits");
  }

  @Test
  void aFileWithoutNameLivesWhileItIsOpen() throws ErrnoException {
    tree.write("/f", "text");
    FileDescription f = tree.open("/f", OpenFlags.O_RDONLY);
    FileDescription path = tree.open("/f", OpenFlags.O_PATH);
    tree.unlink("/f");
    assertEquals("text", tree.read(f, 0, 10));
    f.close();
    assertEquals(4096, tree.stat("/").blockSize);
    long before = tree.pages.allocatedBytes();
    assertEquals(4096, before);
    path.close();
    assertEquals(0, tree.pages.allocatedBytes());
  }

  @Test
  void refusesUnknownOptions() {
    TmpfsType type = new TmpfsType("tmpfs", tree.pages, tree.numbers, 1L << 30);
    fails(Errno.EINVAL, () -> type.mount(tree.caller, "none", "bogus"));
    fails(Errno.EINVAL, () -> type.mount(tree.caller, "none", "size=x"));
    fails(Errno.EINVAL, () -> type.mount(tree.caller, "none", "size=-1"));
    fails(Errno.EINVAL, () -> type.mount(tree.caller, "none", "size=99999999999g"));
    fails(Errno.EINVAL, () -> type.mount(tree.caller, "none", "mode=9"));
  }
}
