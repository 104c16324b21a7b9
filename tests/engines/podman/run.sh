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
# Users of another range: files of the image are the container's root's, and what it makes on the host is of the range.
run --uidmap 0:200000:65536 --gidmap 0:300000:65536 busybox sh -c 'id -u; tr -s " " < /proc/self/uid_map; tr -s " " < /proc/self/gid_map; stat -c "%u %g" /etc/passwd /bin; touch /root/x; stat -c "%u %g" /root/x; chown 70000 /root/x 2>&1'
run --uidmap 0:200000:65536 --user 5:6 busybox id
mkdir -p /run/tmp/mapped && chmod 777 /run/tmp/mapped && echo theirs > /run/tmp/mapped/theirs && chmod 600 /run/tmp/mapped/theirs
run --uidmap 0:200000:65536 -v /run/tmp/mapped:/v busybox sh -c 'touch /v/made; stat -c "%u %g" /v/made /v/theirs; cat /v/theirs 2>&1'
stat -c '%u %g' /run/tmp/mapped/made
rm -r /run/tmp/mapped
run --tmpfs /etc busybox head -1 /etc/passwd
run --device /dev/fuse busybox stat -c '%a %t:%T' /dev/fuse
