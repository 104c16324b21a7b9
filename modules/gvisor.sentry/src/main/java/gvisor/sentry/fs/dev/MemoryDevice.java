package gvisor.sentry.fs.dev;

import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOSPC;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Entropy;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;

/** {@code null}, {@code zero}, {@code full}, {@code random} and {@code urandom}: devices without a state. */
final class MemoryDevice implements FileOps {
  /** Which one; the number is the minor of major 1. */
  enum Kind {
    NULL(3), ZERO(5), FULL(7), RANDOM(8), URANDOM(9);

    final int minor;

    Kind(int minor) {
      this.minor = minor;
    }

    boolean isRandom() {
      return this == RANDOM || this == URANDOM;
    }
  }

  /** The most that is filled in one piece: a copy under the memory manager's lock should be short. */
  private static final int PIECE = 1 << 16;

  private final Kind kind;
  private final Entropy entropy;

  MemoryDevice(Kind kind, Entropy entropy) {
    this.kind = kind;
    this.entropy = entropy;
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public boolean splicesOut() {
    return kind != Kind.NULL;
  }

  @Override
  public boolean splicesIn() {
    return kind != Kind.FULL;
  }

  @Override
  public boolean isPollable() {
    return kind.isRandom();
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    return switch (kind) {
      case NULL -> 0;
      case ZERO, FULL -> dst.putZeros(dst.remaining());
      case RANDOM, URANDOM -> readRandom(dst);
    };
  }

  private long readRandom(IoBuffer dst) throws ErrnoException {
    long done = 0;
    while (dst.remaining() > 0) {
      long n;
      try {
        n = dst.prepare(PIECE, true);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      entropy.fill(dst.segment().asSlice(dst.offset(), n));
      dst.advance(n);
      done += n;
    }
    return done;
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    if (kind == Kind.FULL) {
      throw ENOSPC.error();
    }
    // The bytes are not looked at, not even whether they are there: Linux does not either.
    return src.remaining();
  }

  @Override
  public boolean takesAnyOffset() {
    return true;
  }

  @Override
  public long seek(Caller caller, FileDescription file, long offset, int whence) {
    return 0;
  }

  @Override
  public Mappable mappable(FileDescription file) throws ErrnoException {
    if (kind != Kind.ZERO) {
      throw ENODEV.error();
    }
    return null;
  }
}
