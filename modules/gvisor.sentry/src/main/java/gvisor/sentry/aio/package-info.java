/**
 * Asynchronous I/O as {@code io_submit(2)} has it: contexts, and the results that wait in them. Reads, writes and syncs
 * are carried out when they are submitted, which the interface allows; only polls take their time.
 */
package gvisor.sentry.aio;
