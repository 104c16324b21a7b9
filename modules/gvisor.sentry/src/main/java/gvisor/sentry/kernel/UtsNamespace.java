package gvisor.sentry.kernel;

/** Host and domain name ({@code man 7 uts_namespaces}). Thread-safe. */
public final class UtsNamespace {
  /** What {@code uname} says of the kernel. Programs compare the release with what they need. */
  public static final String SYSNAME = "Linux";

  public static final String RELEASE = "6.1.0-gvisor";
  public static final String VERSION = "#1 SMP gVisor in Java";
  public static final String MACHINE = "x86_64";

  /** To programs that cannot take a release of two numbers, or want to be on 32 bits: {@code man 2 personality}. */
  public static final String RELEASE26 = "2.6.61-gvisor";

  public static final String MACHINE32 = "i686";

  /** The longest name. */
  public static final int MAX_LENGTH = 64;

  private final long inode;
  private volatile String hostname;
  private volatile String domainname;

  public UtsNamespace(Kernel kernel, String hostname, String domainname) {
    this.inode = kernel.nextNamespaceInode();
    this.hostname = hostname;
    this.domainname = domainname;
  }

  /** The inode number of {@code /proc/[pid]/ns/uts}. */
  public long inode() {
    return inode;
  }

  public String hostname() {
    return hostname;
  }

  public void setHostname(String name) {
    hostname = name;
  }

  public String domainname() {
    return domainname;
  }

  public void setDomainname(String name) {
    domainname = name;
  }

  UtsNamespace copy(Kernel kernel) {
    return new UtsNamespace(kernel, hostname, domainname);
  }
}
