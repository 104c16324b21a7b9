/**
 * Tasks, thread groups, signals, and what they share. The run loop of a task, on a thread of its own, switches to the
 * application and serves what comes back.
 */
package gvisor.sentry.kernel;
