# With a network: Docker's bridge, published ports, other containers, the host's own namespace. Nothing leaves this world.
RUNTIME=$NETWORKED
docker network create --subnet 10.99.0.0/24 outer > /dev/null

# Served inside, asked from outside: at the container's address, and at a published port of this host.
page='mkdir -p /www; echo "a page" > /www/index.html; exec httpd -f -p 80 -h /www'
start web --network outer --ip 10.99.0.10 -p 127.0.0.1:8124:80 busybox sh -c "$page"
eventually wget -q -O /dev/null http://10.99.0.10/
wget -q -O - http://10.99.0.10/
wget -q -O - http://127.0.0.1:8124/

# From another container, by address, and by name: Docker's own server for names answers inside.
run --network outer busybox wget -q -O - http://10.99.0.10/
run --network outer busybox wget -q -O - http://web/

# In the container's own network, and in the same one as another.
docker exec web wget -q -O - http://127.0.0.1/
run --network container:web busybox wget -q -O - http://127.0.0.1/

# What it sees of the network.
run --network outer --ip 10.99.0.20 busybox sh -c 'ip -o -4 addr show | sed -E "s/@if[0-9]+//" | awk "{ print \$2, \$4 }"; ip route'
run --network outer --ip 10.99.0.20 busybox ls /sys/class/net
run --network outer busybox nc -w 2 10.99.0.10 81
run --network none busybox wget -q -O - http://10.99.0.10/
docker rm -f web > /dev/null
docker network rm outer

# Docker's host network: the daemon's.
start shared --network host busybox sh -c 'echo shared > /tmp/index.html; exec httpd -f -p 8125 -h /tmp'
eventually wget -q -O /dev/null http://127.0.0.1:8125/
wget -q -O - http://127.0.0.1:8125/
docker rm -f shared > /dev/null

# Low ports as somebody who is not root, and raw sockets.
run --user 1000 busybox sh -c '(echo low | nc -l -p 80) & sleep 1; nc 127.0.0.1 80 < /dev/null'
run --sysctl net.ipv4.ip_unprivileged_port_start=1024 --user 1000 busybox nc -l -p 80
run busybox ping -c 1 127.0.0.1 | grep -o '1 packets received'
