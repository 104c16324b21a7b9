export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@localhost
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_GLOBAL=/dev/null
rm -rf /tmp/g && git init -q -b main /tmp/g && cd /tmp/g
for i in $(seq 1 30); do echo "line $i" > f$i; done
git add -A && git commit -qm first && git log --format='%H %s'
echo more >> f1 && git diff --stat && git commit -qam second
git checkout -qb topic HEAD~1 && echo other > f2 && git commit -qam third && git checkout -q main
git merge -q -m merge topic && git log --format='%h %s' --graph | cat
git clone -q /tmp/g /tmp/g2 && git -C /tmp/g2 fsck && git -C /tmp/g2 status --short | wc -l
git gc -q && git count-objects -v | grep in-pack
git stash list; git tag v1; git describe --tags
cd /; rm -rf /tmp/g /tmp/g2
