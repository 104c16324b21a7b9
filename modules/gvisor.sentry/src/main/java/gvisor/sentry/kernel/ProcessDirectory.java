package gvisor.sentry.kernel;

/** The inode of a process' directory in {@code /proc}: an open one stands for the process, as a pidfd does. */
public interface ProcessDirectory {
  /** The process, or null when the directory is a thread's or the process is gone. */
  ThreadGroup process();
}
