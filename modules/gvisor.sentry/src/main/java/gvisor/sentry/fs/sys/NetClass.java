package gvisor.sentry.fs.sys;

import gvisor.api.host.NetworkSnapshot;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernInode;
import gvisor.sentry.fs.kernfs.KernLink;
import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.Inode;
import java.util.List;
import java.util.Locale;

/**
 * Network interfaces as {@code /sys/class/net} and {@code /sys/devices/virtual/net} show them: loopback, or what the
 * host's network has when a sandbox uses that. One a kernel. Thread-safe.
 */
public final class NetClass {
  private static final int ARPHRD_LOOPBACK = 772;
  private static final String[] STATES =
      {"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"};

  private volatile List<NetworkSnapshot.Interface> interfaces =
      List.of(new NetworkSnapshot.Interface(
          1, "lo", ARPHRD_LOOPBACK, 0x9, 65536, 1000, 0, new byte[6], new byte[6], List.of()));

  private NetClass() {}

  /** The one of {@code kernel}. */
  public static NetClass of(Kernel kernel) {
    return kernel.part(NetClass.class, k -> new NetClass());
  }

  /** Shows these instead. */
  public void set(List<NetworkSnapshot.Interface> shown) {
    interfaces = List.copyOf(shown);
  }

  /** {@code /sys/class/net}, or with {@code isDevices} the directory that its links lead to. */
  KernDir directory(KernSuperblock superblock, long ino, boolean isDevices) {
    return new Directory(superblock, ino, isDevices);
  }

  private final class Directory extends KernDir {
    private final boolean isDevices;

    Directory(KernSuperblock superblock, long ino, boolean isDevices) {
      super(superblock, ino);
      this.isDevices = isDevices;
    }

    @Override
    protected int links() {
      return 2 + (isDevices ? interfaces.size() : 0);
    }

    @Override
    public Inode lookup(Caller caller, String name) {
      for (NetworkSnapshot.Interface i : interfaces) {
        if (i.name().equals(name)) {
          return isDevices
              ? device(new KernDir(kernSuperblock(), inoOf(name)), i)
              : new KernLink(kernSuperblock(), inoOf(name), "../../devices/virtual/net/" + name);
        }
      }
      return null;
    }

    @Override
    protected long dynamicEntries(Caller caller, long cookie, DirSink sink) throws gvisor.api.errno.ErrnoException {
      List<NetworkSnapshot.Interface> all = interfaces;
      long at = cookie;
      int type = (isDevices ? KernInode.S_IFDIR : KernInode.S_IFLNK) >> 12;
      while (at - FIRST_DYNAMIC < all.size()) {
        String name = all.get((int) (at - FIRST_DYNAMIC)).name();
        if (!sink.entry(name, inoOf(name), type, at + 1)) {
          return at;
        }
        at++;
      }
      return at;
    }
  }

  private static KernDir device(KernDir d, NetworkSnapshot.Interface i) {
    boolean isRunning = (i.flags() & 0x40) != 0 || i.type() == ARPHRD_LOOPBACK;
    d.file("address", hardware(i.hardware()));
    d.file("addr_len", i.hardware().length + "\n");
    d.file("broadcast", hardware(i.broadcast()));
    d.file("carrier", isRunning ? "1\n" : "0\n");
    d.file("dev_id", "0x0\n");
    d.file("dormant", "0\n");
    d.file("flags", "0x" + Integer.toHexString(i.flags() & 0xffbf) + "\n"); // Without IFF_RUNNING, which follows.
    d.file("ifindex", i.index() + "\n");
    d.file("iflink", i.index() + "\n");
    d.file("mtu", i.mtu() + "\n");
    d.file("operstate", (i.state() < STATES.length ? STATES[i.state()] : STATES[0]) + "\n");
    d.file("tx_queue_len", i.queueLength() + "\n");
    d.file("type", i.type() + "\n");
    d.file("uevent", "INTERFACE=" + i.name() + "\nIFINDEX=" + i.index() + "\n");
    KernDir statistics = d.dir("statistics");
    for (String name : new String[] {"collisions", "multicast", "rx_bytes", "rx_dropped", "rx_errors", "rx_packets",
        "tx_bytes", "tx_dropped", "tx_errors", "tx_packets"}) {
      statistics.file(name, "0\n");
    }
    return d;
  }

  private static String hardware(byte[] address) {
    StringBuilder text = new StringBuilder();
    for (byte b : address) {
      text.append(text.isEmpty() ? "" : ":").append(String.format(Locale.ROOT, "%02x", b));
    }
    return text.append('\n').toString();
  }
}
