package gvisor.runsc.log;

import org.apache.logging.log4j.spi.LoggerContext;
import org.apache.logging.log4j.spi.LoggerContextFactory;
import org.apache.logging.log4j.spi.NoOpThreadContextMap;
import org.apache.logging.log4j.spi.Provider;

/** Gives log4j's API the loggers of this package. Found as a service; ranks above log4j-core. */
public final class LateProvider extends Provider {
  private static final int ABOVE_CORE = 100;

  /** For the service loader. */
  public LateProvider() {
    super(ABOVE_CORE, CURRENT_VERSION, Factory.class, NoOpThreadContextMap.class);
  }

  @Override
  public LoggerContextFactory getLoggerContextFactory() {
    return new Factory();
  }

  /** There is one context. */
  public static final class Factory implements LoggerContextFactory {
    private static final LateContext CONTEXT = new LateContext();

    /** For log4j. */
    public Factory() {}

    @Override
    public LoggerContext getContext(String fqcn, ClassLoader loader, Object external, boolean current) {
      return CONTEXT;
    }

    @Override
    public LoggerContext getContext(
        String fqcn, ClassLoader loader, Object external, boolean current, java.net.URI config, String name) {
      return CONTEXT;
    }

    @Override
    public void removeContext(LoggerContext context) {}

    @Override
    public boolean isClassLoaderDependent() {
      return false;
    }
  }
}
