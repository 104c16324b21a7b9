# Health checks.
health_is() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = "$2" ]; }
start box --health-cmd 'test -e /ok' --health-interval 1s --health-retries 2 --health-timeout 20s busybox sleep 1000
eventually health_is box unhealthy
docker inspect -f '{{.State.Health.Status}} {{(index .State.Health.Log 0).ExitCode}}' box
docker exec box touch /ok
eventually health_is box healthy
docker inspect -f '{{.State.Health.Status}}' box
docker rm -f box
