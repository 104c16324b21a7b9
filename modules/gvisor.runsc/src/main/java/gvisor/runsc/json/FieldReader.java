package gvisor.runsc.json;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the fields of one JSON object and names the field in every complaint: {@code mounts[3].destination must be a
 * string}. An absent field and {@code null} are the same, as the OCI specification has it.
 */
public final class FieldReader {
  private static final BigInteger MAX_U64 = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

  private final String path;
  private final JsonNode object;

  private FieldReader(String path, JsonNode object) {
    this.path = path;
    this.object = object;
  }

  /** Reads the fields of the outermost value. */
  public static FieldReader of(JsonNode root) throws MalformedJsonException {
    if (!root.isObject()) {
      throw new MalformedJsonException("the text is not a JSON object");
    }
    return new FieldReader("", root);
  }

  /** A complaint about field {@code name}. */
  public MalformedJsonException fault(String name, String complaint) {
    return new MalformedJsonException(pathOf(name) + " " + complaint);
  }

  /** Where field {@code name} is, from the outermost value. */
  public String pathOf(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /** Whether the field is there and not null. */
  public boolean has(String name) {
    return field(name) != null;
  }

  /** Whether the object has no fields. */
  public boolean isEmpty() {
    return object.isEmpty();
  }

  /** The field as an object, or null if absent. */
  public FieldReader object(String name) throws MalformedJsonException {
    JsonNode value = field(name);
    if (value == null) {
      return null;
    }
    if (!value.isObject()) {
      throw fault(name, "must be an object");
    }
    return new FieldReader(pathOf(name), value);
  }

  /** The objects of an array; empty if absent. */
  public List<FieldReader> objects(String name) throws MalformedJsonException {
    JsonNode array = array(name);
    List<FieldReader> readers = new ArrayList<>(array == null ? 0 : array.size());
    for (int i = 0; array != null && i < array.size(); i++) {
      String place = pathOf(name) + "[" + i + "]";
      if (!array.get(i).isObject()) {
        throw new MalformedJsonException(place + " must be an object");
      }
      readers.add(new FieldReader(place, array.get(i)));
    }
    return readers;
  }

  /** The field as a string, or {@code absent}. A NUL in it is refused: no name of Linux has one. */
  public String string(String name, String absent) throws MalformedJsonException {
    JsonNode value = field(name);
    return value == null ? absent : checkedString(value, pathOf(name));
  }

  /** The field as a string that must be there and not be empty. */
  public String requiredString(String name) throws MalformedJsonException {
    String value = string(name, "");
    if (value.isEmpty()) {
      throw fault(name, "is missing or empty");
    }
    return value;
  }

  /** The strings of an array; empty if absent. */
  public List<String> strings(String name) throws MalformedJsonException {
    JsonNode array = array(name);
    List<String> strings = new ArrayList<>(array == null ? 0 : array.size());
    for (int i = 0; array != null && i < array.size(); i++) {
      strings.add(checkedString(array.get(i), pathOf(name) + "[" + i + "]"));
    }
    return List.copyOf(strings);
  }

  /** An object whose values are strings, in order; empty if absent. */
  public Map<String, String> stringMap(String name) throws MalformedJsonException {
    FieldReader map = object(name);
    Map<String, String> strings = new LinkedHashMap<>();
    if (map != null) {
      for (Map.Entry<String, JsonNode> entry : map.object.properties()) {
        strings.put(entry.getKey(), checkedString(entry.getValue(), map.pathOf(entry.getKey())));
      }
    }
    return strings;
  }

  /** The field as a boolean, or {@code absent}. */
  public boolean bool(String name, boolean absent) throws MalformedJsonException {
    JsonNode value = field(name);
    if (value == null) {
      return absent;
    }
    if (!value.isBoolean()) {
      throw fault(name, "must be true or false");
    }
    return value.booleanValue();
  }

  /** The field as an integer from {@code min} to {@code max}, or {@code absent}. */
  public long integer(String name, long min, long max, long absent) throws MalformedJsonException {
    JsonNode value = field(name);
    return value == null ? absent : checkedInteger(value, pathOf(name), min, max);
  }

  /** The integers of an array; empty if absent. */
  public long[] integers(String name, long min, long max) throws MalformedJsonException {
    JsonNode array = array(name);
    long[] integers = new long[array == null ? 0 : array.size()];
    for (int i = 0; i < integers.length; i++) {
      integers[i] = checkedInteger(array.get(i), pathOf(name) + "[" + i + "]", min, max);
    }
    return integers;
  }

  /** The field as 64 unsigned bits, or {@code absent}. */
  public long unsigned64(String name, long absent) throws MalformedJsonException {
    JsonNode value = field(name);
    if (value == null) {
      return absent;
    }
    if (!value.isIntegralNumber()
        || value.bigIntegerValue().signum() < 0
        || value.bigIntegerValue().compareTo(MAX_U64) > 0) {
      throw fault(name, "must be an integer from 0 to " + MAX_U64);
    }
    return value.bigIntegerValue().longValue();
  }

  private JsonNode field(String name) {
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }

  private JsonNode array(String name) throws MalformedJsonException {
    JsonNode value = field(name);
    if (value != null && !value.isArray()) {
      throw fault(name, "must be an array");
    }
    return value;
  }

  private static String checkedString(JsonNode value, String place) throws MalformedJsonException {
    if (!value.isTextual()) {
      throw new MalformedJsonException(place + " must be a string");
    }
    if (value.textValue().indexOf('\0') >= 0) {
      throw new MalformedJsonException(place + " must not hold a NUL character");
    }
    return value.textValue();
  }

  private static long checkedInteger(JsonNode value, String place, long min, long max) throws MalformedJsonException {
    if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < min || value.longValue() > max) {
      throw new MalformedJsonException(place + " must be an integer from " + min + " to " + max);
    }
    return value.longValue();
  }
}
