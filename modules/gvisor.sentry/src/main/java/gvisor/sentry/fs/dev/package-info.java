/**
 * The memory devices ({@code man 4 null}, {@code man 4 random}), and {@code devtmpfs} with the nodes of a container.
 */
package gvisor.sentry.fs.dev;
