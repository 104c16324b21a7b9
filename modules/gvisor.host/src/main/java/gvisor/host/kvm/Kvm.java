package gvisor.host.kvm;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The device: what this host's KVM can do, and new machines. Thread-safe. */
public final class Kvm implements AutoCloseable {
  /** Where it is. */
  public static final String DEVICE = "/dev/kvm";

  /** The only version of the interface that was ever published as stable. */
  public static final int API_VERSION = 12;

  /** Capabilities for {@link #capability}. */
  public static final int CAP_USER_MEMORY = 3, CAP_NR_MEMSLOTS = 10, CAP_XSAVE = 55, CAP_XCRS = 56, CAP_MAX_VCPUS = 66,
      CAP_SYNC_REGS = 74, CAP_XSAVE2 = 208, CAP_DISABLE_QUIRKS2 = 213;

  /** Bytes of {@code struct kvm_cpuid_entry2}, and of what comes before the first in {@code struct kvm_cpuid2}. */
  public static final int CPUID_ENTRY = 40, CPUID_HEADER = 8;

  private static final long KVM_GET_API_VERSION = 0xae00;
  private static final long KVM_CREATE_VM = 0xae01;
  private static final long KVM_CHECK_EXTENSION = 0xae03;
  private static final long KVM_GET_VCPU_MMAP_SIZE = 0xae04;
  private static final long KVM_GET_SUPPORTED_CPUID = 0xc008ae05L;
  private static final int MAX_CPUID_ENTRIES = 1024;

  private final Fd fd;

  private Kvm(Fd fd) {
    this.fd = fd;
  }

  /**
   * Opens the device.
   *
   * @throws ErrnoException ENOENT where there is none, EACCES without permission
   */
  public static Kvm open() throws ErrnoException {
    return new Kvm(Fd.open(DEVICE, Sys.O_RDWR, 0));
  }

  /** KVM_GET_API_VERSION. */
  public int apiVersion() throws ErrnoException {
    return check(Libc.ioctl(fd.number(), KVM_GET_API_VERSION, 0));
  }

  /** KVM_CHECK_EXTENSION: 0 for what this host does not have. */
  public int capability(int which) {
    return Math.max(0, Libc.ioctl(fd.number(), KVM_CHECK_EXTENSION, which));
  }

  /** KVM_GET_SUPPORTED_CPUID: a {@code struct kvm_cpuid2} that lives until it is unreachable. */
  public MemorySegment supportedCpuid() throws ErrnoException {
    MemorySegment cpuid = Arena.ofAuto().allocate(CPUID_HEADER + (long) MAX_CPUID_ENTRIES * CPUID_ENTRY, 8);
    cpuid.set(JAVA_INT, 0, MAX_CPUID_ENTRIES);
    check(Libc.ioctl(fd.number(), KVM_GET_SUPPORTED_CPUID, cpuid.address()));
    return cpuid;
  }

  /** KVM_CREATE_VM. */
  public KvmMachine newMachine() throws ErrnoException {
    int runSize = check(Libc.ioctl(fd.number(), KVM_GET_VCPU_MMAP_SIZE, 0));
    int vm;
    do {
      // A signal of the JVM makes it give up, as anything that takes a while.
      vm = Libc.ioctl(fd.number(), KVM_CREATE_VM, 0);
    } while (vm < 0 && Libc.errno() == Errno.EINTR);
    KvmMachine machine = new KvmMachine(Fd.adopt(check(vm)), runSize);
    machine.disableQuirks(capability(CAP_DISABLE_QUIRKS2));
    return machine;
  }

  @Override
  public void close() {
    fd.close();
  }
}
