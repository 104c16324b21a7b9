# top, stats, update, ps: what they show differs by nature; that they show it is compared.
start box --memory 256m --pids-limit 100 busybox sh -c 'while :; do sleep 0.1; done'
docker top box > /run/tmp/out; echo "exit $?"
[ "$(sed 1d /run/tmp/out | wc -l)" -ge 1 ] && echo "processes"
grep -q "PID" /run/tmp/out && echo heading
[ "$(docker stats --no-stream --format '{{.MemUsage}}' box | grep -c iB)" = 1 ] && echo "memory"
[ "$(docker stats --no-stream --format '{{.PIDs}}' box)" -ge 1 ] && echo "pids"
docker stats --no-stream --format '{{.MemUsage}}' box | grep -c '^0B'
docker ps --format '{{.Names}} {{.Image}}'
docker update --memory 128m --memory-swap 256m --pids-limit 50 box
[ "$(docker stats --no-stream --format '{{.MemUsage}}' box | grep -c iB)" = 1 ] && echo "memory"
docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.Runtime}}' box | sed "s/$RUNTIME/RUNTIME/"
docker rm -f box
