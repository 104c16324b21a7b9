package gvisor.sentry.fs.gofer;

import gvisor.api.host.HostFd;
import java.util.concurrent.atomic.AtomicInteger;

/** A descriptor the gofer handed over, closed when its last user is through with it. Thread-safe. */
final class SharedFd {
  final HostFd fd;
  final boolean isWritable;
  private final AtomicInteger references = new AtomicInteger(1);

  /** Made with one reference. */
  SharedFd(HostFd fd, boolean isWritable) {
    this.fd = fd;
    this.isWritable = isWritable;
  }

  /** One more reference, for who has one or holds the lock of who has. */
  SharedFd acquire() {
    references.getAndIncrement();
    return this;
  }

  /** Gives one reference back. */
  void release() {
    if (references.decrementAndGet() == 0) {
      fd.close();
    }
  }
}
