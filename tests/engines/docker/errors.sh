# What cannot start, in docker's own words: compared are the exit code and the cause.
fails() {
  docker run --rm --runtime "$RUNTIME" "$@" > /run/tmp/out 2>&1
  code=$?
  grep -oE 'no such file or directory|executable file not found in \$PATH|permission denied|not a directory|unable to find user nope|exec format error' /run/tmp/out | head -1
  grep -c '^docker: Error response from daemon: ' /run/tmp/out
  echo "exit $code"
}
fails busybox /nonesuch
fails busybox nonesuch
fails busybox /etc/passwd
fails --user nope busybox true
fails -w /etc/passwd busybox true
fails --entrypoint /etc busybox
start box busybox sleep 1000
docker exec box nonesuch > /run/tmp/out; echo "exit $?"
grep -oE 'executable file not found in \$PATH' /run/tmp/out
docker exec box /etc/passwd > /run/tmp/out; echo "exit $?"
grep -oE 'permission denied' /run/tmp/out
docker exec box sh -c 'exit 9'; echo "exit $?"
docker rm -f box
