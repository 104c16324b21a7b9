# pipelines, here-documents, command substitution, globbing
seq 1 1000 | sort -rn | uniq | head -5
cat <<EOF | tr a-z A-Z
hello from a here-document
$(echo nested substitution)
EOF
cd /tmp && mkdir -p glob && cd glob && touch a1 a2 b1 c.txt && echo a* [bc]* ?1
find /tmp/glob -type f | sort | xargs -n 2 echo
printf 'b 2\na 1\nc 3\na 1\n' | sort | uniq -c | awk '{print $2, $1 * $3}'
echo "one two three" | sed 's/two/2/; s/\(t\)hree/\1-3/'
yes | head -c 100000 | wc -c
(exit 3); echo "status $?"
false | true; echo "pipe $?"
! true; echo "not $?"
echo $((1 << 20)) $((7 % 3))
cat /nonexistent 2>&1 | sed 's/.*: //'
rm -rf /tmp/glob
