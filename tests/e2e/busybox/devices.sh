# what every program expects of /dev and /proc
echo dropped > /dev/null; wc -c < /dev/null
head -c 10 /dev/zero | od -An -tx1
echo x > /dev/full 2>/dev/null || echo full
[ "$(head -c 16 /dev/urandom | od -An -tx1)" != "$(head -c 16 /dev/urandom | od -An -tx1)" ] && echo random
echo hello | cat /dev/stdin
echo to-fd > /dev/fd/1
ls -l /proc/self/fd/0 > /dev/null && echo fd
cat /proc/self/comm
tr '\0' ' ' < /proc/self/cmdline; echo
[ -r /proc/meminfo ] && grep -c MemTotal /proc/meminfo
grep -c ^processor /proc/cpuinfo > /dev/null && echo cpuinfo
test -c /dev/null && test -c /dev/tty && echo nodes
