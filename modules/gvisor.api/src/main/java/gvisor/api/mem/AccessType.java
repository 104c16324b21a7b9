package gvisor.api.mem;

/** Bits of an access to memory; the numbers of {@code PROT_*} ({@code man 2 mmap}), so they convert for free. */
public final class AccessType {
  public static final int NONE = 0;
  public static final int READ = 1;
  public static final int WRITE = 2;
  public static final int EXEC = 4;

  private AccessType() {}
}
