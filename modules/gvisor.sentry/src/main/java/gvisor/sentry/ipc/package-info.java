/**
 * System V IPC ({@code man 7 sysvipc}). Each kind has a registry that an IPC namespace keeps by its class; the
 * registry's lock guards its objects.
 */
package gvisor.sentry.ipc;
