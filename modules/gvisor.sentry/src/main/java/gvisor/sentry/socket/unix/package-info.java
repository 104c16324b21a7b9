/**
 * AF_UNIX ({@code man 7 unix}): {@link gvisor.sentry.socket.unix.UnixStreamSocket},
 * {@link gvisor.sentry.socket.unix.UnixSeqpacketSocket} and {@link gvisor.sentry.socket.unix.UnixDatagramSocket}. Path
 * names lead to a socket through the inode that {@code bind} made; abstract names belong to the network namespace.
 *
 * <p>Locks: a socket's lock, then a listener's accept lock, then buffers.
 */
package gvisor.sentry.socket.unix;
