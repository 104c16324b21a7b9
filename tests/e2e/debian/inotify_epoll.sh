python3 - <<'P'
import ctypes, os, select, struct, tempfile, time
libc = ctypes.CDLL(None, use_errno=True)
d = tempfile.mkdtemp().encode()
fd = libc.inotify_init1(0)
wd = libc.inotify_add_watch(fd, d, 0x100 | 0x2 | 0x200 | 0x40 | 0x80)
open(d + b"/f", "w").write("x")
os.rename(d + b"/f", d + b"/g")
os.unlink(d + b"/g")
buf, events = os.read(fd, 4096), []
while buf:
    w, mask, cookie, n = struct.unpack_from("iIII", buf)
    events.append((hex(mask), buf[16:16 + n].rstrip(b"\0")))
    buf = buf[16 + n:]
print(events)
r, w = os.pipe()
ep = select.epoll()
ep.register(r, select.EPOLLIN | select.EPOLLET)
print(ep.poll(0))
os.write(w, b"1")
print([(f == r, e) for f, e in ep.poll(1)], ep.poll(0))
t = libc.timerfd_create(1, 0)
spec = struct.pack("qqqq", 0, 0, 0, 20_000_000)
libc.timerfd_settime(t, 0, spec, None)
print(struct.unpack("Q", os.read(t, 8)))
e = os.eventfd(3)
print(os.eventfd_read(e))
m = os.memfd_create("x")
os.write(m, b"memory")
print(os.pread(m, 6, 0), os.readlink(f"/proc/self/fd/{m}"))
p = os.pidfd_open(os.getpid())
print(p > 0)
print(os.copy_file_range(m, m, 3, 0, 100), os.pread(m, 200, 100))
P
