package gvisor.api.p9;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * A qid on the wire.
 *
 * <pre>
 *   0       1               5                               13
 *   | type  | version       | path                          |
 * </pre>
 */
public final class WireQid {
  public static final int TYPE = 0;
  public static final int VERSION = 1;
  public static final int PATH = 5;

  /** Bytes of a qid. */
  public static final int SIZE = 13;

  private WireQid() {}

  public static int type(MemorySegment segment, long base) {
    return segment.get(JAVA_BYTE, base + TYPE) & 0xff;
  }

  public static int version(MemorySegment segment, long base) {
    return segment.get(Wire.U32, base + VERSION);
  }

  public static long path(MemorySegment segment, long base) {
    return segment.get(Wire.U64, base + PATH);
  }

  /** Writes a whole qid. */
  public static void put(MemorySegment segment, long base, int type, int version, long path) {
    segment.set(JAVA_BYTE, base + TYPE, (byte) type);
    segment.set(Wire.U32, base + VERSION, version);
    segment.set(Wire.U64, base + PATH, path);
  }
}
