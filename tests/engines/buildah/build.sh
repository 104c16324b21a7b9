# run in a working container, and a build from a Dockerfile.
box=$(buildah from localhost/busybox)
buildah run --isolation oci --runtime "$runtime" "$box" sh -c 'echo hello; echo kept > /root/kept; exit 3'; echo "exit $?"
buildah run --isolation oci --runtime "$runtime" "$box" cat /root/kept
buildah run --isolation oci --runtime "$runtime" --user nobody "$box" id -un
buildah rm "$box" > /dev/null
mkdir -p /run/tmp/context
cat > /run/tmp/context/Dockerfile << 'END'
FROM localhost/busybox
RUN echo built > /built && mkdir -p /srv/data
COPY file /file
USER nobody
RUN id -un; test -w /built || echo "not writable"; cat /built /file
END
echo "a file" > /run/tmp/context/file
buildah bud --isolation oci --runtime "$runtime" -q --layers=false -t made /run/tmp/context > /run/tmp/out; echo "exit $?"
box=$(buildah from localhost/made)
cat "$(buildah mount "$box")/built"
buildah umount "$box" > /dev/null
buildah rm "$box" > /dev/null
buildah rmi localhost/made > /dev/null
rm -r /run/tmp/context
