/**
 * Pipes and fifos. A pipe's lock ranks with the locks of inodes: bytes are copied under it through an
 * {@link gvisor.sentry.mm.IoBuffer}, waiters are told after it is released.
 */
package gvisor.sentry.fs.pipe;
