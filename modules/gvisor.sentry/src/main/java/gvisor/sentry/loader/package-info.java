/**
 * Turns an executable file into a memory manager ready to run: scripts, ELF images with and without interpreter, the
 * initial stack with the auxiliary vector, and the vDSO. Nothing of the running program is touched before everything
 * has worked, so every failure is an errno of {@code execve}.
 */
package gvisor.sentry.loader;
