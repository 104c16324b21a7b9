package gvisor.runsc.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void whatIsReadIsWritten() throws Exception {
    String text =
        "{\"a\":[1,-2,18446744073709551615,1.5,true,false,null],\"b\":{\"c\":\"\\\"\\n\u00e9\"},\"d\":\"\",\"e\":[]}";
    assertEquals(text, new String(Json.write(Json.read(text.getBytes(StandardCharsets.UTF_8))), StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "{", "[1,", "{\"a\"}", "{} {}", "nul", "\"", "{\"a\":1,}"})
  void malformedTextIsRefused(String text) {
    assertThrows(MalformedJsonException.class, () -> Json.read(text.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void aTextThatEndsTooEarlySaysWhereAndNothingOfTheParser() {
    MalformedJsonException e = assertThrows(MalformedJsonException.class, () -> Json.read("{\n".getBytes()));
    assertEquals("line 2 column 1: Unexpected end-of-input: expected close marker for Object", e.getMessage());
  }

  @Test
  void deepNestingIsRefused() {
    byte[] deep = "[".repeat(100_000).getBytes(StandardCharsets.UTF_8);
    assertThrows(MalformedJsonException.class, () -> Json.read(deep));
  }
}
