package gvisor.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** An ELF executable without libraries, of machine code and data: {@code man 5 elf}. */
final class Executable {
  /** Where its file is in its memory. */
  static final long BASE = 0x400000;

  private static final int CODE = 0x1000;

  private Executable() {}

  /** A file of {@code size} bytes that begins with {@code code}; the rest, from {@code data} on, is the caller's to fill. */
  static ByteBuffer of(byte[] code, int data, int size) {
    if (CODE + code.length > data) {
      throw new IllegalArgumentException("the code reaches into the data");
    }
    ByteBuffer file = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    // ELFCLASS64, ELFDATA2LSB, EV_CURRENT; ET_EXEC, EM_X86_64.
    file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
    file.putShort((short) 2).putShort((short) 62).putInt(1);
    file.putLong(BASE + CODE).putLong(64).putLong(0).putInt(0);
    file.putShort((short) 64).putShort((short) 56).putShort((short) 2);
    // PT_LOAD, readable and executable; PT_GNU_STACK, readable and writable.
    file.position(64);
    file.putInt(1).putInt(5).putLong(0).putLong(BASE).putLong(BASE);
    file.putLong(size).putLong(size).putLong(0x1000);
    file.putInt(0x6474e551).putInt(6);
    file.position(CODE).put(code);
    return file;
  }

  /** Writes {@code bytes} to {@code file}, which everybody may execute. */
  static void write(byte[] bytes, Path file) throws IOException {
    Files.write(file, bytes);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
