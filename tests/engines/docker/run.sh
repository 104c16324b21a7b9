# The command, its exit code, user, directory, environment, names.
run busybox sh -c 'echo out; echo err >&2; exit 3'
run busybox sh -c 'sh -c "kill -KILL \$\$"; exit $?'
run busybox sh -c 'kill -TERM $$; echo still here'
run -w /made/for/it busybox pwd
run --user 1000:1001 busybox id
run --user nobody busybox id
run --user nobody --group-add 44 busybox id
run --user nobody busybox sh -c 'touch /x; touch /tmp/x && ls -l /tmp/x | cut -c1-30'
run --env A=b --env 'C=d e' busybox sh -c 'echo "$A|$C|$HOME|$PATH"'
run --user nobody busybox sh -c 'echo "$HOME"'
run --hostname box busybox sh -c 'hostname; cat /etc/hostname'
run --entrypoint /bin/echo busybox a b
run --workdir /etc busybox sh -c 'pwd; cd /proc/self && pwd'
