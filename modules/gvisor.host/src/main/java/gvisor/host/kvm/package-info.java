/**
 * {@code /dev/kvm} as objects that mirror its own hierarchy: the device, a machine, a virtual processor; and the signal
 * that gets a thread out of KVM_RUN. Facts are from {@code Documentation/virt/kvm/api.rst} of Linux.
 */
package gvisor.host.kvm;
