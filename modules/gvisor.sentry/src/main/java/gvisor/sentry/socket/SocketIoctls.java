package gvisor.sentry.socket;

import static gvisor.api.errno.Errno.EADDRNOTAVAIL;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOTTY;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.abi.SocketAbi;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.vfs.Caller;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** {@code ioctl} requests of sockets and the interfaces behind them ({@code man 7 socket}, {@code man 7 netdevice}). */
final class SocketIoctls {
  private static final int TIOCOUTQ = 0x5411;
  private static final int FIONREAD = 0x541B;
  private static final int SIOCATMARK = 0x8905;
  private static final int SIOCGSTAMP = 0x8906;
  private static final int SIOCGSTAMPNS = 0x8907;
  private static final int SIOCGIFNAME = 0x8910;
  private static final int SIOCGIFCONF = 0x8912;
  private static final int SIOCGIFFLAGS = 0x8913;
  private static final int SIOCSIFFLAGS = 0x8914;
  private static final int SIOCGIFADDR = 0x8915;
  private static final int SIOCGIFDSTADDR = 0x8917;
  private static final int SIOCGIFBRDADDR = 0x8919;
  private static final int SIOCGIFNETMASK = 0x891b;
  private static final int SIOCGIFMETRIC = 0x891d;
  private static final int SIOCGIFMTU = 0x8921;
  private static final int SIOCGIFHWADDR = 0x8927;
  private static final int SIOCGIFINDEX = 0x8933;
  private static final int SIOCGIFTXQLEN = 0x8942;
  private static final int SIOCETHTOOL = 0x8946;
  private static final int SIOCGIFMAP = 0x8970;
  private static final int FIRST_DEVICE_REQUEST = 0x8910;
  private static final int LAST_DEVICE_REQUEST = 0x89ff;

  private static final int IFREQ_SIZE = 40;
  private static final int IFNAMSIZ = 16;

  private SocketIoctls() {}

  static long ioctl(Socket socket, Caller caller, int request, long addr) throws ErrnoException {
    MemoryManager mm = caller.mm();
    switch (request) {
      case FIONREAD -> mm.writeInt(addr, socket.readableBytes());
      case TIOCOUTQ -> mm.writeInt(addr, socket.unsentBytes());
      case SIOCATMARK -> mm.writeInt(addr, socket.isAtMark() ? 1 : 0);
      case SIOCGSTAMP, SIOCGSTAMPNS -> throw ENOENT.error();
      case SIOCGIFCONF -> interfaceList(socket.net(), mm, addr);
      case SIOCGIFNAME -> interfaceName(socket.net(), mm, addr);
      default -> {
        if (request < FIRST_DEVICE_REQUEST || request > LAST_DEVICE_REQUEST) {
          throw ENOTTY.error();
        }
        return deviceRequest(socket.net(), caller, request, addr);
      }
    }
    return 0;
  }

  private static void interfaceList(Network net, MemoryManager mm, long addr) throws ErrnoException {
    int room = mm.readInt(addr);
    long buffer = mm.readLong(addr + 8);
    MemorySegment ifreq = MemorySegment.ofArray(new byte[IFREQ_SIZE]);
    int total = 0;
    for (NetDevice device : net.devices()) {
      for (NetDevice.Address address : device.addresses()) {
        if (address.family() != SocketAbi.AF_INET) {
          continue;
        }
        if (buffer != 0) {
          if (room - total < IFREQ_SIZE) {
            break;
          }
          ifreq.fill((byte) 0);
          putName(ifreq, device.name());
          putAddress(ifreq, address.bytes());
          mm.copyOut(buffer + total, ifreq, 0, IFREQ_SIZE);
        }
        total += IFREQ_SIZE;
      }
    }
    mm.writeInt(addr, total);
  }

  private static void interfaceName(Network net, MemoryManager mm, long addr) throws ErrnoException {
    MemorySegment ifreq = MemorySegment.ofArray(new byte[IFREQ_SIZE]);
    mm.copyIn(addr, ifreq, 0, IFREQ_SIZE);
    NetDevice device = net.device(ifreq.get(ValueLayout.JAVA_INT_UNALIGNED, IFNAMSIZ));
    if (device == null) {
      throw ENODEV.error();
    }
    putName(ifreq, device.name());
    mm.copyOut(addr, ifreq, 0, IFREQ_SIZE);
  }

