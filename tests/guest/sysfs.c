/* /sys: what programs look at to find out about processors, memory policy and network devices. */
#include "test.h"

#include <dirent.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>

static char text[4096];

static long slurp(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) {
    printf("%s: %s\n", path, strerror(errno));
    failures++;
    return 0;
  }
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n < 0 ? 0 : n] = 0;
  return n;
}

int main(void) {
  if (access("/sys/devices", F_OK) != 0) {
    SKIP("/sys is not mounted");
  }
  struct statfs fs;
  OK(statfs("/sys", &fs));
  EQ(0x62656572, fs.f_type);
  const char *dirs[] = {"block", "bus", "class", "dev", "devices", "firmware", "fs", "kernel", "module", "power",
                        "class/net", "devices/system/cpu", "devices/system/cpu/cpu0"};
  char path[128];
  for (unsigned i = 0; i < sizeof dirs / sizeof *dirs; i++) {
    snprintf(path, sizeof path, "/sys/%s", dirs[i]);
    DIR *d = opendir(path);
    CHECK(d != NULL);
    if (d != NULL) {
      closedir(d);
    }
  }
  const char *sets[] = {"online", "possible", "present"};
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "/sys/devices/system/cpu/%s", sets[i]);
    CHECK(slurp(path) > 1);
    EQ('0', text[0]);
  }
  CHECK(get_nprocs() >= 1);
  CHECK(sysconf(_SC_NPROCESSORS_CONF) >= get_nprocs());
  CHECK(slurp("/sys/devices/system/cpu/cpu0/topology/core_id") > 0);
  CHECK(slurp("/sys/devices/system/cpu/cpu0/topology/physical_package_id") > 0);
  if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) == 0) {
    CHECK(slurp("/sys/kernel/mm/transparent_hugepage/enabled") > 0);
    CHECK(strchr(text, '[') != NULL);
  }
  CHECK(slurp("/sys/class/net/lo/mtu") > 0);
  CHECK(atoi(text) > 0);
  CHECK(slurp("/sys/class/net/lo/address") > 0);
  CHECK(strcmp("00:00:00:00:00:00\n", text) == 0);
  char link[256] = {0};
  CHECK(OK(readlink("/sys/class/net/lo", link, sizeof link)) > 0);
  CHECK(strstr(link, "virtual/net/lo") != NULL);
  FAILS(ENOENT, open("/sys/nothing", O_RDONLY));
  CHECK(open("/sys/nothing", O_WRONLY | O_CREAT, 0644) == -1);
  CHECK(mkdir("/sys/nothing", 0755) == -1);
  DONE();
}
