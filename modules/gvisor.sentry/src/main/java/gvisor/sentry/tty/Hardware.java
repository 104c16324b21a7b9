package gvisor.sentry.tty;

/**
 * What is at the other end of a terminal: who types and who shows the output. Called on any thread, without the
 * terminal's lock; never blocks.
 */
public interface Hardware {
  /** There is output to take. */
  void outputReady();

  /** There is room again for what is typed. */
  void inputRoom();

  /** Whether output that waits here is still the terminal's to forget; the other end of a pair has it already. */
  default boolean dropsFlushedOutput() {
    return true;
  }

  /** A program closed the terminal, and it was the last that had it open. */
  default void lastClose() {}

  /** A program opened the terminal. */
  default void opened() {}

  /** Packet mode's news: bits of {@code TIOCPKT_*}. */
  default void packetEvent(int bits) {}
}
