# What there is without a network: loopback, with every kind of network that Docker makes.
run --network none busybox sh -c 'ip -o addr show lo | grep -o "inet 127.0.0.1/8"; ping -c 1 127.0.0.1 | grep -o "1 packets received"'
run busybox sh -c 'ip -o addr show lo | grep -o "inet 127.0.0.1/8"'
run -p 127.0.0.1:8123:80 busybox sh -c '(echo served | nc -l -p 80) & sleep 1; nc 127.0.0.1 80 < /dev/null'
docker network create --driver bridge inner > /dev/null
run --network inner busybox echo on a bridge of its own
docker network rm inner
run --dns 192.0.2.1 --dns-search example.org busybox grep -E 'nameserver|search' /etc/resolv.conf
run --add-host there:192.0.2.2 busybox grep there /etc/hosts
