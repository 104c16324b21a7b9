# The classic builder; the daemon's default runtime is the one under test.
mkdir -p /run/tmp/context
cat > /run/tmp/context/Dockerfile << 'END'
FROM busybox
ARG GREETING=hello
RUN echo built > /built && mkdir -p /srv/data && chmod 700 /srv/data && ln -s /built /link
COPY file /file
ADD archive.tar /unpacked/
RUN rm /etc/group && echo "$GREETING" > /greeting
USER nobody
RUN id -un > /tmp/who; test -w /built || echo "not writable" >> /tmp/who
WORKDIR /srv
ENV X=y
HEALTHCHECK NONE
CMD cat /built /tmp/who /file /greeting; ls -l /link | tail -c 16; ls /unpacked; ls /etc/group; pwd; echo "$X"
END
echo "a file" > /run/tmp/context/file
tar -C /run/tmp/context -cf /run/tmp/context/archive.tar file
DOCKER_BUILDKIT=0 docker build -q --build-arg GREETING=hi -t made /run/tmp/context > /run/tmp/out || cat /run/tmp/out
run made
printf 'FROM busybox\nRUN exit 7\n' > /run/tmp/context/Dockerfile
DOCKER_BUILDKIT=0 docker build -t never /run/tmp/context | grep -o 'returned a non-zero code: 7'
docker ps -aq | xargs -r docker rm > /dev/null
docker rmi made > /dev/null
rm -r /run/tmp/context
