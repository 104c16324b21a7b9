# background jobs, wait, trap, kill, signals and exit statuses
sleep 0.2 & a=$!
sleep 0.1 & b=$!
wait $a; echo "first $?"
wait $b; echo "second $?"
trap 'echo got TERM' TERM
kill -TERM $$
trap - TERM
sh -c 'kill -KILL $$'; echo "killed $?"
sh -c 'kill -SEGV $$' 2>/dev/null; echo "segv $?"
sh -c 'trap "echo bye" EXIT; exit 7'; echo "exit $?"
(trap 'echo child INT; exit 5' INT; kill -INT $(sh -c 'echo $PPID'); sleep 1); echo "int $?"
timeout 0.2 sleep 5; echo "timeout $?"
sleep 10 & kill $!; wait $!; echo "terminated $?"
i=0; for n in 1 2 3 4 5; do (exit $n) & done; wait; echo "all done $?"
