# Through the io.containerd.runc.v2 shim, without Docker.
run --rm localhost/busybox:latest one sh -c 'echo hello; exit 3'; echo "exit $?"
run --rm --env A=b --cwd /tmp localhost/busybox:latest one sh -c 'echo $A; pwd'
run -d localhost/busybox:latest box sh -c 'trap "exit 5" TERM; echo > /tmp/ready; while :; do sleep 0.1; done' > /dev/null
ctr tasks ls | sed 1d | awk '{print $1, $3}'
status_is() { ctr tasks ls | grep -q "$1"; }
exec_in() { ctr tasks exec --fifo-dir /run/tmp/fifo --exec-id "$@"; }
eventually exec_in ready box test -e /tmp/ready
exec_in first box sh -c 'echo in; exit 4'; echo "exit $?"
[ "$(ctr tasks ps box | sed 1d | wc -l)" -ge 1 ] && echo processes
ctr tasks metrics box > /run/tmp/out; echo "exit $?"
ctr tasks pause box; eventually status_is PAUSED; ctr tasks ls | sed 1d | awk '{print $1, $3}'
ctr tasks resume box; eventually status_is RUNNING
ctr tasks kill -s SIGTERM box
eventually status_is STOPPED
ctr tasks rm box 2>&1 | grep -o 'exited with non-zero exit code 5'
ctr containers rm box
ctr containers ls -q
