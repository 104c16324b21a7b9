/**
 * Platform on PTRACE_SYSEMU. The parts: {@link gvisor.platform.ptrace.StubCode} is the one page of machine code in every
 * stub; a {@link gvisor.platform.ptrace.Subprocess} is a stub process, in use by one address space or kept for the next;
 * a {@link gvisor.platform.ptrace.Tracer} makes one thread's ptrace requests; {@link
 * gvisor.platform.ptrace.PtraceAddressSpace} collects mapping work and has it done by a stopped tracee; {@link
 * gvisor.platform.ptrace.PtraceContext} is the run loop; {@link gvisor.platform.ptrace.PairBalancer} keeps a task's
 * thread and its tracee on one processor.
 *
 * <p>Lock order: address space, then subprocess, then template, then pool. No lock is held while application code runs.
 */
package gvisor.platform.ptrace;
