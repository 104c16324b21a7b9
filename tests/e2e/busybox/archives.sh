# tar, gzip, dd, checksums, permissions, links
mkdir -p /tmp/ar/src/sub && cd /tmp/ar
i=0; while [ $i -lt 50 ]; do echo "file $i" > src/f$i; i=$((i + 1)); done
ln -s f1 src/link; ln src/f2 src/hard; chmod 640 src/f3; chmod 4755 src/f4
dd if=/dev/zero of=src/sub/zeros bs=1k count=300 2>/dev/null
tar cf - src | gzip | gunzip | (mkdir out && cd out && tar xf -)
diff -r src out/src && echo same
ls -l out/src/f3 out/src/f4 | cut -c1-10
readlink out/src/link
stat -c %h out/src/hard
md5sum out/src/sub/zeros src/f7
du -s out/src/f9 >/dev/null && echo du
rm -rf /tmp/ar && ls -d /tmp/ar 2>&1 | sed 's/.*: //'
