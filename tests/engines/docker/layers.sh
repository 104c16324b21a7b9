# Changes to the root: cp, diff, commit, export, and a restart that finds them.
start box busybox sleep 1000
echo hello > /run/tmp/hello
docker cp /run/tmp/hello box:/root/hello
docker exec box cat /root/hello
docker exec box sh -c 'cd /root; echo out > o; chown 5:6 o; chmod 751 o; mkdir d; ln -s x l; mkfifo f; ln o o2; rm /etc/group; rm -r /mnt; mkdir /mnt; echo more >> /etc/hosts.deny'
docker cp box:/root/o - | tar tvf - | tr -s ' ' | cut -d' ' -f1,2,3,6
docker diff box | sort
docker commit box changed > /dev/null
run changed sh -c 'cat /root/hello /root/o2; ls -ln /root | sed 1d | tr -s " " | cut -d" " -f1-4,9-; ls -d /mnt; ls /etc/group'
docker export box | tar tf - | grep root/ | sort
docker restart -t 0 box
docker exec box cat /root/o
docker rm -f box
docker rmi changed > /dev/null
