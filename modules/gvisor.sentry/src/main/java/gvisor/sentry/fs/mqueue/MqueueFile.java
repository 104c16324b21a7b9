package gvisor.sentry.fs.mqueue;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** An open message queue. Reading it as a file shows its state; messages go through their own calls. */
public final class MqueueFile implements FileOps {
  private final MqueueInode queue;
  private volatile MqueueInode.Notification registered;

  /** @param queue which has been told of the new open file */
  public MqueueFile(MqueueInode queue) {
    this.queue = queue;
  }

  public MqueueInode queue() {
    return queue;
  }

  /** {@code notification} was registered through this file, and ends with it. */
  public void registered(MqueueInode.Notification notification) {
    registered = notification;
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public boolean splicesOut() {
    return false;
  }

  @Override
  public boolean splicesIn() {
    return false;
  }

  @Override
  public boolean isPollable() {
    return true;
  }

  @Override
  public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
    if (whence != 0 || offset < 0) {
      throw gvisor.api.errno.Errno.EINVAL.error();
    }
    return offset;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    byte[] text = queue.status().getBytes(StandardCharsets.ISO_8859_1);
    if (offset >= text.length) {
      return 0;
    }
    return dst.put(MemorySegment.ofArray(text), offset, text.length - offset);
  }

  @Override
  public void release(FileDescription file) {
    MqueueInode.Notification mine = registered;
    if (mine != null) {
      queue.unregister(mine);
    }
    queue.closed();
  }

  @Override
  public int readiness(int mask) {
    return queue.readiness() & (mask | EventMask.ALWAYS);
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    queue.waiters().register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    queue.waiters().unregister(entry);
  }
}
