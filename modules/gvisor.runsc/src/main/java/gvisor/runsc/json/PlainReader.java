package gvisor.runsc.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;

/**
 * Reads JSON text of the plain kind that bundles and records are made of: ASCII, integers of up to 18 digits, not nested
 * deeply. Of anything else, malformed text above all, it says nothing, and {@link Json} asks Jackson's parser. That begins
 * with constants of type BigDecimal, a class that computes large powers first: 13 ms of a command that takes 60.
 */
final class PlainReader {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private static final int MAX_DEPTH = 32;
  private static final int MAX_DIGITS = 18;
  private static final int MAX_STRING = 32 << 10;
  private static final int END = -1;

  private final byte[] text;
  private int at;

  private PlainReader(byte[] text) {
    this.text = text;
  }

  /** The one value that {@code text} holds, or null if it is for somebody else to read or to refuse. */
  static JsonNode read(byte[] text) {
    PlainReader reader = new PlainReader(text);
    JsonNode value = reader.value(0);
    return value != null && reader.next() == END ? value : null;
  }

  /** The next byte that is no white space, which stays; {@link #END} at the end. */
  private int next() {
    while (at < text.length) {
      byte b = text[at];
      if (b != ' ' && b != '\n' && b != '\t' && b != '\r') {
        return b;
      }
      at++;
    }
    return END;
  }

  private JsonNode value(int depth) {
    if (depth > MAX_DEPTH) {
      return null;
    }
    int first = next();
    return switch (first) {
      case '{' -> object(depth);
      case '[' -> array(depth);
      case '"' -> {
        String string = string();
        yield string == null ? null : NODES.textNode(string);
      }
      case 't' -> word("true", NODES.booleanNode(true));
      case 'f' -> word("false", NODES.booleanNode(false));
      case 'n' -> word("null", NODES.nullNode());
      default -> first == '-' || isDigit(first) ? number() : null;
    };
  }

  private ObjectNode object(int depth) {
    ObjectNode object = NODES.objectNode();
    at++;
    if (next() == '}') {
      at++;
      return object;
    }
    while (next() == '"') {
      String name = string();
      if (name == null || next() != ':') {
        return null;
      }
      at++;
      JsonNode value = value(depth + 1);
      if (value == null) {
        return null;
      }
      object.set(name, value);
      int after = next();
      at++;
      if (after == '}') {
        return object;
      }
      if (after != ',') {
        return null;
      }
    }
    return null;
  }

  private ArrayNode array(int depth) {
    ArrayNode array = NODES.arrayNode();
    at++;
    if (next() == ']') {
      at++;
      return array;
    }
    while (true) {
      JsonNode value = value(depth + 1);
      if (value == null) {
        return null;
      }
      array.add(value);
      int after = next();
      at++;
      if (after == ']') {
        return array;
      }
      if (after != ',') {
        return null;
      }
    }
  }

  private JsonNode word(String word, JsonNode value) {
    if (text.length - at < word.length()) {
      return null;
    }
    for (int i = 0; i < word.length(); i++) {
      if (text[at + i] != word.charAt(i)) {
        return null;
      }
    }
    at += word.length();
    return endsHere() ? value : null;
  }

  private JsonNode number() {
    boolean negative = text[at] == '-';
    if (negative) {
      at++;
    }
    int start = at;
    long number = 0;
    while (at < text.length && isDigit(text[at]) && at - start <= MAX_DIGITS) {
      number = number * 10 + text[at++] - '0';
    }
    int digits = at - start;
    if (digits == 0 || digits > MAX_DIGITS || digits > 1 && text[start] == '0' || !endsHere()) {
      return null;
    }
    return NODES.numberNode(negative ? -number : number);
  }

  /** Whether a word or a number may end here: a fraction, an exponent or a letter may not follow. */
  private boolean endsHere() {
    if (at == text.length) {
      return true;
    }
    return switch (text[at]) {
      case ',', ']', '}', ' ', '\n', '\t', '\r' -> true;
      default -> false;
    };
  }

  /** A string from its quotation mark on, or null. */
  private String string() {
    int start = ++at;
    while (at < text.length && at - start <= MAX_STRING) {
      byte b = text[at];
      if (b == '"') {
        return ascii(start, at++);
      }
      if (b == '\\') {
        return escapedString(start);
      }
      if (b < ' ') {
        return null; // A control character, or one beyond ASCII.
      }
      at++;
    }
    return null;
  }

  /** As {@link #string}, once there is an escape. */
  private String escapedString(int start) {
    StringBuilder string = new StringBuilder();
    int copied = start;
    while (at < text.length && at - start <= MAX_STRING) {
      byte b = text[at];
      if (b == '"') {
        return string.append(ascii(copied, at++)).toString();
      }
      if (b < ' ') {
        return null;
      }
      if (b != '\\') {
        at++;
        continue;
      }
      string.append(ascii(copied, at));
      int c = escape();
      if (c < 0) {
        return null;
      }
      string.append((char) c);
      copied = at;
    }
    return null;
  }

  private String ascii(int from, int to) {
    return new String(text, from, to - from, StandardCharsets.ISO_8859_1);
  }

  /** The character that the escape at hand stands for, or -1. */
  private int escape() {
    if (at + 1 >= text.length) {
      return -1;
    }
    at += 2;
    return switch (text[at - 1]) {
      case '"' -> '"';
      case '\\' -> '\\';
      case '/' -> '/';
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> codeUnit();
      default -> -1;
    };
  }

  /** Four hexadecimal digits; -1 for half of a character, too. */
  private int codeUnit() {
    if (text.length - at < 4) {
      return -1;
    }
    int unit = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(text[at++], 16);
      if (digit < 0) {
        return -1;
      }
      unit = unit << 4 | digit;
    }
    return Character.isSurrogate((char) unit) ? -1 : unit;
  }

  private static boolean isDigit(int b) {
    return b >= '0' && b <= '9';
  }
}
