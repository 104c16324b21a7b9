package gvisor.runsc.cmd;

import java.util.function.Consumer;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;

/** Declares options to picocli. */
final class Options {
  private Options() {}

  /** An option with a value. */
  static OptionSpec text(Consumer<String> target, String label, String description, String... names) {
    return described(OptionSpec.builder(names).type(String.class).arity("1").paramLabel(label), description)
        .setter(setter(target))
        .build();
  }

  /** An option whose value may be left out. */
  static OptionSpec optionalText(Consumer<String> target, String label, String description, String... names) {
    return described(
            OptionSpec.builder(names).type(String.class).arity("0..1").fallbackValue("").paramLabel(label),
            description)
        .setter(setter(target))
        .build();
  }

  /** An option that is there or not, or has the value true or false. */
  static OptionSpec flag(Consumer<Boolean> target, String description, String... names) {
    return described(
            OptionSpec.builder(names).type(Boolean.class).arity("0..1").fallbackValue("true").paramLabel("BOOL"),
            description)
        .setter(setter(target))
        .build();
  }

  /** Hides what has no description. */
  static OptionSpec.Builder described(OptionSpec.Builder builder, String description) {
    return builder.description(description).hidden(description.isEmpty());
  }

  /** Hands a parsed value on; picocli also tells that there is none, which leaves the default. */
  @SuppressWarnings("unchecked") // The type of the option says what comes.
  static <T> ISetter setter(Consumer<T> target) {
    return new ISetter() {
      @Override
      public <V> V set(V value) {
        if (value != null) {
          target.accept((T) value);
        }
        return null;
      }
    };
  }
}
