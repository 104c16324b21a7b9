package gvisor.api.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

final class CodecTest {
  private final MemorySegment segment = MemorySegment.ofArray(new byte[P9.MAX_MESSAGE]);
  private final MessageWriter writer = new MessageWriter(segment);
  private final MessageReader reader = new MessageReader(segment, Errno.EBADMSG);

  @Test
  void fieldsComeBackAsTheyWereWritten() throws ErrnoException {
    writer.begin(MessageType.T_WALK, 0xabcd).u8(0xfe).u16(0xfedc).u32(0xfedcba98).u64(-2L).string("n\u00e4me");
    writer.qid(P9.QT_DIR, 7, 0x123456789abcdefL);
    long size = writer.finish();
    assertTrue(reader.begin(size));
    assertEquals(MessageType.T_WALK, reader.type());
    assertEquals(0xabcd, reader.tag());
    assertEquals(0xfe, reader.u8());
    assertEquals(0xfedc, reader.u16());
    assertEquals(0xfedcba98, reader.u32());
    assertEquals(-2L, reader.u64());
    assertEquals("n\u00e4me", reader.string(10));
    long qid = reader.take(WireQid.SIZE);
    assertEquals(P9.QT_DIR, WireQid.type(segment, qid));
    assertEquals(7, WireQid.version(segment, qid));
    assertEquals(0x123456789abcdefL, WireQid.path(segment, qid));
    reader.end();
  }

  @Test
  void attributesHaveTheLayoutOfRgetattr() throws ErrnoException {
    FileAttr a = new FileAttr();
    a.qidPath = 42;
    a.mode = 0100644;
    a.uid = 1000;
    a.gid = 100;
    a.nlink = 2;
    a.rdev = 3;
    a.size = 1L << 40;
    a.blockSize = 4096;
    a.blocks = 8;
    a.atimeSeconds = -1;
    a.mtimeNanos = 999_999_999;
    a.ctimeSeconds = 5;
    long size = writer.begin(MessageType.T_GETATTR + 1, 1).attr(a).finish();
    assertEquals(P9.HEADER + 153, size);
    assertTrue(reader.begin(size));
    FileAttr b = reader.attr();
    reader.end();
    assertEquals(42, b.qidPath);
    assertTrue(b.isRegular());
    assertEquals(1000, b.uid);
    assertEquals(100, b.gid);
    assertEquals(2, b.nlink);
    assertEquals(3, b.rdev);
    assertEquals(1L << 40, b.size);
    assertEquals(4096, b.blockSize);
    assertEquals(8, b.blocks);
    assertEquals(-1, b.atimeSeconds);
    assertEquals(999_999_999, b.mtimeNanos);
    assertEquals(5, b.ctimeSeconds);
  }

  @Test
  void setAttrComesBack() throws ErrnoException {
    SetAttr s = new SetAttr();
    s.valid = P9.SET_SIZE;
    s.mode = 0755;
    s.size = 12;
    s.mtimeSeconds = 34;
    long size = writer.begin(MessageType.T_SETATTR, 1).setAttr(s).finish();
    assertTrue(reader.begin(size));
    SetAttr t = new SetAttr();
    reader.setAttr(t);
    reader.end();
    assertEquals(P9.SET_SIZE, t.valid);
    assertEquals(0755, t.mode);
    assertEquals(12, t.size);
    assertEquals(34, t.mtimeSeconds);
  }

  @Test
  void sizeFieldMustBeTheSizeReceived() throws ErrnoException {
    long size = writer.begin(MessageType.T_CLUNK, 1).u32(1).finish();
    assertFalse(reader.begin(size - 1));
    assertFalse(reader.begin(size + 1));
    assertFalse(reader.begin(0));
    assertFalse(reader.begin(P9.HEADER - 1));
    assertFalse(reader.begin(segment.byteSize() + 1));
    assertTrue(reader.begin(size));
  }

  @Test
  void fieldPastTheEndIsMalformed() throws ErrnoException {
    long size = writer.begin(MessageType.T_CLUNK, 1).u16(1).finish();
    assertTrue(reader.begin(size));
    assertErrno(Errno.EBADMSG, reader::u32);
    assertTrue(reader.isMalformed());
    assertTrue(reader.begin(size));
    assertFalse(reader.isMalformed());
    assertErrno(Errno.EBADMSG, reader::u64);
    assertEquals(1, reader.u16());
    assertErrno(Errno.EBADMSG, reader::u8);
    assertErrno(Errno.EBADMSG, () -> reader.take(-1));
    assertErrno(Errno.EBADMSG, () -> reader.take(Long.MAX_VALUE));
  }

  @Test
  void stringLengthIsNotBelieved() throws ErrnoException {
    long size = writer.begin(MessageType.T_ATTACH, 1).u16(0xffff).u8('x').finish();
    assertTrue(reader.begin(size));
    assertErrno(Errno.EBADMSG, () -> reader.string(0xffff));
  }

  @Test
  void leftOversAreMalformed() throws ErrnoException {
    long size = writer.begin(MessageType.T_CLUNK, 1).u32(1).u8(0).finish();
    assertTrue(reader.begin(size));
    reader.u32();
    assertErrno(Errno.EBADMSG, reader::end);
  }

  @Test
  void nameIsOneComponent() throws ErrnoException {
    MemorySegment out = MemorySegment.ofArray(new byte[P9.MAX_NAME + 1]);
    for (String bad : new String[] {"", ".", "..", "a/b", "/", "a\0b"}) {
      assertTrue(reader.begin(writer.begin(1, 1).string(bad).finish()));
      assertErrno(Errno.EINVAL, () -> reader.name(out));
    }
    assertTrue(reader.begin(writer.begin(1, 1).string("x".repeat(256)).finish()));
    assertErrno(Errno.ENAMETOOLONG, () -> reader.name(out));
    for (String good : new String[] {"...", ".a", "..a", "x".repeat(255), "\u00ff"}) {
      assertTrue(reader.begin(writer.begin(1, 1).string(good).finish()));
      assertEquals(good.length(), reader.name(out));
      reader.end();
    }
  }

  @Test
  void messageNeverGrowsPastWhatWasAgreed() throws ErrnoException {
    writer.limit(P9.MIN_MESSAGE);
    writer.begin(1, 1);
    assertEquals(P9.MIN_MESSAGE - P9.HEADER, writer.remaining());
    writer.reserve(writer.remaining() - 3);
    assertErrno(Errno.EMSGSIZE, () -> writer.u32(0));
    writer.u16(0).u8(0);
    assertErrno(Errno.EMSGSIZE, () -> writer.u8(0));
    assertEquals(P9.MIN_MESSAGE, writer.finish());
  }

  private interface Call {
    void run() throws ErrnoException;
  }

  private static void assertErrno(Errno errno, Call call) {
    assertEquals(errno, assertThrows(ErrnoException.class, call::run).errno());
  }
}
