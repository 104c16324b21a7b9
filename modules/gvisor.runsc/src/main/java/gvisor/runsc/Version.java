package gvisor.runsc;

/** What this program says it is. */
public final class Version {
  /** The version of this program. */
  public static final String NUMBER = "0.1.0";

  /** The newest OCI runtime specification that a {@code config.json} may name. */
  public static final String OCI = "1.2.1";

  private Version() {}

  /** The answer to {@code --version}, in the shape Docker parses: a first line with the name, a line with the spec. */
  public static String text() {
    return "runsc version " + NUMBER + "\nspec: " + OCI;
  }
}
