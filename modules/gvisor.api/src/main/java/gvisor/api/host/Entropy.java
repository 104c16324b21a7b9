package gvisor.api.host;

import java.lang.foreign.MemorySegment;

/** Random bytes fit for keys. Any thread. */
public interface Entropy {
  /** Fills {@code dst}. */
  void fill(MemorySegment dst);

  /** One random number. */
  long nextLong();
}
