/**
 * The only process that opens files. {@link gvisor.gofer.Gofer} serves the places a container may see over one
 * 9P connection; a {@code Session} is the state of that connection, a {@code Fid} one file its peer holds on to.
 *
 * <p>The peer is hostile: it reaches nothing but what is beneath its attach points, through descriptors
 * ({@link gvisor.host.HostFile}), gets descriptors of regular files only, and cannot make the server hold more than a
 * fixed number of files. One thread serves a connection: all that takes time (reading and writing data) the peer does
 * itself with the descriptors it was given, and a second thread would cost each request a wake-up on another processor.
 */
package gvisor.gofer;
