package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import gvisor.api.mem.AccessType;
import gvisor.host.MemFd;
import gvisor.host.kvm.Kvm;
import gvisor.host.kvm.KvmMachine;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The tables as a processor reads them, which runs on them only where there is nested paging. */
class PageTablesTest {
  private static final long PAGE = 4096, LARGE_PAGE = 2 << 20;
  private static final long BASE = 0x7000_0000_0000L;
  private static final int READ = AccessType.READ, WRITE = AccessType.WRITE, EXEC = AccessType.EXEC;
  private static final long ACCESSED = 0x20, LARGE = 0x80;
  private static final long FRAME = 0x000f_ffff_ffff_f000L;

  private Kvm kvm;
  private KvmMachine machine;
  private MemFd file;
  private Slots slots;
  private TableMemory memory;
  private PageTables tables;
  private final StaleRuns stale = new StaleRuns();

  @BeforeEach
  void open() throws Exception {
    String reason = new KvmPlatformProvider().unavailableReason();
    assumeTrue(reason == null, reason);
    kvm = Kvm.open();
    machine = kvm.newMachine();
    file = MemFd.create("test", 1L << 30);
    slots = new Slots(machine, file, 100);
    memory = new TableMemory(slots, slots.end(), true);
    tables = new PageTables(memory, null, true);
  }

  @AfterEach
  void close() {
    if (kvm != null) {
      machine.close();
      slots.close();
      memory.close();
      file.close();
      kvm.close();
    }
  }

  /** Offset of the last entry on the way to {@code addr}, and whether it is a large one, as its sign. */
  private long walk(long addr) {
    long table = memory.offset(tables.rootAddress());
    for (int level = 3;; level--) {
      long at = table + (addr >>> 12 + 9 * level & 511) * 8;
      long entry = memory.memory().get(JAVA_LONG, at);
      if (level == 0 || entry == 0) {
        return at;
      }
      if ((entry & LARGE) != 0) {
        assertEquals(1, level);
        return -at;
      }
      table = memory.offset(entry & FRAME);
    }
  }

  private boolean isLarge(long addr) {
    return walk(addr) < 0;
  }

  private long entry(long addr) {
    return memory.memory().get(JAVA_LONG, Math.abs(walk(addr)));
  }

  /** What a processor does when it uses an entry. */
  private void use(long addr) {
    memory.memory().set(JAVA_LONG, Math.abs(walk(addr)), entry(addr) | ACCESSED);
  }

  /** Offset and access as one number, 0 for nothing. */
  private long seen(long addr) {
    long entry = entry(addr);
    if (entry == 0) {
      return 0;
    }
    long offset = isLarge(addr) ? (entry & FRAME) + (addr & LARGE_PAGE - 1) : entry & FRAME;
    assertEquals(offset, tables.translate(addr));
    return offset | READ | ((entry & 2) != 0 ? WRITE : 0) | (entry < 0 ? 0 : EXEC);
  }

  @Test
  void largePagesWhereTheyFit() throws Exception {
    tables.map(BASE + PAGE, 2 * LARGE_PAGE, PAGE, READ | WRITE, stale);
    assertFalse(isLarge(BASE + PAGE));
    assertTrue(isLarge(BASE + LARGE_PAGE));
    assertFalse(isLarge(BASE + 2 * LARGE_PAGE));
    assertEquals(LARGE_PAGE + 5 * PAGE | READ | WRITE, seen(BASE + LARGE_PAGE + 5 * PAGE));
    tables.map(BASE + 4 * LARGE_PAGE, LARGE_PAGE, PAGE, READ, stale);
    assertFalse(isLarge(BASE + 4 * LARGE_PAGE), "the memory file is aligned otherwise");
    assertTrue(stale.isEmpty());
  }

  @Test
  void aLargePageIsSplitWhenAPartChanges() throws Exception {
    tables.map(BASE, LARGE_PAGE, 0, READ | WRITE, stale);
    use(BASE);
    tables.protect(BASE + 3 * PAGE, PAGE, READ, stale);
    assertFalse(stale.isEmpty());
    assertFalse(isLarge(BASE));
    assertEquals(2 * PAGE | READ | WRITE, seen(BASE + 2 * PAGE));
    assertEquals(3 * PAGE | READ, seen(BASE + 3 * PAGE));
    stale.clear();
    tables.unmap(BASE + 7 * PAGE, PAGE, stale);
    assertFalse(stale.isEmpty(), "it was used through the large page");
    assertEquals(0, seen(BASE + 7 * PAGE));
    stale.clear();
    tables.map(BASE, LARGE_PAGE, LARGE_PAGE, READ, stale);
    assertFalse(stale.isEmpty());
    assertTrue(isLarge(BASE));
    tables.releaseDropped();
    assertEquals(LARGE_PAGE + 3 * PAGE | READ, seen(BASE + 3 * PAGE));
  }

  @Test
  void whatWasNeverUsedIsNotStale() throws Exception {
    tables.map(BASE, LARGE_PAGE, 0, READ | WRITE, stale);
    tables.unmap(BASE, LARGE_PAGE, stale);
    assertTrue(stale.isEmpty());
    tables.map(BASE, LARGE_PAGE, 0, READ | WRITE, stale);
    use(BASE + 5 * PAGE);
    tables.protect(BASE, LARGE_PAGE, READ | WRITE | EXEC, stale);
    assertTrue(stale.isEmpty(), "more access needs nothing forgotten");
    tables.unmap(BASE, LARGE_PAGE, stale);
    assertFalse(stale.isEmpty());
  }

  @Test
  void everySequenceGivesWhatSmallPagesWouldGive() throws Exception {
    Random random = new Random(42);
    int pages = (int) (4 * LARGE_PAGE / PAGE);
    Map<Integer, Long> wanted = new HashMap<>();
    for (int round = 0; round < 3000; round++) {
      boolean aligned = random.nextInt(3) == 0;
      int from = aligned ? 512 * random.nextInt(4) : random.nextInt(pages);
      int count = aligned ? 512 * (1 + random.nextInt(4 - from / 512)) : 1 + random.nextInt(Math.min(600, pages - from));
      int access = READ | (random.nextBoolean() ? WRITE : 0) | (random.nextBoolean() ? EXEC : 0);
      long addr = BASE + from * PAGE;
      switch (random.nextInt(3)) {
        case 0 -> {
          long offset = (random.nextInt(20) * 512L + (aligned ? 0 : from % 512)) * PAGE;
          tables.map(addr, count * PAGE, offset, access, stale);
          for (int i = 0; i < count; i++) {
            wanted.put(from + i, offset + i * PAGE | access);
          }
        }
        case 1 -> {
          tables.protect(addr, count * PAGE, access, stale);
          for (int i = from; i < from + count; i++) {
            wanted.computeIfPresent(i, (page, old) -> old & -PAGE | access);
          }
        }
        default -> {
          tables.unmap(addr, count * PAGE, stale);
          for (int i = from; i < from + count; i++) {
            wanted.remove(i);
          }
        }
      }
      stale.clear();
      tables.releaseDropped();
      for (int i = 0; i < pages; i++) {
        if (wanted.getOrDefault(i, 0L) != seen(BASE + i * PAGE)) {
          assertEquals(wanted.getOrDefault(i, 0L), seen(BASE + i * PAGE), "round " + round + ", page " + i);
        }
      }
    }
    tables.close();
  }
}
