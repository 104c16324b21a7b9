package gvisor.runsc.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.Random;
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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}", " [ ] ", "[1,-2,0,-0,999999999999999999]", "{\"a\":{\"b\":[true,false,null,\"c\"]},\"a\":1,\"\":\"\"}\n",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9x\"", "\t{\r\n\"a\" : 1 , \"b\" : [ 2 ] }", "7", "true"
      })
  void plainTextIsReadWithoutJackson(String text) throws Exception {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    assertEquals(Json.readAny(bytes), PlainReader.read(bytes));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.5", "1e3", "1234567890123456789", "01", "-", "+1", "truex", "nul", "\"\u00e9\"", "\"\\ud83d\\ude00\"", "\"\\x\"",
        "\"\\u12g4\"", "\"\\u12", "\"\\", "\"\n\"", "[1 2]", "[1,]", "{1:2}", "{\"a\":1,}", "{\"a\" 1}", "{,}", "[", "{", "{} {}", "",
        "\ufeff{}", "/* */ {}", "NaN"
      })
  void theRestIsLeftToJackson(String text) {
    assertNull(PlainReader.read(text.getBytes(StandardCharsets.UTF_8)));
    assertNull(PlainReader.read(("[".repeat(40) + text + "]".repeat(40)).getBytes(StandardCharsets.UTF_8)));
  }

  /** Whatever the plain reader takes, Jackson takes as the same. */
  @Test
  void bothReadersAgreeOnDamagedText() throws Exception {
    byte[] whole =
        "{\"args\": [\"sh\", \"-c\", \"a \\u003c \\\"b\\\"\"], \"id\": -12, \"on\": true, \"o\": {\"n\": null, \"e\": {}}, \"f\": 10}"
            .getBytes(StandardCharsets.UTF_8);
    byte[] replacements = "{}[]\",:\\-0123eEu.tfn \n\u0001x".getBytes(StandardCharsets.ISO_8859_1);
    Random random = new Random(1);
    int taken = 0;
    for (int i = 0; i < 200_000; i++) {
      byte[] text = whole.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        text[random.nextInt(text.length)] = replacements[random.nextInt(replacements.length)];
      }
      JsonNode plain = PlainReader.read(text);
      if (plain != null) {
        taken++;
        assertEquals(Json.readAny(text), plain, () -> new String(text, StandardCharsets.ISO_8859_1));
      }
    }
    assertTrue(taken > 1000, "texts that are JSON still: " + taken);
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
