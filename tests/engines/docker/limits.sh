# Limits and rights.
run --ulimit nofile=123:456 busybox sh -c 'ulimit -n; ulimit -Hn'
run --cap-drop ALL busybox grep Cap /proc/self/status
run --cap-drop CHOWN busybox sh -c 'grep CapEff /proc/self/status; chown 5 /root; echo $?'
run --cap-add SYS_TIME busybox grep CapEff /proc/self/status
run busybox grep -E '^(Cap|NoNewPrivs)' /proc/self/status
run --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
run --pids-limit 12 busybox sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 1 & done; wait; echo all'
run --memory 64m busybox sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>&1 | tail -1 | cut -d, -f1; echo ok'
run --memory 48m busybox sh -c 'tail /dev/zero; echo "tail: $?"'
run --oom-score-adj 200 busybox cat /proc/self/oom_score_adj
run --cpuset-cpus 0 busybox nproc
