# What the container of the training run does: a little of what most containers do.
set -e
i=0
while [ $i -lt 30 ]; do
  (exit 0)
  /bin/true
  echo line $i >> /tmp/lines
  i=$((i + 1))
done
grep -c line /tmp/lines | cat > /tmp/count
ls -la / /proc/self /dev > /tmp/listing
mkdir -p /tmp/a/b && mv /tmp/a/b /tmp/a/c && ln -s c /tmp/a/d && rm -r /tmp/a
tar cf - /etc /bin | cat > /tmp/archive
echo data > /root/file && cat /root/file > /dev/null && rm /root/file
sleep 0.1 &
wait
cat /proc/self/maps /proc/meminfo /proc/mounts > /dev/null
trap 'echo caught > /tmp/trapped' USR1
kill -USR1 $$
cat /tmp/trapped > /dev/null
