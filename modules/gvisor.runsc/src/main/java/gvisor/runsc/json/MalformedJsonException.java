package gvisor.runsc.json;

/** Text is not JSON, or not the JSON that was asked for. */
public final class MalformedJsonException extends Exception {
  private static final long serialVersionUID = 1;

  /** {@code message} names the place. */
  public MalformedJsonException(String message) {
    super(message, null, false, false);
  }
}
