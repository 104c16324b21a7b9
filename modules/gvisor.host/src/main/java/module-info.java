/** The one module that calls the host kernel. */
module gvisor.host {
  requires transitive gvisor.api;
  requires com.sun.jna;

  exports gvisor.host;
  exports gvisor.host.asm;
  exports gvisor.host.seccomp;
  exports gvisor.host.ptrace to
      gvisor.platform.ptrace;
  exports gvisor.host.kvm to
      gvisor.platform.kvm;
}
