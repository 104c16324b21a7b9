package gvisor.api.host;

/** What the Sentry is given of the host. */
public interface Host {
  HostClock clock();

  Entropy entropy();

  /** Processors that the application may believe in. */
  int processorCount();

  /** Bytes of memory of the machine. */
  long memoryBytes();

  /** The first processor as the machine's {@code /proc/cpuinfo} describes it; empty when it is not known. */
  default String processorDescription() {
    return "";
  }
}
