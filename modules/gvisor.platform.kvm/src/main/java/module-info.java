/** Platform on /dev/kvm: one virtual machine a sandbox. */
module gvisor.platform.kvm {
  requires gvisor.api;
  requires gvisor.host;

  provides gvisor.api.platform.PlatformProvider with gvisor.platform.kvm.KvmPlatformProvider;
}
