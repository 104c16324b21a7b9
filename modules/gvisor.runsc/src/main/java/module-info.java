/** The OCI runtime command line, the container life cycle and the wiring of every other part. */
module gvisor.runsc {
  requires gvisor.api;
  requires gvisor.host;
  requires gvisor.sentry;
  requires gvisor.gofer;
  requires info.picocli;
  requires com.fasterxml.jackson.databind;
  requires jdk.unsupported;
  requires org.apache.logging.log4j;
  requires org.apache.logging.log4j.core;
  requires org.jnrproject.unixsocket;

  uses gvisor.api.platform.PlatformProvider;

  provides org.apache.logging.log4j.spi.Provider with gvisor.runsc.log.LateProvider;
}
