python3 - <<'P'
import os, sqlite3, tempfile
for path in (":memory:", tempfile.mkdtemp() + "/x.db", "/root/e2e.db"):
    c = sqlite3.connect(path)
    c.execute("create table t(a integer primary key, b text)")
    c.executemany("insert into t(b) values(?)", [(str(i),) for i in range(1000)])
    c.commit()
    print(c.execute("select count(*), sum(a), max(b) from t").fetchone())
    if path != ":memory:":
        print(c.execute("pragma journal_mode=wal").fetchone())
        c.execute("delete from t where a % 2")
        c.commit()
        d = sqlite3.connect(path)
        print(d.execute("select count(*) from t").fetchone(), d.execute("pragma integrity_check").fetchone())
        d.close()
    c.close()
os.unlink("/root/e2e.db")
P
sqlite3 /tmp/cli.db "create table x(y); insert into x values (1),(2),(3); select sum(y) from x;"
rm -f /tmp/cli.db
