# A container in the background: logs, exec, pause, stop, start, commit, diff.
pm run -d --network none --name box busybox sh -c 'trap "echo got TERM; exit 6" TERM; echo started; while :; do sleep 0.1; done' > /dev/null
eventually says box started
pm logs box
pm exec box sh -c 'echo in; exit 4'; echo "exit $?"
echo input | pm exec -i box cat
pm exec -u nobody -w /tmp -e A=b box sh -c 'id -un; pwd; echo $A'
pm exec box sh -c 'echo kept > /root/kept'
# The shell, and maybe the child it has just forked, which is "sleep" only once it has executed it.
pm top box -eo args | grep -q started && echo listed
pm pause box; podman inspect -f '{{.State.Status}}' box; pm unpause box
pm commit -q box changed > /dev/null
run localhost/changed cat /root/kept
pm stop -t 10 box
podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' box
pm start box
pm exec box cat /root/kept
pm kill -s KILL box
podman wait box > /dev/null
podman inspect -f '{{.State.ExitCode}}' box
pm rm box > /dev/null
podman rmi -f changed > /dev/null
