/**
 * Sockets as the system calls see them: {@link gvisor.sentry.socket.Socket} is an open file with more operations, made
 * by one {@link gvisor.sentry.socket.SocketFamily} an address family. Nothing here blocks: an operation that would have to
 * wait says so, and the system call waits on the socket's queue and tries again.
 *
 * <p>What connects two ends is shared by the families: {@link gvisor.sentry.socket.StreamBuffer} for bytes,
 * {@link gvisor.sentry.socket.PacketQueue} for messages. Names and ports belong to a
 * {@link gvisor.sentry.socket.Network}.
 *
 * <p>Locks, outermost first: a listener's or name table's lock, a socket's lock, a buffer's lock, a wait queue. The
 * memory manager's read lock is taken under a buffer's lock, by copies through {@code IoBuffer}. Wait queues are
 * notified with no lock of this package held, but for a socket's.
 */
package gvisor.sentry.socket;
