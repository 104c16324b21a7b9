python3 - <<'P'
import os, signal, subprocess, sys
print(subprocess.run(["echo", "hi"], capture_output=True, text=True))
print(subprocess.run("cat | tr a-z A-Z", shell=True, input=b"piped", capture_output=True).stdout)
p = subprocess.Popen(["sleep", "10"])
p.terminate()
print(p.wait())
try:
    subprocess.run(["sleep", "10"], timeout=0.1)
except subprocess.TimeoutExpired as e:
    print("timeout")
try:
    subprocess.run(["/nonexistent"])
except FileNotFoundError as e:
    print(e)
r, w = os.pipe()
print(subprocess.run(["sh", "-c", f"echo inherited >&{w}"], pass_fds=[w]).returncode, os.read(r, 100))
hits = []
signal.signal(signal.SIGALRM, lambda *a: hits.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
while len(hits) < 3:
    signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
print("alarms", len(hits))
for _ in range(50):
    assert subprocess.call(["true"]) == 0
print(subprocess.check_output([sys.executable, "-c", "import os; print(os.getppid() > 0)"]))
P
