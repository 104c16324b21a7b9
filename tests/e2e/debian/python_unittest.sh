mkdir -p /tmp/ut && cd /tmp/ut && cat > test_os.py <<'P'
import os, shutil, signal, tempfile, time, unittest
class Files(unittest.TestCase):
    def setUp(self):
        self.d = tempfile.mkdtemp()
    def tearDown(self):
        shutil.rmtree(self.d)
    def test_walk(self):
        for i in range(10):
            os.makedirs(f"{self.d}/{i}/sub")
            open(f"{self.d}/{i}/sub/f", "w").close()
        self.assertEqual(sum(len(f) for _, _, f in os.walk(self.d)), 10)
    def test_rename_replaces(self):
        for n in "ab":
            with open(f"{self.d}/{n}", "w") as f:
                f.write(n)
        os.replace(f"{self.d}/a", f"{self.d}/b")
        self.assertEqual(open(f"{self.d}/b").read(), "a")
    def test_copy(self):
        with open(f"{self.d}/src", "wb") as f:
            f.write(os.urandom(300000))
        shutil.copy2(f"{self.d}/src", f"{self.d}/dst")
        self.assertEqual(open(f"{self.d}/src", "rb").read(), open(f"{self.d}/dst", "rb").read())
    def test_times(self):
        p = f"{self.d}/t"
        open(p, "w").close()
        os.utime(p, ns=(10**18 + 5, 10**18 + 7))
        self.assertEqual(os.stat(p).st_mtime_ns, 10**18 + 7)
class Clock(unittest.TestCase):
    def test_sleep(self):
        t = time.monotonic()
        time.sleep(0.05)
        self.assertGreaterEqual(time.monotonic() - t, 0.05)
    def test_alarm(self):
        with self.assertRaises(InterruptedError):
            def h(*a):
                raise InterruptedError
            signal.signal(signal.SIGALRM, h)
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            time.sleep(5)
P
python3 -W ignore -m unittest 2>&1 | sed 's/ in [0-9.]*s//'
cd /; rm -rf /tmp/ut
