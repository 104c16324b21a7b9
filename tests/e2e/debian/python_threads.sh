python3 - <<'P'
import concurrent.futures, queue, threading, time
lock, total = threading.Lock(), 0
def work():
    global total
    for _ in range(2000):
        with lock:
            total += 1
ts = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in ts]
[t.join() for t in ts]
print(total)
q = queue.Queue(3)
def producer():
    for i in range(200):
        q.put(i)
    q.put(None)
threading.Thread(target=producer).start()
s = 0
while (v := q.get()) is not None:
    s += v
print(s)
e = threading.Event()
threading.Timer(0.05, e.set).start()
print(e.wait(5))
print(threading.Condition().acquire(), e.wait(0.01))
with concurrent.futures.ThreadPoolExecutor(4) as ex:
    print(sum(ex.map(lambda x: x * x, range(100))))
b = threading.Barrier(4)
r = []
ts = [threading.Thread(target=lambda: (b.wait(), r.append(1))) for _ in range(4)]
[t.start() for t in ts]
[t.join() for t in ts]
print(len(r))
P
