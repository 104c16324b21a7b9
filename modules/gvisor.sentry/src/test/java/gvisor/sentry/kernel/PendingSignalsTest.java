package gvisor.sentry.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

class PendingSignalsTest {
  private final PendingSignals pending = new PendingSignals();

  private void send(int signo, long value) {
    pending.add(SigInfo.queued(signo, Signal.SI_QUEUE, 1, 0, value));
  }

  @Test
  void realTimeSignalsAreTakenInNumberOrderAndEachInItsOwn() {
    send(40, 1);
    send(34, 2);
    send(40, 3);
    send(34, 4);
    long[] order = {2, 4, 1, 3};
    for (long value : order) {
      assertEquals(value, pending.take(-1L).value());
    }
    assertNull(pending.take(-1L));
    assertEquals(0, pending.set());
  }

  @Test
  void whatTheProcessorRaisedComesFirst() {
    send(Signal.SIGHUP, 0);
    send(Signal.SIGSEGV, 0);
    assertEquals(Signal.SIGSEGV, pending.take(-1L).signo);
    assertEquals(Signal.SIGHUP, pending.take(-1L).signo);
  }

  @Test
  void onlyWantedOnesAreTakenAndDiscardedOnesAreGone() {
    send(Signal.SIGUSR1, 0);
    send(Signal.SIGUSR2, 0);
    assertEquals(Signal.SIGUSR2, pending.take(Signal.bit(Signal.SIGUSR2)).signo);
    assertNull(pending.take(Signal.bit(Signal.SIGUSR2)));
    pending.discard(Signal.bit(Signal.SIGUSR1));
    assertNull(pending.take(-1L));
  }

  @Test
  void aTakenSignalIsNotCountedAnyMore() {
    UserCounts user = new UserCounts();
    user.pendingSignals.set(2);
    SigInfo info = SigInfo.kernel(40);
    info.charged = user;
    pending.add(info);
    SigInfo other = SigInfo.kernel(41);
    other.charged = user;
    pending.add(other);
    pending.take(Signal.bit(40));
    assertEquals(1, user.pendingSignals.get());
    pending.discard(-1L);
    assertEquals(0, user.pendingSignals.get());
  }

  @Test
  void oneWithoutRoomIsPendingAllTheSame() {
    pending.addBare(Signal.SIGTERM);
    SigInfo info = pending.take(-1L);
    assertEquals(Signal.SIGTERM, info.signo);
    assertEquals(Signal.SI_USER, info.code);
  }
}
