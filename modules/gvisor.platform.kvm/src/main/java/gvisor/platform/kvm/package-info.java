/**
 * Application code in ring 3 of a virtual machine. Guest-physical memory is the memory file; the platform owns the guest
 * page tables ({@link gvisor.platform.kvm.PageTables}), so a mapping is a write to memory. Ring 0 holds one instruction
 * an event ({@link gvisor.platform.kvm.Ring0}): {@code hlt}, which ends KVM_RUN.
 *
 * <p>What KVM knows of the page tables it may have from shadows of them, which do not follow when they are written to
 * from outside the machine. So nothing that is present is ever changed without having KVM forget what it knows of the
 * page behind it ({@link gvisor.platform.kvm.Slots#forget}), and no table is used a second time before KVM has
 * forgotten everything ({@link gvisor.platform.kvm.TableMemory}).
 */
package gvisor.platform.kvm;
