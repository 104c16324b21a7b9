# Read-only roots, tmpfs, volumes, shm, devices.
mkdir -p /run/tmp/volume
echo data > /run/tmp/volume/file
run --read-only busybox sh -c 'touch /x; echo $?; touch /dev/shm/x && echo shm'
run --read-only --tmpfs /scratch busybox sh -c 'touch /scratch/x && echo made'
run --tmpfs /t:size=1m,mode=700 busybox sh -c 'ls -ld /t | cut -c1-10; df -k /t | tail -1; dd if=/dev/zero of=/t/x bs=1k count=2000 2>&1 | tail -1'
run -v /run/tmp/volume:/v busybox sh -c 'cat /v/file; echo new > /v/made; chown 5:6 /v/made; mkdir /v/d; ln -s file /v/link'
ls -ln /run/tmp/volume | sed 1d | tr -s ' ' | cut -d' ' -f1,3,4,9-
run -v /run/tmp/volume:/v:ro busybox sh -c 'cat /v/made; echo x > /v/x; rm /v/file; ls /v'
run -v /run/tmp/volume/file:/etc/one:ro busybox sh -c 'cat /etc/one; ls /etc/one'
run --mount type=bind,source=/run/tmp/volume,target=/a/b,readonly busybox ls /a/b
run -v named:/v busybox sh -c 'echo kept > /v/file'
run -v named:/v busybox cat /v/file
docker volume rm named
run --shm-size 2m busybox sh -c 'df -k /dev/shm | tail -1'
run busybox sh -c 'cat /etc/hosts | head -1; test -s /etc/resolv.conf; test -s /etc/hostname && echo named'
run busybox sh -c 'ls /dev | grep -vE "^(console|core)$"'
rm -r /run/tmp/volume
