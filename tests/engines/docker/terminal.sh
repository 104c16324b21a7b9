# Terminals: -t, -it through a terminal of the caller, sizes, Ctrl-C, detach.
in_terminal() { script -qec "$1" /dev/null | tr -d '\r\004\b' | sed 's/\^[D@]//g'; }
run -t busybox sh -c 'tty; test -t 0 && test -t 1 && echo terminal' | tr -d '\r'
in_terminal "stty rows 33 cols 101; docker run --rm -it --runtime $RUNTIME busybox sh -c 'while [ \"\$(stty size 2> /dev/null)\" != \"33 101\" ]; do sleep 0.1; done; stty size; tty'" < /dev/null
start box busybox sleep 1000
in_terminal "docker exec -it box sh -c 'tty; test -t 0 && echo terminal; exit 6'; echo exit \$?" < /dev/null
# The size that its terminal has, and a new one while it runs.
in_terminal "stty rows 33 cols 101; docker exec -it box sh -c 'while [ \"\$(stty size 2> /dev/null)\" != \"33 101\" ]; do sleep 0.1; done; stty size'" < /dev/null
in_terminal "stty rows 33 cols 101; (until docker exec box test -e /tmp/up; do sleep 0.1; done; stty rows 20 cols 60 < /dev/tty) & docker exec -it box sh -c 'touch /tmp/up; while [ \"\$(stty size 2> /dev/null)\" != \"20 60\" ]; do sleep 0.1; done; stty size'" < /dev/null
docker rm -f box

# typing KEYS NAME: types KEYS into a terminal where NAME is attached, once it shows what the container goes on to print.
typing() {
  : > /run/tmp/shown
  (
    eventually grep -q tick /run/tmp/shown
    printf "$1"
    eventually grep -q 'exit ' /run/tmp/shown
  ) | in_terminal "docker attach $2; echo exit \$?" > /run/tmp/shown
  grep -v tick /run/tmp/shown
}
start ctrlc -it busybox sh -c 'trap "echo interrupted; exit 8" INT; while :; do echo tick; sleep 0.1; done'
typing '\003' ctrlc | tail -2
docker inspect -f '{{.State.ExitCode}}' ctrlc
docker rm ctrlc
start leave -it busybox sh -c 'while :; do echo tick; sleep 0.1; done'
typing '\020\021' leave | grep -o 'read escape sequence'
docker inspect -f '{{.State.Status}}' leave
docker rm -f leave
