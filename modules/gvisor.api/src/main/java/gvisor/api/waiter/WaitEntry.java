package gvisor.api.waiter;

/**
 * One registration with one or more {@link WaitQueue}s. {@link #notify(int)} runs under the queue's lock on the
 * notifying thread: it sets a flag, unparks a thread or appends to a list, and never blocks, never takes a lock of a
 * file system or socket, never throws.
 */
public abstract class WaitEntry {
  /** One of the events in {@code mask} happened. */
  public abstract void notify(int mask);
}
