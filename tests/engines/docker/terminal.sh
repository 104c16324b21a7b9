# Terminals: -t, -it through a terminal of the caller, sizes, Ctrl-C, detach.
in_terminal() { script -qec "$1" /dev/null | tr -d '\r\004\b' | sed 's/\^[D@]//g'; }
run -t busybox sh -c 'tty; test -t 0 && test -t 1 && echo terminal' | tr -d '\r'
in_terminal "stty rows 33 cols 101; docker run --rm -it --runtime $RUNTIME busybox sh -c 'while [ \"\$(stty size 2> /dev/null)\" != \"33 101\" ]; do sleep 0.1; done; stty size; tty'" < /dev/null
start box busybox sleep 1000
in_terminal "docker exec -it box sh -c 'tty; test -t 0 && echo terminal; exit 6'; echo exit \$?" < /dev/null
# The size that its terminal has, and a new one while it runs.
in_terminal "stty rows 33 cols 101; docker exec -it box sh -c 'while [ \"\$(stty size 2> /dev/null)\" != \"33 101\" ]; do sleep 0.1; done; stty size'" < /dev/null
in_terminal "stty rows 33 cols 101; (sleep 2; stty rows 20 cols 60 < /dev/tty; kill -WINCH \$(pgrep -x docker)) & docker exec -it box sh -c 'while [ \"\$(stty size 2> /dev/null)\" != \"20 60\" ]; do sleep 0.1; done; stty size'" < /dev/null
docker rm -f box
start ctrlc -it busybox sh -c 'trap "echo interrupted; exit 8" INT; echo started; while :; do sleep 0.1; done'
eventually says ctrlc started
(sleep 1; printf '\003') | in_terminal "docker attach ctrlc; echo exit \$?" | tail -2
docker inspect -f '{{.State.ExitCode}}' ctrlc
docker rm ctrlc
start leave -it busybox sh -c 'echo started; while :; do sleep 0.1; done'
eventually says leave started
(sleep 1; printf '\020\021'; sleep 1) | in_terminal 'docker attach leave' | grep -o 'read escape sequence'
docker inspect -f '{{.State.Status}}' leave
docker rm -f leave
