#!/usr/bin/env bash
# What Docker takes with each runtime: runc, this one on each platform that works here, and gVisor's runsc if $PEER_RUNSC
# names it. Own daemons in namespaces of their own (tests/engines/world); every figure is the median of $RUNS runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/setup/lib.sh
runsc=$PWD/jlink/target/runsc/bin/runsc
runs=${RUNS:-7}
rootfs=$(tests/rootfs/busybox)
platforms=$("$runsc" help platforms | awk '$2 ~ /^available/ { print $1 }')

coproc WORLD { PEER_RUNSC=${PEER_RUNSC:-} exec tests/engines/world "$runsc" $platforms; }
input=${WORLD[1]}
read -r _ first <&"${WORLD[0]}"
trap 'exec {input}>&-; wait "$WORLD_PID" 2> /dev/null || true' EXIT
enter() { tests/engines/enter "$first" "$@" < /dev/null; }

enter sh -c 'dockerd > /run/dockerd.log 2>&1 & for i in $(seq 100); do docker info > /dev/null 2>&1 && break; sleep 0.1; done'
enter sh -c "tar -C $rootfs -c . | docker import - busybox" > /dev/null

# In there, so that entering is not measured: milliseconds, the median.
measure='
  runtime=$1 runs=$2
  median() { sort -n | sed -n "$((runs / 2 + 1))p"; }
  now() { date +%s%3N; }
  of() { for _ in $(seq $runs); do a=$(now); "$@" > /dev/null 2>&1 || { echo failed; return; }; echo $(($(now) - a)); done | median; }
  many() { seq 20 | xargs -P 20 -I{} docker run --rm --network none --runtime $runtime busybox true; }
  run=$(of docker run --rm --network none --runtime $runtime busybox true)
  docker run -d --network none --runtime $runtime --name box busybox sleep 1000 > /dev/null 2>&1
  exec=$(of docker exec box true)
  docker rm -f box > /dev/null 2>&1
  runs=1
  many=$(of many)
  printf "%-16s %10s %10s %14s\n" "$runtime" "$run" "$exec" "$many"'
printf '%-16s %10s %10s %14s\n' "ms, median of $runs" "run --rm" exec "20 at once"
for runtime in runc $(printf 'runsc-%s ' $platforms) ${PEER_RUNSC:+peer}; do
  enter bash -c "$measure" measure "$runtime" "$runs"
done
