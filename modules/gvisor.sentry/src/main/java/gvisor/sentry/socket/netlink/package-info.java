/**
 * AF_NETLINK ({@code man 7 netlink}, {@code man 7 rtnetlink}): route sockets that answer what {@code getifaddrs},
 * {@code if_nameindex} and {@code ip} ask, and silent sockets for device events. The kernel's answer is in the socket's
 * queue before the request's {@code send} returns.
 */
package gvisor.sentry.socket.netlink;
