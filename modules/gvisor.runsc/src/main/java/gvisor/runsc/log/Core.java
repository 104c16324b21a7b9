package gvisor.runsc.log;

import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.OutputStreamAppender;
import org.apache.logging.log4j.core.config.AbstractConfiguration;
import org.apache.logging.log4j.core.config.ConfigurationSource;
import org.apache.logging.log4j.core.layout.PatternLayout;
import org.apache.logging.log4j.message.Message;

/** log4j's core, configured here and from nowhere else; started by its first use. */
final class Core {
  private static final LoggerContext CONTEXT = start();

  private Core() {}

  static void write(String logger, Level level, Message message, Throwable thrown) {
    CONTEXT.getLogger(logger).logMessage(level, null, null, null, message, thrown);
  }

  private static LoggerContext start() {
    LoggerContext context = new LoggerContext("runsc");
    context.start(new OneAppender(context));
    return context;
  }

  /** Everything goes to one stream; what is not wanted never comes here. */
  private static final class OneAppender extends AbstractConfiguration {
    OneAppender(LoggerContext context) {
      super(context, ConfigurationSource.NULL_SOURCE);
    }

    @Override
    protected void doConfigure() {
      PatternLayout layout =
          PatternLayout.newBuilder()
              .setConfiguration(this)
              .setPattern("%d{HH:mm:ss.SSSSSS} %-5p [%t] %c{1}: %m%n%throwable")
              .build();
      OutputStreamAppender appender =
          OutputStreamAppender.newBuilder()
              .setName("log")
              .setLayout(layout)
              .setTarget(Log.target())
              .setConfiguration(this)
              .build();
      appender.start();
      addAppender(appender);
      getRootLogger().addAppender(appender, Level.ALL, null);
      getRootLogger().setLevel(Level.ALL);
    }
  }
}
