package gvisor.gofer;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EMFILE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.P9;
import java.util.HashMap;
import java.util.Map;

/** The peer's fids by number, at most {@link #MAX}. One thread. */
final class FidTable implements AutoCloseable {
  /** Most fids of one connection; each holds a descriptor of this process. */
  static final int MAX = 64 * 1024;

  private final Map<Integer, Fid> fids = new HashMap<>();

  /** The fid; EBADF when there is none. */
  Fid get(int number) throws ErrnoException {
    Fid fid = fids.get(number);
    if (fid == null) {
      throw EBADF.error();
    }
    return fid;
  }

  /** EBUSY when {@code number} is in use, EBADF when it is no number for a fid, EMFILE when there are too many. */
  void requireFree(int number) throws ErrnoException {
    if (number == P9.NO_FID) {
      throw EBADF.error();
    }
    if (fids.containsKey(number)) {
      throw EBUSY.error();
    }
    if (fids.size() >= MAX) {
      throw EMFILE.error();
    }
  }

  /** Binds a number that is free, or whose fid the caller has closed. */
  void put(int number, Fid fid) {
    fids.put(number, fid);
  }

  /** Unbinds and returns it; null when there is none. The caller closes it. */
  Fid remove(int number) {
    return fids.remove(number);
  }

  /** Closes every fid. */
  @Override
  public void close() {
    for (Fid fid : fids.values()) {
      fid.close();
    }
    fids.clear();
  }
}
