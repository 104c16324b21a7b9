package gvisor.sentry.loader;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.fs.FileTree;
import gvisor.sentry.mm.FakeMachine;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.mm.MmLimits;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Fuzz target: a program to execute. An odd first byte stands before the file itself; with an even one the input is
 * changes to a file that is good: two bytes of place and eight of value each.
 */
public final class ElfFuzz {
  private static final int CHANGE = 10;
  private static final FakeMachine MACHINE = new FakeMachine(1 << 20);
  private static final FileTree TREE = newTree();

  private ElfFuzz() {}

  private static FileTree newTree() {
    try {
      FileTree tree = new FileTree();
      tree.mount(tree.tmpfs());
      return tree;
    } catch (ErrnoException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Runs one input. */
  public static void fuzzerTestOneInput(byte[] input) throws ErrnoException {
    if (input.length == 0) {
      return;
    }
    byte[] program = (input[0] & 1) != 0 ? Arrays.copyOfRange(input, 1, input.length) : changed(input);
    store(program);
    FileDescription file = TREE.open("/program", OpenFlags.O_RDONLY);
    long before = TREE.pages.allocatedBytes();
    ProgramLoader loader = new ProgramLoader(MACHINE, TREE.pages, MACHINE, null);
    try {
      LoadedProgram loaded = loader.load(new LoadRequest(TREE.caller, file, "/program", false,
          new String[] {"program"}, new String[] {"A=B"}, ElfFuzz::interpreter, f -> Credentials.root(0),
          MmLimits.DEFAULT, (input[0] & 2) != 0, 0));
      loaded.executable().close();
      loaded.mm().release();
    } catch (ErrnoException e) {
      // What a program gets that executes such a file.
    } finally {
      file.close();
    }
    // The file's own pages may come and go, at most as many as it has.
    if (TREE.pages.allocatedBytes() > before + program.length + 4096) {
      throw new IllegalStateException("memory is left behind: " + (TREE.pages.allocatedBytes() - before) + " bytes");
    }
  }

  /** Any program names itself as its interpreter, or one that is not there. */
  private static FileDescription interpreter(String path) throws ErrnoException {
    if (path.length() % 3 == 0) {
      throw Errno.ENOENT.error();
    }
    return TREE.open("/program", OpenFlags.O_RDONLY);
  }

  private static void store(byte[] program) throws ErrnoException {
    FileDescription f = TREE.open("/program", OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_TRUNC);
    try {
      if (program.length > 0) {
        f.ops().write(TREE.caller, f, new KernelBuffer(MemorySegment.ofArray(program)), 0);
      }
    } finally {
      f.close();
    }
  }

  private static byte[] changed(byte[] input) {
    byte[] program = template();
    for (int at = 1; at + CHANGE <= input.length; at += CHANGE) {
      int place = ((input[at] & 0xff) | (input[at + 1] & 0xff) << 8) % 320;
      int length = 1 + (input[at] & 7);
      System.arraycopy(input, at + 2, program, place, length);
    }
    return program;
  }

  /** A program with text, data with a bss, and an interpreter. */
  private static byte[] template() {
    ByteBuffer b = ByteBuffer.allocate(3 * 4096).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0x464c457f).put((byte) 2).put((byte) 1).put((byte) 1);
    b.putShort(16, (short) 3).putShort(18, (short) 62).putInt(20, 1).putLong(24, 0x1000).putLong(32, 64);
    b.putShort(52, (short) 64).putShort(54, (short) 56).putShort(56, (short) 4);
    header(b, 64, 1, 5, 0, 0, 0x2000, 0x2000);
    header(b, 120, 1, 6, 0x2000, 0x3000, 0x800, 0x5000);
    header(b, 176, 3, 4, 288, 288, 8, 8);
    header(b, 232, 0x6474e551, 6, 0, 0, 0, 0);
    b.position(288);
    b.put("/ld.so\0\0".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    return b.array();
  }

  private static void header(ByteBuffer b, int at, int type, int flags, long offset, long vaddr, long file,
      long memory) {
    b.putInt(at, type).putInt(at + 4, flags).putLong(at + 8, offset).putLong(at + 16, vaddr).putLong(at + 24, vaddr);
    b.putLong(at + 32, file).putLong(at + 40, memory).putLong(at + 48, 0x1000);
  }
}
