package gvisor.sentry.fs.anon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.fs.FileTree;
import gvisor.sentry.fs.pipe.Pipe;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.KernelCaller;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Vfs;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class EpollTest {
  private final Vfs vfs = new Vfs(new DeviceNumbers());
  private final Caller caller = new KernelCaller(null, FileTree.CLOCK);
  private final MemorySegment events = MemorySegment.ofArray(new byte[1200]);

  private void write(FileDescription f, int bytes) throws ErrnoException {
    f.ops().write(caller, f, new KernelBuffer(MemorySegment.ofArray(new byte[bytes])), 0);
  }

  private void fails(Errno errno, org.junit.jupiter.api.function.Executable call) {
    assertEquals(errno, assertThrows(ErrnoException.class, call).errno());
  }

  @Test
  void edgesAreDeliveredOnceAndLevelsAgain() throws ErrnoException {
    Epoll epoll = Epoll.of(Epoll.open(vfs));
    FileDescription[] pipe = Pipe.open(caller, vfs, 0);
    FileDescription[] other = Pipe.open(caller, vfs, 0);
    epoll.add(0, pipe[0], EventMask.EPOLLIN | Epoll.EPOLLET, 1);
    epoll.add(1, other[0], EventMask.EPOLLIN, 2);
    assertEquals(0, epoll.collect(events, 10));
    write(pipe[1], 1);
    write(other[1], 1);
    assertEquals(2, epoll.collect(events, 10));
    assertEquals(1, epoll.collect(events, 10));
    write(pipe[1], 1);
    assertEquals(2, epoll.collect(events, 10));
    other[0].close();
    assertEquals(0, epoll.collect(events, 10));
  }

  @Test
  void instancesDoNotWatchOneAnotherInCirclesOrTooDeep() throws ErrnoException {
    FileDescription[] chain = new FileDescription[8];
    for (int i = 0; i < chain.length; i++) {
      chain[i] = Epoll.open(vfs);
    }
    // From the outside in: every watch makes the chain above it longer too.
    int length = 1;
    while (length < chain.length) {
      try {
        Epoll.of(chain[length - 1]).add(length, chain[length], EventMask.EPOLLIN, 0);
        length++;
      } catch (ErrnoException e) {
        assertEquals(Errno.ELOOP, e.errno());
        break;
      }
    }
    assertEquals(5, length);
    fails(Errno.ELOOP, () -> Epoll.of(chain[2]).add(9, chain[0], EventMask.EPOLLIN, 0));
    fails(Errno.EINVAL, () -> Epoll.of(chain[2]).add(9, chain[2], EventMask.EPOLLIN, 0));
    chain[1].close();
    Epoll.of(chain[2]).add(9, chain[0], EventMask.EPOLLIN, 0);
  }

  @Test
  void aWriteOfAPipeIsAllOrNothingUpToPipeBuf() throws ErrnoException {
    FileDescription[] pipe = Pipe.open(caller, vfs, OpenFlags.O_NONBLOCK);
    write(pipe[1], 65000);
    KernelBuffer large = new KernelBuffer(MemorySegment.ofArray(new byte[4096]));
    assertEquals(-11, pipe[1].ops().write(caller, pipe[1], large, 0));
    KernelBuffer larger = new KernelBuffer(MemorySegment.ofArray(new byte[4097]));
    assertEquals(536, pipe[1].ops().write(caller, pipe[1], larger, 0));
    assertEquals(0, pipe[1].readiness(EventMask.EPOLLOUT));
    pipe[0].close();
    assertEquals(EventMask.EPOLLERR, pipe[1].readiness(EventMask.EPOLLOUT));
    fails(Errno.EPIPE, () -> write(pipe[1], 1));
  }
}
