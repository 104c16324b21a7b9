package gvisor.runsc.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * Jackson's tree model, read and written through its streaming API: an {@code ObjectMapper} would cost every verb tens
 * of milliseconds for machinery that nothing here needs. Stateless.
 */
public final class Json {
  /** Deepest nesting that is read; config.json needs about ten levels. */
  private static final int MAX_DEPTH = 64;

  /** From here on the parser's messages tell of its own settings. */
  private static final String START_MARKER = " (start marker at [Source";

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
          .build();

  private Json() {}

  /** Does ahead of time what the first {@link #read} would begin with. Any thread. */
  public static void prepare() {
    try {
      read(new byte[] {'{', '}'});
    } catch (MalformedJsonException e) {
      throw new IllegalStateException(e);
    }
  }

  /** An empty object. */
  public static ObjectNode object() {
    return NODES.objectNode();
  }

  /** An empty array. */
  public static ArrayNode array() {
    return NODES.arrayNode();
  }

  /**
   * The one value that {@code text} holds.
   *
   * @throws MalformedJsonException if it is not JSON; the message names line and column
   */
  public static JsonNode read(byte[] text) throws MalformedJsonException {
    try (JsonParser parser = FACTORY.createParser(text)) {
      JsonToken first = parser.nextToken();
      if (first == null) {
        throw new MalformedJsonException("the text is empty");
      }
      JsonNode value = readValue(parser, first);
      if (parser.nextToken() != null) {
        throw malformed("unexpected text after the value", parser.currentLocation());
      }
      return value;
    } catch (JsonProcessingException e) {
      throw malformed(e.getOriginalMessage(), e.getLocation());
    } catch (IOException e) {
      // A byte array has no I/O errors; this is text in an encoding that JSON does not have.
      throw malformed(e.getMessage(), null);
    }
  }

  private static MalformedJsonException malformed(String what, com.fasterxml.jackson.core.JsonLocation where) {
    String place = where == null ? "" : "line " + where.getLineNr() + " column " + where.getColumnNr() + ": ";
    String line = what.lines().findFirst().orElse(what);
    int begin = line.indexOf(START_MARKER);
    return new MalformedJsonException(place + (begin < 0 ? line : line.substring(0, begin)));
  }

  private static JsonNode readValue(JsonParser parser, JsonToken token) throws IOException {
    return switch (token) {
      case START_OBJECT -> {
        ObjectNode object = NODES.objectNode();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          object.set(name, readValue(parser, parser.nextToken()));
        }
        yield object;
      }
      case START_ARRAY -> {
        ArrayNode array = NODES.arrayNode();
        for (JsonToken next = parser.nextToken(); next != JsonToken.END_ARRAY; next = parser.nextToken()) {
          array.add(readValue(parser, next));
        }
        yield array;
      }
      case VALUE_STRING -> NODES.textNode(parser.getText());
      case VALUE_NUMBER_INT ->
          parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
              ? NODES.numberNode(parser.getBigIntegerValue())
              : NODES.numberNode(parser.getLongValue());
      case VALUE_NUMBER_FLOAT -> NODES.numberNode(parser.getDoubleValue());
      case VALUE_TRUE -> NODES.booleanNode(true);
      case VALUE_FALSE -> NODES.booleanNode(false);
      default -> NODES.nullNode();
    };
  }

  /** Compact UTF-8 text of {@code value}. */
  public static byte[] write(JsonNode value) {
    return write(value, false);
  }

  /** UTF-8 text of {@code value}, indented for people and ended by a newline. */
  public static byte[] writeIndented(JsonNode value) {
    return write(value, true);
  }

  private static byte[] write(JsonNode value, boolean indented) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    try (JsonGenerator generator = FACTORY.createGenerator(out)) {
      if (indented) {
        generator.setPrettyPrinter(new com.fasterxml.jackson.core.util.DefaultPrettyPrinter());
      }
      writeValue(generator, value);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // A byte array has no I/O errors.
    }
    if (indented) {
      out.write('\n');
    }
    return out.toByteArray();
  }

  private static void writeValue(JsonGenerator generator, JsonNode value) throws IOException {
    switch (value.getNodeType()) {
      case OBJECT -> {
        generator.writeStartObject();
        for (Map.Entry<String, JsonNode> field : value.properties()) {
          generator.writeFieldName(field.getKey());
          writeValue(generator, field.getValue());
        }
        generator.writeEndObject();
      }
      case ARRAY -> {
        generator.writeStartArray();
        for (JsonNode element : value) {
          writeValue(generator, element);
        }
        generator.writeEndArray();
      }
      case STRING -> generator.writeString(value.textValue());
      case NUMBER -> {
        if (value.isBigInteger()) {
          generator.writeNumber(value.bigIntegerValue());
        } else if (value.isIntegralNumber()) {
          generator.writeNumber(value.longValue());
        } else {
          generator.writeNumber(value.doubleValue());
        }
      }
      case BOOLEAN -> generator.writeBoolean(value.booleanValue());
      default -> generator.writeNull();
    }
  }
}
