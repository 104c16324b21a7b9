package gvisor.runsc.log;

import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.Marker;
import org.apache.logging.log4j.message.Message;
import org.apache.logging.log4j.spi.AbstractLogger;

/** A logger that costs one comparison until something is really logged. Thread-safe. */
final class LateLogger extends AbstractLogger {
  private static final long serialVersionUID = 1;

  LateLogger(String name) {
    super(name);
  }

  @Override
  public Level getLevel() {
    return Log.level();
  }

  @Override
  public void logMessage(String fqcn, Level level, Marker marker, Message message, Throwable thrown) {
    Log.write(getName(), level, message, thrown);
  }

  private static boolean enabled(Level level) {
    return Log.level().isLessSpecificThan(level);
  }

  @Override
  public boolean isEnabled(Level level, Marker marker, Message m, Throwable t) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(Level level, Marker marker, CharSequence m, Throwable t) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(Level level, Marker marker, Object m, Throwable t) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(Level level, Marker marker, String m, Throwable t) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(Level level, Marker marker, String m) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(Level level, Marker marker, String m, Object... p) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1, Object p2) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1, Object p2, Object p3) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1, Object p2, Object p3, Object p4) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1, Object p2, Object p3, Object p4, Object p5) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1, Object p2, Object p3, Object p4, Object p5, Object 
p6) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1, Object p2, Object p3, Object p4, Object p5, Object 
p6, Object p7) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1, Object p2, Object p3, Object p4, Object p5, Object 
p6, Object p7, Object p8) {
    return enabled(level);
  }

  @Override
  public boolean isEnabled(
      Level level, Marker marker, String m, Object p0, Object p1, Object p2, Object p3, Object p4, Object p5, Object 
p6, Object p7, Object p8, Object p9) {
    return enabled(level);
  }
}
