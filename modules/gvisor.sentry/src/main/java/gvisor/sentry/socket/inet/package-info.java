/**
 * AF_INET and AF_INET6 ({@code man 7 ip}, {@code man 7 ipv6}, {@code man 7 tcp}, {@code man 7 udp}). Sockets check
 * addresses, keep options and behave as Linux's; what moves the data is behind
 * {@link gvisor.sentry.socket.inet.InetTransport}, so that a TCP/IP stack can take the place of
 * {@link gvisor.sentry.socket.inet.LoopbackTransport}, which couples two ends of the same sandbox without packets.
 *
 * <p>An address is 128 bits in two longs in network order, an IPv4 one mapped into IPv6 ({@code ::ffff:a.b.c.d}), so
 * that both families share ports and connections.
 *
 * <p>Locks: a socket's lock, then the transport's, then buffers.
 */
package gvisor.sentry.socket.inet;
