/** Timers: what is to happen at a time. Knows the host's clock, and nothing of tasks. */
package gvisor.sentry.time;
