package gvisor.runsc.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import gvisor.runsc.json.Json;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuLimitTest {
  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
    "{}| 0",
    "{'quota': -1, 'period': 100000}| 0",
    "{'quota': 150000}| 1.5",
    "{'quota': 20000, 'period': 10000}| 2",
    "{'cpus': '0-2,7'}| 4",
    "{'cpus': '0', 'quota': 150000}| 1",
    "{'cpus': '0-3', 'quota': 150000}| 1.5",
    "{'cpus': 'nonsense'}| 0",
    "{'cpus': '5-2147483647'}| 8192",
    "{'quota': 100000, 'period': 0}| 0",
  })
  void isTheSmallerOfQuotaAndSet(String json, double cpus) throws Exception {
    assertEquals(cpus, CpuLimit.of(Json.read(json.replace('\'', '"').getBytes())));
  }
}