  private static long deviceRequest(Network net, Caller caller, int request, long addr) throws ErrnoException {
    MemoryManager mm = caller.mm();
    MemorySegment ifreq = MemorySegment.ofArray(new byte[IFREQ_SIZE]);
    mm.copyIn(addr, ifreq, 0, IFREQ_SIZE);
    NetDevice device = net.device(name(ifreq));
    switch (request) {
      case SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMETRIC, SIOCGIFMTU,
          SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFTXQLEN, SIOCGIFMAP -> {
        if (device == null) {
          throw ENODEV.error();
        }
        ifreq.asSlice(IFNAMSIZ).fill((byte) 0);
        fill(ifreq, device, request);
        mm.copyOut(addr, ifreq, 0, IFREQ_SIZE);
        return 0;
      }
      case SIOCSIFFLAGS -> {
        requireNetAdmin(caller);
        if (device == null) {
          throw ENODEV.error();
        }
        net.setUp(device, (ifreq.get(ValueLayout.JAVA_SHORT_UNALIGNED, IFNAMSIZ) & NetDevice.IFF_UP) != 0);
        return 0;
      }
      case SIOCETHTOOL -> throw device == null ? ENODEV.error() : EOPNOTSUPP.error();
      default -> {
        // What is left changes an interface, a route or an ARP entry, or is private to a driver.
        requireNetAdmin(caller);
        throw device == null ? ENODEV.error() : EOPNOTSUPP.error();
      }
    }
  }

  private static void fill(MemorySegment ifreq, NetDevice device, int request) throws ErrnoException {
    switch (request) {
      case SIOCGIFFLAGS -> ifreq.set(ValueLayout.JAVA_SHORT_UNALIGNED, IFNAMSIZ, (short) device.flags());
      case SIOCGIFADDR -> putAddress(ifreq, inet(device).bytes());
      case SIOCGIFDSTADDR -> putAddress(ifreq, inet(device).peer());
      case SIOCGIFBRDADDR -> {
        byte[] broadcast = inet(device).broadcast();
        putAddress(ifreq, broadcast.length == 0 ? new byte[4] : broadcast);
      }
      case SIOCGIFNETMASK -> putAddress(ifreq, mask(inet(device).prefixLength()));
      case SIOCGIFMTU -> ifreq.set(ValueLayout.JAVA_INT_UNALIGNED, IFNAMSIZ, device.mtu());
      case SIOCGIFINDEX -> ifreq.set(ValueLayout.JAVA_INT_UNALIGNED, IFNAMSIZ, device.index());
      case SIOCGIFTXQLEN -> ifreq.set(ValueLayout.JAVA_INT_UNALIGNED, IFNAMSIZ, device.queueLength());
      case SIOCGIFHWADDR -> {
        ifreq.set(ValueLayout.JAVA_SHORT_UNALIGNED, IFNAMSIZ, (short) device.type());
        byte[] address = device.hardwareAddress();
        MemorySegment.copy(MemorySegment.ofArray(address), 0, ifreq, IFNAMSIZ + 2, Math.min(address.length, 14));
      }
      case SIOCGIFMETRIC, SIOCGIFMAP -> { }
      default -> throw EINVAL.error();
    }
  }

  private static NetDevice.Address inet(NetDevice device) throws ErrnoException {
    List<NetDevice.Address> all = device.addresses();
    for (NetDevice.Address a : all) {
      if (a.family() == SocketAbi.AF_INET) {
        return a;
      }
    }
    throw EADDRNOTAVAIL.error();
  }

  private static byte[] mask(int prefixLength) {
    int bits = prefixLength == 0 ? 0 : -1 << 32 - prefixLength;
    return new byte[] {(byte) (bits >>> 24), (byte) (bits >>> 16), (byte) (bits >>> 8), (byte) bits};
  }

  private static String name(MemorySegment ifreq) {
    int n = 0;
    while (n < IFNAMSIZ - 1 && ifreq.get(ValueLayout.JAVA_BYTE, n) != 0) {
      n++;
    }
    byte[] bytes = ifreq.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static void putName(MemorySegment ifreq, String name) {
    ifreq.asSlice(0, IFNAMSIZ).fill((byte) 0);
    byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, ifreq, 0, bytes.length);
  }

  private static void putAddress(MemorySegment ifreq, byte[] address) {
    ifreq.set(ValueLayout.JAVA_SHORT_UNALIGNED, IFNAMSIZ, (short) SocketAbi.AF_INET);
    MemorySegment.copy(MemorySegment.ofArray(address), 0, ifreq, IFNAMSIZ + 4, 4);
  }

  private static void requireNetAdmin(Caller caller) throws ErrnoException {
    if (!caller.creds().has(Capability.CAP_NET_ADMIN)) {
      throw EPERM.error();
    }
  }
}
