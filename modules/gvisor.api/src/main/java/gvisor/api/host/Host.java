package gvisor.api.host;

/** What the Sentry is given of the host. */
public interface Host {
  HostClock clock();

  Entropy entropy();

  /** Processors that the application may believe in. */
  int processorCount();

  /** Bytes of memory of the machine. */
  long memoryBytes();

  /** Bytes that could be had now without others going short; {@link Long#MAX_VALUE} when that is not known. */
  default long availableBytes() {
    return Long.MAX_VALUE;
  }

  /** The first processor as the machine's {@code /proc/cpuinfo} describes it; empty when it is not known. */
  default String processorDescription() {
    return "";
  }

  /** The network whose sockets applications use as their own; null when they have none of the host's. */
  default HostNetwork network() {
    return null;
  }
}
