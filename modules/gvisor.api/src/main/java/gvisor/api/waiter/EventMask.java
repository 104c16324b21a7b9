package gvisor.api.waiter;

/** Readiness bits: the numbers of {@code EPOLL*} and, in the low bits, {@code POLL*} ({@code man 7 epoll}, {@code man 2 poll}). */
public final class EventMask {
  public static final int EPOLLIN = 0x001;
  public static final int EPOLLPRI = 0x002;
  public static final int EPOLLOUT = 0x004;
  public static final int EPOLLERR = 0x008;
  public static final int EPOLLHUP = 0x010;
  public static final int EPOLLNVAL = 0x020;
  public static final int EPOLLRDNORM = 0x040;
  public static final int EPOLLRDBAND = 0x080;
  public static final int EPOLLWRNORM = 0x100;
  public static final int EPOLLWRBAND = 0x200;
  public static final int EPOLLMSG = 0x400;
  public static final int EPOLLRDHUP = 0x2000;

  /** What a plain readable file reports. */
  public static final int READABLE = EPOLLIN | EPOLLRDNORM;

  /** What a plain writable file reports. */
  public static final int WRITABLE = EPOLLOUT | EPOLLWRNORM;

  /** Reported whether asked for or not. */
  public static final int ALWAYS = EPOLLERR | EPOLLHUP;

  /** Everything. */
  public static final int ALL = 0x27df;

  private EventMask() {}
}
