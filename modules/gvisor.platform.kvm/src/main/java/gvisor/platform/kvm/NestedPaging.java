package gvisor.platform.kvm;

import java.io.IOException;
import java.io.RandomAccessFile;

/**
 * Whether the processor walks the page tables of a machine itself (Intel's EPT, AMD's nested paging), so that KVM has no
 * shadows of them. Then tables are as the manual has them: a translation that was used stays until the processor is told
 * to forget, a table may change its shape, and 2 MiB pages are worth having. With shadows none of that holds: KVM expects
 * to see the machine's own writes to its tables, and does not see ours.
 */
final class NestedPaging {
  private static final String[] PARAMETERS = {
    "/sys/module/kvm_intel/parameters/ept", "/sys/module/kvm_amd/parameters/npt"
  };

  private NestedPaging() {}

  /** Asks KVM's modules; without an answer, no. */
  static boolean isOn() {
    for (String parameter : PARAMETERS) {
      try (RandomAccessFile f = new RandomAccessFile(parameter, "r")) {
        int value = f.read();
        return value == 'Y' || value == '1';
      } catch (IOException e) {
        continue; // that module is not there
      }
    }
    return false;
  }
}
