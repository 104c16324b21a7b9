package gvisor.runsc.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import gvisor.runsc.CommandFailure;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SignalNamesTest {
  @ParameterizedTest
  @CsvSource({"SIGTERM,15", "term,15", "9,9", "KILL,9", "SIGUSR2,12", "0,0", "64,64", "RTMIN+1,35", "SIGSYS,31"})
  void namesAndNumbersAreUnderstood(String text, int number) throws Exception {
    assertEquals(number, SignalNames.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "SIG", "65", "-9", "SIGFOO", "999999", "RTMIN+99"})
  void othersAreRefused(String text) {
    assertThrows(CommandFailure.class, () -> SignalNames.parse(text));
  }
}
