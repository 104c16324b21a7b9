/** The only process that opens files: a 9P2000.L server confined to a container's mounts. */
module gvisor.gofer {
  requires gvisor.api;
  requires gvisor.host;

  exports gvisor.gofer to gvisor.runsc;
}
