# logs, stop, kill, restart, wait, attach.
start box busybox sh -c 'trap "echo got TERM; exit 5" TERM; echo started; echo err >&2; while :; do sleep 0.1; done'
eventually says box started
docker logs box 2> /dev/null
docker stop -t 10 box
docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Pid}}' box
docker logs box 2> /dev/null | tail -1
docker start box
eventually sh -c '[ "$(docker logs box | grep -c started)" = 2 ]'
docker kill -s TERM box
docker wait box
docker start box
docker restart -t 10 box
docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' box
docker kill box
docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' box
docker rm box

start deaf busybox sh -c 'trap "" TERM; echo started; while :; do sleep 0.1; done'
eventually says deaf started
before=$(date +%s)
docker stop -t 1 deaf
[ $(($(date +%s) - before)) -le 8 ] || echo "stop took too long"
docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' deaf
docker rm deaf

start usr1 --stop-signal USR1 busybox sh -c 'trap "exit 7" USR1; echo started; while :; do sleep 0.1; done'
eventually says usr1 started
docker stop usr1
docker inspect -f '{{.State.ExitCode}}' usr1
docker rm usr1

start again --restart on-failure:2 busybox sh -c 'echo run; exit 3'
eventually sh -c '[ "$(docker logs again | wc -l)" = 3 ]'
eventually status_is again exited
docker inspect -f '{{.RestartCount}} {{.State.ExitCode}}' again
docker rm again

docker create --runtime "$RUNTIME" --name made -i busybox sh -c 'while read line; do echo "got $line"; done; echo end' > /dev/null
printf 'a\nb\n' | docker start -ai made; echo "exit $?"
docker rm made > /dev/null

start init --init busybox sh -c 'sleep 1000 & wait'
eventually docker exec init ps
docker exec init cat /proc/1/comm
docker stop -t 5 init
docker inspect -f '{{.State.ExitCode}}' init
docker rm init
