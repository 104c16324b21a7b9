/**
 * POSIX message queues ({@code man 7 mq_overview}) and the file system that shows them. The queues belong to an IPC
 * namespace ({@link gvisor.sentry.fs.mqueue.Mqueues}); a mount is a view of those of whoever looks at it first.
 */
package gvisor.sentry.fs.mqueue;
