# A second program in a running container.
start box --env FROM=run busybox sleep 1000
docker exec box sh -c 'echo in; exit 4'; echo "exit $?"
echo input | docker exec -i box cat
docker exec -e A=b -w /tmp -u 33:44 box sh -c 'echo "$A $FROM"; pwd; id'
docker exec -u nobody box sh -c 'id -un; echo $HOME'
docker exec -d box sh -c 'echo x > /tmp/marker; sleep 1000'
eventually docker exec box test -e /tmp/marker
docker exec box ps -o args | grep -v 'ps -o' | sort
docker exec box sh -c 'cat /proc/1/cmdline | tr "\0" " "; echo; readlink /proc/self/fd/1 | sed "s/[0-9]*//g"'
docker exec box sh -c 'kill -KILL $$'; echo "exit $?"
head -c 3000000 /dev/zero | docker exec -i box wc -c
docker exec box head -c 3000000 /dev/zero | wc -c
docker exec box sh -c 'echo to out; echo to err >&2' 2> /dev/null
docker pause box; docker inspect -f '{{.State.Status}}' box
docker exec box true; echo "exit $?"
docker unpause box
docker exec box echo again
docker rm -f box
