# a thousand forks, and subshells that nest
i=0
while [ $i -lt 1000 ]; do
  (exit 0)
  i=$((i + 1))
done
echo $i
i=0
while [ $i -lt 100 ]; do
  /bin/true || echo failed
  i=$((i + 1))
done
echo $i
echo $(echo $(echo $(echo $(echo deep))))
f() { [ $1 -eq 0 ] && echo bottom || (f $(($1 - 1))); }
f 20
