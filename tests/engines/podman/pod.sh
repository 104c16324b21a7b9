# A pod of two containers, from Kubernetes' description of it.
cat > /run/tmp/pod.yaml << 'END'
apiVersion: v1
kind: Pod
metadata:
  name: pair
spec:
  restartPolicy: Never
  containers:
  - name: left
    image: localhost/busybox:latest
    imagePullPolicy: Never
    command: ["sh", "-c", "echo left; while :; do sleep 0.1; done"]
    env: [{name: SIDE, value: left}]
  - name: right
    image: localhost/busybox:latest
    imagePullPolicy: Never
    command: ["sh", "-c", "echo right; (echo over loopback | nc -l -p 8000); while :; do sleep 0.1; done"]
END
pm play kube --network none /run/tmp/pod.yaml > /run/tmp/out || cat /run/tmp/out
podman pod ps --format '{{.Name}} {{.NumberOfContainers}}'
eventually says pair-left left
eventually says pair-right right
pm exec pair-left sh -c 'echo $SIDE; hostname'
pm exec pair-right hostname
pm exec pair-left nc 127.0.0.1 8000
pm play kube --down /run/tmp/pod.yaml > /dev/null 2>&1
podman ps -aq
