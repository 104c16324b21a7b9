python3 - <<'P'
import multiprocessing as mp, os
def square(x):
    return x * x
def child(conn, lock, value):
    with lock:
        value.value += 5
    conn.send({"got": conn.recv()})
if __name__ == "__main__":
    with mp.Pool(3) as pool:
        print(pool.map(square, range(20)))
    a, b = mp.Pipe()
    lock, value = mp.Lock(), mp.Value("i", 1)
    p = mp.Process(target=child, args=(b, lock, value))
    p.start()
    a.send("message")
    print(a.recv())
    p.join()
    print(p.exitcode, value.value)
    q = mp.Queue()
    ps = [mp.Process(target=q.put, args=(i,)) for i in range(4)]
    [p.start() for p in ps]
    print(sorted(q.get() for _ in ps))
    [p.join() for p in ps]
    s = mp.shared_memory.SharedMemory(create=True, size=100) if hasattr(mp, "shared_memory") else None
    ctx = mp.get_context("spawn")
    print(ctx.cpu_count() >= 1)
P
