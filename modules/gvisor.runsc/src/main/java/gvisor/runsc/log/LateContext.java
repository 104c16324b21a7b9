package gvisor.runsc.log;

import java.util.concurrent.ConcurrentHashMap;
import org.apache.logging.log4j.message.MessageFactory;
import org.apache.logging.log4j.spi.ExtendedLogger;
import org.apache.logging.log4j.spi.LoggerContext;

/** All loggers, by name. Thread-safe. */
final class LateContext implements LoggerContext {
  private final ConcurrentHashMap<String, LateLogger> loggers = new ConcurrentHashMap<>();

  @Override
  public Object getExternalContext() {
    return null;
  }

  @Override
  public ExtendedLogger getLogger(String name) {
    return loggers.computeIfAbsent(name, LateLogger::new);
  }

  @Override
  public ExtendedLogger getLogger(String name, MessageFactory messageFactory) {
    return getLogger(name);
  }

  @Override
  public boolean hasLogger(String name) {
    return loggers.containsKey(name);
  }

  @Override
  public boolean hasLogger(String name, MessageFactory messageFactory) {
    return hasLogger(name);
  }

  @Override
  public boolean hasLogger(String name, Class<? extends MessageFactory> messageFactoryClass) {
    return hasLogger(name);
  }
}
