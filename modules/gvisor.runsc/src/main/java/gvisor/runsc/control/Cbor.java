package gvisor.runsc.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.json.MalformedJsonException;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * JSON values in the binary form of RFC 8949, as messages have them: only what JSON can say, every length stated in
 * advance. Sandbox and gofer read messages while they start, when a JSON parser would cost 15 ms in each: Jackson's has
 * constants of type BigDecimal, and that class begins by computing large powers.
 */
final class Cbor {
  /** Deepest nesting that is read. */
  private static final int MAX_DEPTH = 64;

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  // Major types, RFC 8949 section 3.1.
  private static final int UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6, SIMPLE = 7;

  // Values of major type 7, section 3.3, and tags of numbers beyond 64 bits, section 3.4.3.
  private static final int FALSE = 20, TRUE = 21, NULL = 22, DOUBLE = 27;
  private static final int POSITIVE_BIGNUM = 2, NEGATIVE_BIGNUM = 3;

  private Cbor() {}

  /** The encoding of {@code value}. */
  static byte[] write(JsonNode value) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    write(value, out);
    return out.toByteArray();
  }

  /**
   * The one value that {@code bytes} hold.
   *
   * @throws MalformedJsonException if they are anything but one value of those that {@link #write} makes
   */
  static JsonNode read(byte[] bytes) throws MalformedJsonException {
    Reader reader = new Reader(bytes);
    JsonNode value = reader.value(0);
    if (reader.at != bytes.length) {
      throw new MalformedJsonException("unexpected bytes after the value");
    }
    return value;
  }

  private static void write(JsonNode value, ByteArrayOutputStream out) {
    switch (value.getNodeType()) {
      case OBJECT -> {
        head(out, MAP, value.size());
        for (Map.Entry<String, JsonNode> field : value.properties()) {
          text(out, field.getKey());
          write(field.getValue(), out);
        }
      }
      case ARRAY -> {
        head(out, ARRAY, value.size());
        for (JsonNode element : value) {
          write(element, out);
        }
      }
      case STRING -> text(out, value.textValue());
      case NUMBER -> number(out, value);
      case BOOLEAN -> out.write(SIMPLE << 5 | (value.booleanValue() ? TRUE : FALSE));
      default -> out.write(SIMPLE << 5 | NULL);
    }
  }

  private static void number(ByteArrayOutputStream out, JsonNode value) {
    if (value.isBigInteger()) {
      BigInteger number = value.bigIntegerValue();
      boolean negative = number.signum() < 0;
      byte[] magnitude = (negative ? number.not() : number).toByteArray();
      head(out, TAG, negative ? NEGATIVE_BIGNUM : POSITIVE_BIGNUM);
      head(out, BYTES, magnitude.length);
      out.writeBytes(magnitude);
    } else if (value.isIntegralNumber()) {
      long number = value.longValue();
      head(out, number < 0 ? NEGATIVE : UNSIGNED, number < 0 ? ~number : number);
    } else {
      out.write(SIMPLE << 5 | DOUBLE);
      bigEndian(out, Double.doubleToRawLongBits(value.doubleValue()), 8);
    }
  }

  private static void text(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    head(out, TEXT, bytes.length);
    out.writeBytes(bytes);
  }

  /** A major type with its argument, which is not negative, in as few bytes as it takes. */
  private static void head(ByteArrayOutputStream out, int major, long argument) {
    if (argument < 24) {
      out.write(major << 5 | (int) argument);
      return;
    }
    int log = argument < 1 << 8 ? 0 : argument < 1 << 16 ? 1 : argument < 1L << 32 ? 2 : 3;
    out.write(major << 5 | 24 + log);
    bigEndian(out, argument, 1 << log);
  }

  private static void bigEndian(ByteArrayOutputStream out, long value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out.write((int) (value >>> shift));
    }
  }

  /** Goes through bytes that need not be what they should. */
  private static final class Reader {
    private final byte[] bytes;
    private int at;

    Reader(byte[] bytes) {
      this.bytes = bytes;
    }

    JsonNode value(int depth) throws MalformedJsonException {
      if (depth > MAX_DEPTH) {
        throw new MalformedJsonException("values are nested more than " + MAX_DEPTH + " deep");
      }
      int initial = (int) unsigned(1);
      int major = initial >> 5;
      int low = initial & 31;
      if (major == SIMPLE) {
        return switch (low) {
          case FALSE -> NODES.booleanNode(false);
          case TRUE -> NODES.booleanNode(true);
          case NULL -> NODES.nullNode();
          case DOUBLE -> NODES.numberNode(Double.longBitsToDouble(unsigned(8)));
          default -> throw unexpected(initial);
        };
      }
      long argument = argument(initial);
      return switch (major) {
        case UNSIGNED -> NODES.numberNode(argument);
        case NEGATIVE -> NODES.numberNode(~argument);
        case TEXT -> NODES.textNode(text(argument));
        case ARRAY -> array(argument, depth);
        case MAP -> map(argument, depth);
        case TAG -> bignum(argument);
        default -> throw unexpected(initial);
      };
    }

    private ArrayNode array(long count, int depth) throws MalformedJsonException {
      ArrayNode array = NODES.arrayNode();
      for (long i = 0; i < count; i++) {
        array.add(value(depth + 1));
      }
      return array;
    }

    private ObjectNode map(long count, int depth) throws MalformedJsonException {
      ObjectNode object = NODES.objectNode();
      for (long i = 0; i < count; i++) {
        int initial = (int) unsigned(1);
        if (initial >> 5 != TEXT) {
          throw unexpected(initial);
        }
        String name = text(argument(initial));
        object.set(name, value(depth + 1));
      }
      return object;
    }

    private JsonNode bignum(long tag) throws MalformedJsonException {
      int initial = (int) unsigned(1);
      if (initial >> 5 != BYTES || tag != POSITIVE_BIGNUM && tag != NEGATIVE_BIGNUM) {
        throw unexpected(initial);
      }
      int length = length(argument(initial));
      BigInteger magnitude = new BigInteger(1, bytes, at, length);
      at += length;
      return NODES.numberNode(tag == NEGATIVE_BIGNUM ? magnitude.not() : magnitude);
    }

    private String text(long argument) throws MalformedJsonException {
      int length = length(argument);
      String text = new String(bytes, at, length, StandardCharsets.UTF_8);
      at += length;
      return text;
    }

    private int length(long argument) throws MalformedJsonException {
      if (argument > bytes.length - at) {
        throw new MalformedJsonException("the value ends in its middle");
      }
      return (int) argument;
    }

    /** What follows an initial byte, if not in it; never negative. */
    private long argument(int initial) throws MalformedJsonException {
      int low = initial & 31;
      if (low < 24) {
        return low;
      }
      if (low > 27) {
        throw unexpected(initial);
      }
      long argument = unsigned(1 << low - 24);
      if (argument < 0) {
        throw unexpected(initial);
      }
      return argument;
    }

    private long unsigned(int length) throws MalformedJsonException {
      length(length);
      long value = 0;
      for (int i = 0; i < length; i++) {
        value = value << 8 | bytes[at++] & 0xff;
      }
      return value;
    }

    private MalformedJsonException unexpected(int initial) {
      return new MalformedJsonException("unexpected byte " + initial + " before offset " + at);
    }
  }
}
