/**
 * What the ptrace platform needs of the host: {@code ptrace(2)} and {@code wait4(2)} without libc's overhead, and the
 * first stub process. Process and thread ids are plain numbers here; who holds one is the platform's business.
 */
package gvisor.host.ptrace;
