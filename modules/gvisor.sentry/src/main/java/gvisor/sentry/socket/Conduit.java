package gvisor.sentry.socket;

/** One direction of a connection, whatever the form of what is in it: what its two ends do to it. Thread-safe. */
public interface Conduit {
  /** The writer writes no more: the reader sees the end after what is held. */
  void finish();

  /** The reader shut down but keeps what is there: later writes fail. */
  void refuse();

  /**
   * The reader reads no more: what is held is dropped and writes fail.
   *
   * @return whether there was something unread
   */
  boolean abandon();

  /** Whether nothing more is written. */
  boolean isFinished();

  /** Whether nobody reads any more. */
  boolean isAbandoned();

  /** Whether nothing is held. */
  boolean isEmpty();
}
