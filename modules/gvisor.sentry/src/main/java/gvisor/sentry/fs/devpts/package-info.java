/**
 * Pseudo-terminals ({@code man 7 pty}, {@code man 4 pts}): the devpts file system, {@code ptmx}, and the terminals of
 * {@code /dev}. A pair is a {@link gvisor.sentry.tty.Terminal} whose hardware is a
 * {@link gvisor.sentry.fs.devpts.PtyMaster}. {@link gvisor.sentry.fs.devpts.TerminalDevices} is the entry.
 */
package gvisor.sentry.fs.devpts;
