package gvisor.sentry.fs.tmpfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PageTableTest {
  @Test
  void agreesWithAMap() {
    Random random = new Random(3);
    PageTable table = new PageTable();
    TreeMap<Long, Long> model = new TreeMap<>();
    for (int i = 0; i < 200_000; i++) {
      // Dense at the start, scattered far out.
      long page = random.nextInt(4) > 0 ? random.nextInt(700) : (long) random.nextInt(50) << random.nextInt(40);
      switch (random.nextInt(6)) {
        case 0, 1 -> {
          int count = table.holes(page, 1 + random.nextInt(100));
          if (count > 0) {
            long memory = (long) random.nextInt(1 << 20) << 12;
            table.put(page, memory, count);
            for (int n = 0; n < count; n++) {
              model.put(page + n, memory + n * 4096L);
            }
          }
        }
        case 2 -> {
          Long was = model.remove(page);
          assertEquals(was == null ? PageTable.HOLE : was, table.remove(page));
        }
        case 3 -> assertEquals(model.getOrDefault(page, PageTable.HOLE), table.get(page));
        case 4 -> {
          Map.Entry<Long, Long> next = model.ceilingEntry(page);
          assertEquals(next == null ? Long.MAX_VALUE : next.getKey(), table.nextData(page));
        }
        default -> {
          if (random.nextInt(500) == 0) {
            while (!model.tailMap(page, true).isEmpty()) {
              table.remove(model.pollLastEntry().getKey());
            }
            table.trim(page);
          }
        }
      }
      assertEquals(model.size(), table.pages());
    }
  }

  @Test
  void runsStopWhereMemoryIsNotConsecutive() {
    PageTable table = new PageTable();
    table.put(100, 4096, 80);
    table.put(180, 4096 * 200, 10);
    assertEquals(80, table.run(100, 1000));
    assertEquals(10, table.run(180, 1000));
    assertEquals(100, table.holes(0, 1000));
    assertEquals(5, table.holes(0, 5));
    assertEquals(0, table.holes(150, 5));
  }
}
