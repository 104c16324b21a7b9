package gvisor.host.libc;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * Calls through JNA, for processes that make few: the first costs 10 ms, each a microsecond. A class with native methods
 * would have quicker calls, and cost 50 ms to begin with, because JNA then describes every type to itself by
 * reflection.
 */
final class JnaCalls implements HostCalls {
  static {
    // Unless told, JNA runs ldconfig to learn where libraries are: 10 ms and a process, for nothing.
    if (System.getProperty("jna.platform.library.path") == null) {
      System.setProperty("jna.platform.library.path", "/lib");
    }
  }

  private final NativeLibrary libc = NativeLibrary.getProcess();
  private final Function syscall = libc.getFunction("syscall");

  @Override
  public long syscall(long number, long a, long b, long c, long d, long e, long f) {
    long result = syscall.invokeLong(new Object[] {number, a, b, c, d, e, f});
    return result == -1 ? -Native.getLastError() : result;
  }

  @Override
  public long function(String name, long a, long b, long c) {
    int result = libc.getFunction(name).invokeInt(new Object[] {a, b, c});
    return result == -1 ? -Native.getLastError() : result;
  }
}
