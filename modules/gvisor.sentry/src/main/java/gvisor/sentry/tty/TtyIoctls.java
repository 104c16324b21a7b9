package gvisor.sentry.tty;

/** Requests of {@code man 2 ioctl_tty}. */
public final class TtyIoctls {
  public static final int TCGETS = 0x5401;
  public static final int TCSETS = 0x5402;
  public static final int TCSETSW = 0x5403;
  public static final int TCSETSF = 0x5404;
  public static final int TCGETA = 0x5405;
  public static final int TCSETA = 0x5406;
  public static final int TCSETAW = 0x5407;
  public static final int TCSETAF = 0x5408;
  public static final int TCSBRK = 0x5409;
  public static final int TCXONC = 0x540a;
  public static final int TCFLSH = 0x540b;
  public static final int TIOCEXCL = 0x540c;
  public static final int TIOCNXCL = 0x540d;
  public static final int TIOCSCTTY = 0x540e;
  public static final int TIOCGPGRP = 0x540f;
  public static final int TIOCSPGRP = 0x5410;
  public static final int TIOCOUTQ = 0x5411;
  public static final int TIOCSTI = 0x5412;
  public static final int TIOCGWINSZ = 0x5413;
  public static final int TIOCSWINSZ = 0x5414;
  public static final int FIONREAD = 0x541b;
  public static final int TIOCPKT = 0x5420;
  public static final int TIOCNOTTY = 0x5422;
  public static final int TIOCSETD = 0x5423;
  public static final int TIOCGETD = 0x5424;
  public static final int TCSBRKP = 0x5425;
  public static final int TIOCSBRK = 0x5427;
  public static final int TIOCCBRK = 0x5428;
  public static final int TIOCGSID = 0x5429;
  public static final int TCGETS2 = 0x802c542a;
  public static final int TCSETS2 = 0x402c542b;
  public static final int TCSETSW2 = 0x402c542c;
  public static final int TCSETSF2 = 0x402c542d;
  public static final int TIOCGPTN = 0x80045430;
  public static final int TIOCSPTLCK = 0x40045431;
  public static final int TIOCGDEV = 0x80045432;
  public static final int TIOCSIG = 0x40045436;
  public static final int TIOCVHANGUP = 0x5437;
  public static final int TIOCGPKT = 0x80045438;
  public static final int TIOCGPTLCK = 0x80045439;
  public static final int TIOCGEXCL = 0x80045440;
  public static final int TIOCGPTPEER = 0x5441;

  public static final int TCIFLUSH = 0;
  public static final int TCOFLUSH = 1;
  public static final int TCIOFLUSH = 2;

  public static final int TIOCPKT_FLUSHREAD = 1;
  public static final int TIOCPKT_FLUSHWRITE = 2;
  public static final int TIOCPKT_STOP = 4;
  public static final int TIOCPKT_START = 8;
  public static final int TIOCPKT_NOSTOP = 16;
  public static final int TIOCPKT_DOSTOP = 32;
  public static final int TIOCPKT_IOCTL = 64;

  private TtyIoctls() {}
}
