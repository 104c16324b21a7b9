/** The application kernel: Linux's system calls, signals, memory, files and sockets, without a host API in sight. */
module gvisor.sentry {
  requires transitive gvisor.api;
  requires org.apache.logging.log4j;

  exports gvisor.sentry.boot to gvisor.runsc;
  exports gvisor.sentry.seccomp to gvisor.runsc;
}
