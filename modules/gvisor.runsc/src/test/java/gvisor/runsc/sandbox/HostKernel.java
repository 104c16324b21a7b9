package gvisor.runsc.sandbox;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** System calls as somebody who has taken over the process would make them, without help of the product. */
final class HostKernel {
  static final long EPERM = -1, ENOENT = -2, ESRCH = -3, EACCES = -13, EROFS = -30, ENOSYS = -38, EXDEV = -18,
      ECONNREFUSED = -111;

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final Arena ARENA = Arena.global();
  private static final MemorySegment CAPTURED = ARENA.allocate(STATE);
  private static final MethodHandle SYSCALL =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("syscall"),
              FunctionDescriptor.of(
                  JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
              Linker.Option.captureCallState("errno"),
              Linker.Option.firstVariadicArg(1));

  private HostKernel() {}

  /** A call's result, or the negative error number. */
  static long call(long number, long... arguments) {
    long[] a = java.util.Arrays.copyOf(arguments, 6);
    try {
      long result = (long) SYSCALL.invokeExact(CAPTURED, number, a[0], a[1], a[2], a[3], a[4], a[5]);
      return result == -1
          ? -CAPTURED.get(JAVA_INT, STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno")))
          : result;
    } catch (Throwable t) {
      throw new IllegalStateException(t);
    }
  }

  /** {@code text} in native memory, ending in a zero byte. */
  static long text(String text) {
    return ARENA.allocateFrom(text).address();
  }

  /** Native memory full of zeros. */
  static MemorySegment memory(long bytes) {
    return ARENA.allocate(bytes, 16);
  }
}
