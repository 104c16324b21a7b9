/**
 * Terminals: the line discipline of {@code man 3 termios}, window sizes, controlling terminals and job control. What is
 * at the other end, a pseudo-terminal's master or a host terminal, drives a {@link gvisor.sentry.tty.Terminal} through
 * its rings.
 *
 * <p>One lock a terminal, ranked with inode locks: above the memory manager's and wait queues, below the kernel's task
 * lock; so {@link gvisor.sentry.kernel.ControllingTerminal}, which has the job control, is asked and told only while it
 * is not held.
 */
package gvisor.sentry.tty;
