/** Platform on PTRACE_SYSEMU: one stub process an address space, one tracee a task. */
module gvisor.platform.ptrace {
  requires gvisor.api;
  requires gvisor.host;

  provides gvisor.api.platform.PlatformProvider with gvisor.platform.ptrace.PtracePlatformProvider;
}
