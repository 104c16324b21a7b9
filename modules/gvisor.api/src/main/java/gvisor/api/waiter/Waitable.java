package gvisor.api.waiter;

/** Something that becomes ready: a file, a socket, a child. Readiness is a mask of {@code EPOLL*} bits ({@link EventMask}). */
public interface Waitable {
  /** Which of {@code mask} hold now; EPOLLERR and EPOLLHUP are reported unasked. Any thread, no blocking. */
  int readiness(int mask);

  /** Has {@code entry} told of every later event in {@code mask}. Register first, then look at {@link #readiness}. */
  void register(WaitEntry entry, int mask);

  /** Undoes {@link #register}; nothing happens when it was not registered. */
  void unregister(WaitEntry entry);
}
