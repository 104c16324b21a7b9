package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.ENOSYS;
import static gvisor.api.errno.Errno.ENOSPC;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.sentry.syscall.SyscallTable;

/** The system calls about memory, by number. */
public final class MmTable {
  private MmTable() {}

  public static void fill(SyscallTable table) {
    table.full(9, "mmap", SysMmap::mmap);
    table.full(10, "mprotect", SysMmap::mprotect);
    table.full(11, "munmap", SysMmap::munmap);
    table.full(12, "brk", SysMmap::brk);
    table.full(25, "mremap", SysMmap::mremap);
    table.full(26, "msync", SysMadvise::msync);
    table.full(27, "mincore", SysMadvise::mincore);
    table.partial(28, "madvise", SysMadvise::madvise, "pages are never merged or made huge; no guard regions");
    table.full(29, "shmget", SysShm::shmget);
    table.full(30, "shmat", SysShm::shmat);
    table.full(31, "shmctl", SysShm::shmctl);
    table.full(67, "shmdt", SysShm::shmdt);
    table.full(149, "mlock", SysMadvise::mlock);
    table.full(150, "munlock", SysMadvise::munlock);
    table.full(151, "mlockall", SysMadvise::mlockall);
    table.full(152, "munlockall", SysMadvise::munlockall);
    table.error(216, "remap_file_pages", ENOSYS, "deprecated since Linux 3.16");
    table.partial(237, "mbind", SysNuma::mbind, "one NUMA node: checked, without effect");
    table.partial(238, "set_mempolicy", SysNuma::setMempolicy, "one NUMA node: checked, without effect");
    table.partial(239, "get_mempolicy", SysNuma::getMempolicy, "one NUMA node");
    table.partial(256, "migrate_pages", SysNuma::migratePages, "one NUMA node: checked, without effect");
    table.partial(279, "move_pages", SysNuma::movePages, "one NUMA node: tells where pages are");
    table.full(310, "process_vm_readv", SysProcessVm::readv);
    table.full(311, "process_vm_writev", SysProcessVm::writev);
    table.partial(324, "membarrier", SysMembarrier::membarrier, "private barriers only");
    table.full(325, "mlock2", SysMadvise::mlock2);
    table.partial(329, "pkey_mprotect", SysMmap::pkeyMprotect, "the processor has no protection keys");
    table.error(330, "pkey_alloc", ENOSPC, "the processor has no protection keys");
    table.error(331, "pkey_free", EINVAL, "the processor has no protection keys");
    table.partial(440, "process_madvise", SysMadvise::processMadvise, "advice without effect on others");
  }
}
