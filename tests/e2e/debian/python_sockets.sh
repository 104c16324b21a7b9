python3 - <<'P'
import asyncio, http.server, os, select, socket, socketserver, tempfile, threading, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"x" * 200000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=s.serve_forever, daemon=True).start()
for _ in range(5):
    print(len(urllib.request.urlopen("http://127.0.0.1:%d/" % s.server_port).read()))
s.shutdown()
a, b = socket.socketpair()
a.sendall(b"pair")
print(b.recv(10))
d = tempfile.mkdtemp()
u = socket.socket(socket.AF_UNIX)
u.bind(d + "/sock")
u.listen()
c = socket.socket(socket.AF_UNIX)
c.connect(d + "/sock")
x, _ = u.accept()
socket.send_fds(c, [b"fd"], [os.open("/etc/passwd", os.O_RDONLY)])
msg, fds, flags, addr = socket.recv_fds(x, 10, 2)
print(msg, len(fds), os.read(fds[0], 4))
g = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
g.bind(("127.0.0.1", 0))
h = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
h.sendto(b"datagram", g.getsockname())
print(select.select([g], [], [], 5)[0] == [g], g.recvfrom(100)[0])
try:
    socket.create_connection(("127.0.0.1", 1))
except ConnectionRefusedError as e:
    print(e)
async def main():
    async def serve(r, w):
        w.write((await r.readline()).upper())
        await w.drain()
        w.close()
    srv = await asyncio.start_server(serve, "127.0.0.1", 0)
    async def client(i):
        r, w = await asyncio.open_connection(*srv.sockets[0].getsockname())
        w.write(b"line %d\n" % i)
        out = await r.read()
        w.close()
        return out
    print(await asyncio.gather(*(client(i) for i in range(10))))
    srv.close()
asyncio.run(main())
P
