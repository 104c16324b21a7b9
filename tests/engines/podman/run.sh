# run, and what does not start.
run busybox sh -c 'echo out; echo err >&2; exit 3'
run --user 1000:1001 -w /tmp --env A=b busybox sh -c 'id; pwd; echo $A'
run --user nobody busybox sh -c 'id -un'
run --read-only busybox sh -c 'touch /x; touch /dev/shm/x && echo shm'
run --tmpfs /t busybox sh -c 'touch /t/x && echo made'
run --hostname box busybox hostname
run --cap-drop all busybox grep CapEff /proc/self/status
run --memory 64m busybox sh -c 'echo limited'
mkdir -p /run/tmp/volume && echo data > /run/tmp/volume/file
run -v /run/tmp/volume:/v busybox sh -c 'cat /v/file; echo new > /v/made'
cat /run/tmp/volume/made
rm -r /run/tmp/volume
echo input | pm run --rm -i --network none busybox cat
pm run --rm --network none busybox nonesuch > /run/tmp/out 2>&1; echo "exit $?"
grep -o 'executable file not found in $PATH' /run/tmp/out
pm run --rm --network none busybox /etc/passwd > /run/tmp/out 2>&1; echo "exit $?"
grep -o 'exec: "/etc/passwd": permission denied' /run/tmp/out
