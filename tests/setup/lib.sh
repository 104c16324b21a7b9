# Sourced by ./test and ./demo: finds JDK 25 and installs what is missing. Bash; the caller has set -euo pipefail.

# Where things go that are worth keeping between builds: root file systems, logs of steps.
cache_dir=${GVISOR_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/gvisor-java}
mkdir -p "$cache_dir"

say() { printf '%s\n' "== $*" >&2; }

die() { printf '%s\n' "$*" >&2; exit 1; }

# quietly WHAT COMMAND...: runs COMMAND with its output in a log file, which is shown if it fails.
quietly() {
  local what=$1 log=$cache_dir/last-step.log; shift
  say "$what"
  if ! "$@" > "$log" 2>&1 < /dev/null; then
    tail -n 60 "$log" >&2
    cp "$log" "$cache_dir/failed-step.log"
    die "failed: $what (whole log: $cache_dir/failed-step.log)"
  fi
}

is_jdk25() { [[ -x $1/bin/javac ]] && "$1/bin/javac" --version 2>/dev/null | grep -Eq '^javac 25(\.|$)'; }

# Prints the home of a JDK 25, wherever it is installed.
find_jdk() {
  local candidate javac
  for candidate in "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/java/* /opt/jdk* /usr/local/jdk* "${HOME:-/root}"/.sdkman/candidates/java/*; do
    if [[ -n $candidate ]] && is_jdk25 "$candidate"; then printf '%s\n' "$candidate"; return; fi
  done
  if javac=$(command -v javac); then
    candidate=$(dirname "$(dirname "$(readlink -f "$javac")")")
    if is_jdk25 "$candidate"; then printf '%s\n' "$candidate"; return; fi
  fi
  return 1
}

# install_missing COMMAND=PACKAGE...: installs the packages whose command is not there, or names them.
install_missing() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%=*}" > /dev/null || missing+=("${pair#*=}")
  done
  [[ ${#missing[@]} == 0 ]] && return
  install_packages "${missing[@]}"
}

install_packages() {
  command -v apt-get > /dev/null || die "missing, and there is no apt-get to install them: $*"
  [[ $(id -u) == 0 ]] || die "missing: $*
install them as root: apt-get install --no-install-recommends $*"
  if [[ ! -e $cache_dir/apt-updated || -n $(find "$cache_dir/apt-updated" -mmin +720) ]]; then
    quietly "update the package lists" apt-get -q update
    touch "$cache_dir/apt-updated"
  fi
  quietly "install $*" env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "$@"
}

# Debian 12 and Ubuntu before 25.10 do not package JDK 25: then Adoptium's repository does.
install_jdk() {
  install_missing curl=curl gpg=gpg
  if apt-cache show openjdk-25-jdk-headless > /dev/null 2>&1; then
    install_packages openjdk-25-jdk-headless
    return
  fi
  install_packages ca-certificates
  local keyring=/usr/share/keyrings/adoptium.gpg codename
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME}")
  say "add the package repository of Adoptium, for JDK 25"
  curl -fsSL https://packages.adoptium.net/artifactory/api/gpg/key/public | gpg --batch --yes --dearmor -o $keyring ||
    die "cannot fetch the key of packages.adoptium.net; install a JDK 25 by hand or set JAVA_HOME"
  echo "deb [signed-by=$keyring] https://packages.adoptium.net/artifactory/deb $codename main" \
    > /etc/apt/sources.list.d/adoptium.list
  rm -f "$cache_dir/apt-updated"
  install_packages temurin-25-jdk
}

# What the vDSO and the guest programs of the tests, which are in C, are built with.
compiler_needs=(gcc=gcc /usr/include/stdio.h=libc6-dev "/usr/lib/$(uname -m)-linux-gnu/libc.a=libc6-dev")

# set_up NEED...: sets JAVA_HOME to a JDK 25 and makes sure that Maven and each NEED are there, COMMAND=PACKAGE or
# /FILE=PACKAGE. Whoever may not install is told everything that is missing at once.
set_up() {
  local home need missing=() packages
  for need in mvn=maven "$@"; do
    if [[ $need == /* ]]; then [[ -e ${need%%=*} ]]; else command -v "${need%%=*}" > /dev/null; fi ||
      missing+=("${need#*=}")
  done
  packages=$(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')
  packages=${packages% }
  if ! home=$(find_jdk); then
    [[ $(id -u) == 0 ]] || die "missing: a JDK 25; install openjdk-25-jdk-headless or temurin-25-jdk, or set JAVA_HOME${packages:+
missing: $packages
install them as root: apt-get install --no-install-recommends $packages}"
    install_jdk
    home=$(find_jdk) || die "a JDK 25 was installed and cannot be found; set JAVA_HOME"
  fi
  export JAVA_HOME=$home
  [[ -z $packages ]] || install_packages $packages
}

# maven ARG...: batch mode, on JDK 25; says nothing about Maven's own use of deprecated methods.
maven() {
  MAVEN_OPTS="${MAVEN_OPTS:-} --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED" mvn -B "$@"
}

# Builds the image if a source is newer than it.
build_image() {
  local image=jlink/target/runsc/bin/runsc
  if [[ -x $image && -f jlink/target/linked-from && -z $(find pom.xml jlink/pom.xml jlink/link jlink/launcher modules \
      -path '*/target' -prune -o -path '*/src/test' -prune -o -type f -newer jlink/target/linked-from -print -quit) ]]; then
    return
  fi
  quietly "build the image" maven -q -pl jlink -am -DskipTests package
  touch jlink/target/linked-from
}

# Container engines for the tests that drive them. Their packages would start services; nothing is started here.
set_up_engines() {
  local policy=/usr/sbin/policy-rc.d made=
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod +x $policy
    made=1
  fi
  (install_missing dockerd=docker.io containerd=containerd podman=podman buildah=buildah runc=runc \
    iptables=iptables ip=iproute2 script=bsdutils) || say "not all container engines: the tests of others are skipped"
  [[ -x /usr/libexec/podman/catatonit || -n $(type -P catatonit) ]] || # The first process of podman's pods.
    (install_packages catatonit) || say "no catatonit: podman makes no pods"
  [[ -z $made ]] || rm -f $policy
}
