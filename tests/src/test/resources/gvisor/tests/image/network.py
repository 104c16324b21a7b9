# Programs of HostNetworkTest: python3 - peer | inside | serve | ask, of which "peer" and "ask" run outside.
import errno, os, select, signal, socket, struct, sys, threading, time, urllib.request

HERE, THERE = ("10.77.0.1", "fd77::1"), ("10.77.0.2", "fd77::2")
ECHO, SLOW, BIG, NAMES, WEB = 7000, 7001, 7002, 53, 80
BIG_BYTES = 48 << 20


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener(address, port, backlog=256):
    s = socket.socket(family(address))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen(backlog)
    return s


def forever(s, serve):
    def run():
        while True:
            c, _ = s.accept()
            threading.Thread(target=serve, args=(c,), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()


def echo(c):
    while data := c.recv(65536):
        c.sendall(data)
    c.shutdown(socket.SHUT_WR)


def slow(c):
    total = 0
    while data := c.recv(65536):
        total += len(data)
        time.sleep(0.0002)
    c.sendall(b"%d" % total)
    c.close()


def big(c):
    piece = bytes(range(256)) * 1024
    for _ in range(BIG_BYTES // len(piece)):
        c.sendall(piece)
    c.close()


def web(c):
    request = b""
    while b"\r\n\r\n" not in request:
        request += c.recv(4096)
    c.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\na page\n")
    c.close()


def names(address):
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    s.bind((address, NAMES))
    def run():
        while True:
            data, source = s.recvfrom(2048)
            s.sendto(data[:2] + b"\x81\x80" + data[4:], source)
    threading.Thread(target=run, daemon=True).start()


def provide(addresses):
    for address in addresses:
        forever(listener(address, ECHO), echo)
        forever(listener(address, SLOW), slow)
        forever(listener(address, BIG), big)
        forever(listener(address, WEB), web)
        names(address)


def use(address):
    """What a client sees of the services at an address."""
    f = family(address)
    with socket.create_connection((address, ECHO)) as s:
        peer = s.getpeername()[:2]
        s.sendall(b"x" * 100000)
        s.shutdown(socket.SHUT_WR)
        back = b""
        while data := s.recv(65536):
            back += data
        print("half-closed", len(back), peer)
    with socket.create_connection((address, SLOW)) as s:
        sent = 0
        s.setblocking(False)
        refused = 0
        piece = b"y" * 65536
        while sent < 8 << 20:
            try:
                sent += s.send(piece)
            except BlockingIOError:
                refused += 1
                select.select([], [s], [])
        s.setblocking(True)
        s.shutdown(socket.SHUT_WR)
        print("slow", sent == int(s.recv(100)), refused > 0)
    with socket.create_connection((address, BIG)) as s:
        total, odd = 0, 0
        while data := s.recv(1 << 20):
            odd += data[0] != total & 255
            total += len(data)
        print("big", total == BIG_BYTES, odd)
    many = [socket.socket(f) for _ in range(200)]
    begun = set()
    for s in many:
        s.setblocking(False)
        begun.add(s.connect_ex((address, ECHO)))
    poll = select.epoll()
    for s in many:
        poll.register(s, select.EPOLLOUT)
    by_fd = {s.fileno(): s for s in many}
    waiting = set(by_fd)
    while waiting:
        for fd, events in poll.poll(10):
            assert by_fd[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            if fd in waiting:
                waiting.discard(fd)
                by_fd[fd].send(b"%d" % fd)
                poll.modify(fd, select.EPOLLIN | select.EPOLLET)
    answers = 0
    while answers < len(many):
        events = poll.poll(10)
        assert events
        for fd, _ in events:
            answers += by_fd[fd].recv(100) == b"%d" % fd
    for s in many:
        s.close()
    print("many", begun <= {0, errno.EINPROGRESS}, answers)
    with socket.socket(f) as s:
        s.setblocking(False)
        e = s.connect_ex((address, 1))
        if e == errno.EINPROGRESS:
            select.select([], [s], [])
            e = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        print("nobody", errno.errorcode[e])
    with socket.socket(f) as s:
        try:
            s.connect((address, 1))
        except OSError as e:
            print("nobody", errno.errorcode[e.errno])
    with socket.socket(f, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.sendto(b"\x12\x34\x01\x00", (address, NAMES))
        data, source = s.recvfrom(512)
        print("name", data, source[:2])
        s.connect((address, NAMES))
        s.send(b"\x56\x78\x01\x00more")
        print("name", s.recv(3), s.getpeername()[1])
        s.connect((address, 9))
        s.send(b"?")
        try:
            print(s.recv(10))
        except OSError as e:
            print("no name", errno.errorcode[e.errno])
    host = "[%s]" % address if f == socket.AF_INET6 else address
    print("web", urllib.request.urlopen("http://%s/" % host, timeout=10).read())


def inside():
    for address in HERE:
        use(address)
    s = listener(THERE[0], 0)
    # A signal that ends, one that does not, and a time limit, while nobody connects.
    child = os.fork()
    if child == 0:
        s.accept()
    time.sleep(0.3)
    os.kill(child, signal.SIGKILL)
    print("killed", os.waitpid(child, 0)[1])
    signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 600000))
    try:
        s.accept()
    except OSError as e:
        print("accept", errno.errorcode[e.errno])
    # Children share a listener; each connection goes to one of them.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            for _ in range(5):
                c, _ = s.accept()
                c.sendall(b"%d" % os.getpid())
                c.close()
            os._exit(0)
        children.append(child)
    served = []
    for _ in range(20):
        with socket.create_connection(s.getsockname()) as c:
            served.append(int(c.recv(20)))
    for child in children:
        os.waitpid(child, 0)
    print("shared", sorted(served) == sorted(children * 5))
    print(sorted(i[1] for i in socket.if_nameindex()), sorted(os.listdir("/sys/class/net")))
    # What has not been read is gone, and the other side is told by a reset.
    s = listener(THERE[0], 0)
    c = socket.create_connection(s.getsockname())
    a, _ = s.accept()
    c.send(b"unread")
    time.sleep(0.1)
    a.close()
    try:
        print(c.recv(10))
    except OSError as e:
        print("reset", errno.errorcode[e.errno])
    with open("/proc/net/tcp") as f:
        port = "%04X" % s.getsockname()[1]
        print("listed", sum(":" + port + " 00000000:0000 0A" in line for line in f))
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_UDP)
        print("made")
    except OSError as e:
        print("not made", errno.errorcode[e.errno])


what = sys.argv[1]
if what == "peer":
    provide(HERE)
    print("ready", flush=True)
    time.sleep(300)
elif what == "serve":
    provide(THERE)
    time.sleep(300)
elif what == "inside":
    inside()
elif what == "ask":
    for _ in range(300):
        try:
            socket.create_connection((THERE[1], WEB)).close()
            break
        except OSError:
            time.sleep(0.1)
    for address in THERE:
        use(address)
