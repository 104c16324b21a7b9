# Standard files of every kind.
head -c 5000000 /dev/zero | docker run -i --rm --runtime "$RUNTIME" busybox wc -c
docker run --rm --runtime "$RUNTIME" busybox head -c 5000000 /dev/zero | wc -c
docker run --rm --runtime "$RUNTIME" busybox sh -c 'cat; echo end'
echo "some input" | docker run -i --rm --runtime "$RUNTIME" busybox sh -c 'read a b; echo "$b $a"'
run busybox sh -c 'exec 1>&-; echo x; exit 9'
run busybox sh -c 'yes | head -n 1000 | md5sum'
docker run --rm --runtime "$RUNTIME" --name yes busybox yes | head -n 2
docker rm -f yes > /dev/null 2>&1 # Docker lets it go on when its client is gone.
run --log-driver none busybox echo not logged
start quick busybox sh -c 'i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done'
docker wait quick
docker logs quick | tail -1
docker logs --tail 2 quick
docker rm quick
