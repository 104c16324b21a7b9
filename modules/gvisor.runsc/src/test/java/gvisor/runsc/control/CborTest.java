package gvisor.runsc.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

final class CborTest {
  private static JsonNode json(String text) throws MalformedJsonException {
    return Json.read(text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits);
  }

  @Test
  void everyValueComesBackAsItWas() throws Exception {
    for (String text :
        new String[] {
          "{}", "[]", "null", "true", "false", "\"\"", "\"gr\u00fc\u00df\"", "0", "23", "24", "255", "256", "65535",
          "65536", "4294967295", "4294967296", "9223372036854775807", "-1", "-24", "-25", "-9223372036854775808", "1.5",
          "18446744073709551615", "-18446744073709551617",
          "{\"process\": {\"args\": [\"sh\", \"-c\"], \"terminal\": false, \"user\": {\"uid\": 0}}, \"list\": [[], {}]}"
        }) {
      JsonNode value = json(text);
      assertArrayEquals(Json.write(value), Json.write(Cbor.read(Cbor.write(value))), text);
    }
  }

  /** RFC 8949, appendix A. */
  @Test
  void encodingIsTheStandards() throws Exception {
    assertArrayEquals(hex("1903e8"), Cbor.write(json("1000")));
    assertArrayEquals(hex("3903e7"), Cbor.write(json("-1000")));
    assertArrayEquals(hex("fb3ff199999999999a"), Cbor.write(json("1.1")));
    assertArrayEquals(hex("6449455446"), Cbor.write(json("\"IETF\"")));
    assertArrayEquals(hex("a26161016162820203"), Cbor.write(json("{\"a\": 1, \"b\": [2, 3]}")));
    assertEquals(json("\"\ud800\udd51\""), Cbor.read(hex("64f0908591")));
  }

  @Test
  void otherBytesAreRefused() throws Exception {
    // Nothing, a length that runs out, one of 64 bits, a key that is no text, an unknown tag, indefinite lengths.
    for (String digits : new String[] {"", "18", "62 61", "7bffffffffffffffff", "9b7fffffffffffffff", "a10101", "c100",
        "9fff", "1c", "f7", "0000", "5f", "c25b7fffffffffffffff"}) {
      byte[] bytes = hex(digits.replace(" ", ""));
      assertThrows(MalformedJsonException.class, () -> Cbor.read(bytes), digits);
    }
    byte[] deep = new byte[100_000];
    Arrays.fill(deep, (byte) 0x81);
    assertThrows(MalformedJsonException.class, () -> Cbor.read(deep));
  }
}
