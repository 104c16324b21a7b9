# Device nodes that are asked for, their owners and rules, and a tmpfs over what the image has.
run --device /dev/fuse busybox stat -c '%F %a %u %g %t:%T' /dev/fuse
run --device /dev/zero:/dev/other:r busybox sh -c 'stat -c %t:%T /dev/other; head -c 3 /dev/other | wc -c'
run --device /dev/null:/opt/deep/null busybox sh -c 'echo x > /opt/deep/null; stat -c %t:%T /opt/deep/null'
run busybox sh -c 'cd /dev; mknod log c 1 11; cat log 2>&1; mknod mine c 1 5; head -c 3 mine | wc -c'
run --cap-drop MKNOD busybox sh -c 'mknod /tmp/zero c 1 5 2>&1'
run --device /dev/nonesuch busybox true | grep -o 'no such file or directory'
run --tmpfs /etc busybox sh -c 'stat -c %a /etc; ls /etc | grep -c passwd'
