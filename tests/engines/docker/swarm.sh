# Services; the daemon's default runtime is the one under test.
docker swarm init --advertise-addr 127.0.0.1 > /dev/null
docker service create -q --detach --no-resolve-image --name web --replicas 2 busybox sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done' > /dev/null
replicas() { [ "$(docker service ls --format '{{.Replicas}}')" = "$1" ]; }
eventually replicas 2/2
docker service ls --format '{{.Name}} {{.Replicas}}'
eventually sh -c '[ "$(docker service logs web | grep -c up)" = 2 ]'
docker service scale -d web=1 > /dev/null
eventually replicas 1/1
eventually sh -c '[ "$(docker ps -q | wc -l)" = 1 ]'
first=$(docker ps -q)
docker kill $first > /dev/null # The swarm starts another in its place.
another() { now=$(docker ps -q) && [ -n "$now" ] && [ "$now" != "$first" ]; }
eventually another
eventually replicas 1/1
docker service rm web
eventually sh -c '[ -z "$(docker ps -q)" ]'
docker swarm leave --force
eventually sh -c '[ -z "$(docker ps -aq)" ]'
