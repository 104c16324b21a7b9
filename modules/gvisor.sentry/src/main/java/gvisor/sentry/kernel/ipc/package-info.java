/**
 * System V semaphores and message queues ({@code man 7 sysvipc}), kept in the IPC namespace. Locks: a table's, then an
 * object's; both below every lock of the kernel's and above wait queues.
 */
package gvisor.sentry.kernel.ipc;
