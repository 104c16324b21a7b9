python3 - <<'P'
import hashlib, json, mmap, os, struct, sys, tempfile, zlib
print(hashlib.sha256(b"x" * 1000000).hexdigest())
print(json.dumps({"a": [1, 2.5, None, True, "ü"]}, sort_keys=True))
print(zlib.crc32(zlib.decompress(zlib.compress(b"abc" * 100000))))
with tempfile.TemporaryFile() as f:
    f.truncate(1 << 20)
    m = mmap.mmap(f.fileno(), 1 << 20)
    m[5:10] = b"hello"
    m.flush()
    f.seek(5)
    print(f.read(5), len(m))
    m.close()
print(os.path.exists("/proc/self/maps"), sys.byteorder, struct.calcsize("P"))
print(sum(1 for _ in os.scandir("/usr/lib")) > 5)
a = mmap.mmap(-1, 1 << 16)
pid = os.fork()
if pid == 0:
    a[0:5] = b"child"
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), a[0:5])
P
