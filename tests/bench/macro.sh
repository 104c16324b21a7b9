#!/bin/sh
# Macro benchmarks: whole programs inside a Debian root file system. Prints one line a row as micro.c does: name, tab,
# nanoseconds (the best of three).
set -eu
work=$(mktemp -d /root/bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"

row() { # name command
  best=
  for i in 1 2 3; do
    start=$(date +%s%N)
    sh -c "$2" > /dev/null 2>&1
    end=$(date +%s%N)
    each=$((end - start))
    if [ -z "$best" ] || [ "$each" -lt "$best" ]; then best=$each; fi
  done
  printf '%s\t%s\n' "$1" "$best"
}

row 'sh -c true' 'true'
row 'python3 start-up' 'python3 -c pass'

mkdir tree
i=0
while [ $i -lt 20 ]; do
  mkdir tree/$i
  i=$((i + 1))
done
python3 - <<'P'
for i in range(2000):
    with open("tree/%d/%d" % (i % 20, i), "w") as f:
        f.write("x" * (i % 4000))
P
row 'tar+untar 2,000 files' 'tar cf t.tar tree && rm -rf out && mkdir out && tar xf t.tar -C out'

git init -q repo
cp -r tree repo/
git -C repo add -A
git -C repo -c user.name=bench -c user.email=bench@localhost commit -qm one
row 'git clone, local' 'rm -rf clone && git clone -q repo clone'

row 'sqlite 500 inserts' 'rm -f b.db && python3 -c "
import sqlite3
c = sqlite3.connect(\"b.db\", isolation_level=None)
c.execute(\"create table t(a, b)\")
for i in range(500):
    c.execute(\"insert into t values(?, ?)\", (i, str(i)))
"'
