/** Assembles the kernel: sees every part of it, and is all that the runtime sees of it. */
package gvisor.sentry.boot;
