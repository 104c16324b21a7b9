mkdir -p /tmp/cc && cd /tmp/cc
cat > a.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int twice(int);
static void *run(void *p) { *(int *)p = twice(21); return p; }
int main(int argc, char **argv) {
  pthread_t t; int v; void *r;
  pthread_create(&t, NULL, run, &v); pthread_join(t, &r);
  char *p = malloc(10 << 20); memset(p, 1, 10 << 20);
  printf("%d %d %s %d\n", v, argc, argv[1], p[5 << 20]);
  free(p);
  return 42;
}
C
echo 'int twice(int x) { return 2 * x; }' > b.c
gcc -O2 -Wall -c a.c && gcc -O2 -c b.c && gcc -o pie a.o b.o -pthread && ./pie arg; echo "pie $?"
gcc -no-pie -o nopie a.c b.c -pthread && ./nopie arg; echo "no-pie $?"
gcc -static -o static a.c b.c -pthread && ./static arg; echo "static $?"
gcc -shared -fPIC -o libb.so b.c && gcc -o dyn a.c -L. -lb -pthread -Wl,-rpath,/tmp/cc && ./dyn arg; echo "shared $?"
printf '#!/tmp/cc/pie\n' > script && chmod +x script && ./script >/dev/null; echo "script $?"
printf '#!/nonexistent/interpreter\n' > bad && chmod +x bad && (./bad) 2>/dev/null; echo "bad interpreter $?"
echo garbage > garbage && chmod +x garbage && python3 -c 'import os
try: os.execv("./garbage", ["x"])
except OSError as e: print(e.errno)'
cd /; rm -rf /tmp/cc
