# rename, unlink of open files, append, truncate, sparse files, directories
mkdir -p /root/e2e && cd /root/e2e
echo one > a; exec 3<a; rm a; cat <&3; exec 3<&-
echo x > b; mv b c; cat c; [ -e b ] || echo gone
echo y >> c; cat c; : > c; wc -c < c
dd if=/dev/zero of=sparse bs=1 count=1 seek=10000000 2>/dev/null; stat -c %s sparse
mkdir -p d/e/f; rmdir d/e/f; rmdir d 2>&1 | sed 's/.*: //'; rm -r d
ln -s loop loop; cat loop 2>&1 | sed 's/.*: //'
mkdir full; touch full/x; mv full other; ls other; rm -r other
touch 'name with spaces' ./-dash; ls | sort; rm -f 'name with spaces' ./-dash
umask 077; touch private; stat -c %a private
chmod 000 private; stat -c %a private; chown 12:34 private; stat -c %u:%g private
touch -d '2020-01-02 03:04:05' dated; stat -c %Y dated
ls -a / | grep -cx '\.\.'
cd /; rm -rf /root/e2e
