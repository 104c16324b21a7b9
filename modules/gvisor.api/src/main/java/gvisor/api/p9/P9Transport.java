package gvisor.api.p9;

/** A connection to a gofer. */
public interface P9Transport extends AutoCloseable {
  @Override
  void close();
}
