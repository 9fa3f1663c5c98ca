#!/bin/sh
# Makes a checkout ready: `sh deploy/setup.sh start|test|build|cgroup2`. Run by `npm start` and `npm test`; does only what is
# missing, so that a second run takes a fraction of a second.
#
#   build  Node packages and our own build
#   start  also HAProxy, Docker, iproute2, unzip, bzip2 and xz (what tasks fetch), python3 (the first app),
#          and the Docker engine
#   test   also Chromium, openssl, and what the containers and apps of the tests are made of
#   cgroup2  qemu, and Debian's kernel in node_modules/.cache/cgroup2 (it is not installed): for `npm run test:cgroup2`
#
# PACER_SKIP_PACKAGES=1 leaves the system alone. Needs no standard input.
set -eu

mode=${1:-build}
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
lock_seconds=120

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
# The image of the tests is made of it. ldd refuses what is not dynamic.
has_static_busybox() { [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1; }
has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

# Runs a command, saying every ten seconds that it still does. The command is in the foreground, so that Ctrl-C ends it.
with_progress() {
  what=$1
  shift
  tick "$what" &
  ticker=$!
  status=0
  "$@" || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  return "$status"
}

# Ends by itself when we are gone.
tick() {
  seconds=0
  while sleep 10 >/dev/null 2>&1 && kill -0 "$$" 2>/dev/null; do
    seconds=$((seconds + 10))
    say "still $1 ($seconds s)"
  done
}

check_node() {
  has node || fail 'Node.js is missing: install version 20.19 or newer (https://nodejs.org)'
  node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
    fail "Node.js $(node --version) is too old: 20.19 or newer is needed"
}

# Compares times, as reading 170 kB of lock file with a hash would not be cheaper and says no more.
install_node_packages() {
  installed=node_modules/.package-lock.json
  if [ -f "$installed" ] && ! [ package-lock.json -nt "$installed" ]; then return; fi
  say 'installing Node packages (npm ci), about 20 to 40 s'
  with_progress 'installing Node packages' npm ci --no-audit --no-fund --loglevel=error </dev/null
  touch "$installed"
}

missing_packages() {
  missing=''
  if [ "$mode" = cgroup2 ]; then
    has qemu-system-x86_64 || missing="$missing qemu-system-x86"
    has_static_busybox || missing="$missing busybox-static"
    printf '%s' "$missing"
    return
  fi
  has haproxy || missing="$missing haproxy"
  has ip || missing="$missing iproute2"
  has docker && has dockerd || missing="$missing docker.io"
  has unzip || missing="$missing unzip"
  has bzip2 || missing="$missing bzip2"
  has xz || missing="$missing xz-utils"
  has python3 || missing="$missing python3"
  if [ "$mode" = test ]; then
    has chromium || missing="$missing chromium"
    has openssl || missing="$missing openssl"
    has docker-registry || missing="$missing docker-registry"
    has_static_busybox || missing="$missing busybox-static"
  fi
  printf '%s' "$missing"
}

# Without them Pacer still starts, with less: no edge, no images, no browser tests.
install_system_packages() {
  [ "${PACER_SKIP_PACKAGES:-}" = 1 ] && return
  packages=$(missing_packages)
  [ -z "$packages" ] && return
  if ! has apt-get; then
    say "not found:$packages. Install them with your system's package manager"
    return
  fi
  as_root=''
  if [ "$(id -u)" != 0 ]; then
    if has sudo && sudo -n true 2>/dev/null; then as_root='sudo -n'; else
      say "not found:$packages. To install them:"
      say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$packages"
      return
    fi
  fi
  say "installing$packages (apt-get)"
  update_package_lists
  # shellcheck disable=SC2086 # lists of words on purpose
  if { problem=$(with_progress "installing$packages" apt_install $packages 2>&1 >&3); } 3>&1; then return; fi
  case $problem in *'get lock'*) say "could not install$packages; going on without: $problem"; return ;; esac
  # One that cannot be had, such as Chromium where it is a snap, is no reason to go without the others.
  failed=''
  for package in $packages; do
    with_progress "installing $package" apt_install "$package" ||
      failed="$failed $package"
  done
  [ -z "$failed" ] || say "could not install$failed; going on without"
}

# A machine that was just started updates itself and holds the lock for a while.
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
    apt-get -qq -o DPkg::Lock::Timeout="$lock_seconds" "$@" </dev/null >/dev/null
}

apt_install() { apt install -y --no-install-recommends "$@"; }

# The option above does not cover the lock of the lists. With old lists most packages can be installed all the same.
update_package_lists() {
  waited=0
  until problem=$(apt update 2>&1); do
    case $problem in *'get lock'*) ;; *) waited=$lock_seconds ;; esac
    if [ "$waited" -ge "$lock_seconds" ]; then
      say "apt-get update: $problem"
      return 0
    fi
    [ "$waited" -gt 0 ] || say 'waiting for another apt-get to end'
    sleep 5
    waited=$((waited + 5))
  done
}

start_docker() {
  [ -f deploy/docker-engine.sh ] || return 0
  sh deploy/docker-engine.sh </dev/null || say 'going on without Docker: apps with an image cannot run'
}

# Newest of this Debian release. Unpacked only: this machine goes on with its own.
unpack_kernel() {
  folder=node_modules/.cache/cgroup2
  [ -d "$folder/boot" ] && return
  has apt-get && has dpkg-deb || fail 'the kernel comes from a Debian package: apt-get and dpkg-deb are needed'
  package=$(LC_ALL=C apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
  [ -n "$package" ] || fail 'no kernel package found: run apt-get update'
  say "downloading $package"
  rm -rf "$folder.new"
  mkdir -p "$folder.new"
  (cd "$folder.new" && apt-get -qq -o APT::Sandbox::User=root download "$package" && dpkg-deb -x ./*.deb . && rm ./*.deb) </dev/null ||
    fail "could not unpack $package"
  rm -rf "$folder"
  mv "$folder.new" "$folder"
}

# Sources newer than the last build, or a lock file that brought another compiler.
needs_build() {
  stamp=dist/.stamp
  [ -f "$stamp" ] || return 0
  [ -n "$(find apps libs deploy/rolldown.config.ts package.json package-lock.json tsconfig.json tsconfig.build.json \
    -path '*/node_modules' -prune -o -path 'libs/haproxy-config-parser/dist' -prune -o \
    -type f ! -name '*.spec.ts' ! -name '*.spec.tsx' ! -name '*.md' -newer "$stamp" -print | head -n 1)" ]
}

build() {
  needs_build || return 0
  say 'building'
  mkdir -p dist
  # Taken before the build, so that what is edited meanwhile is built the next time.
  node -e 'process.stdout.write(`${Date.now()}-${process.pid}\n`)' >dist/.stamp.new
  with_progress building npm run --silent build </dev/null || fail 'the build failed, see above'
  mv dist/.stamp.new dist/.stamp
}

check_node
install_node_packages
case $mode in
  build) ;;
  start | test)
    install_system_packages
    start_docker
    ;;
  cgroup2)
    install_system_packages
    unpack_kernel
    ;;
  *) fail "unknown mode $mode: build, start, test or cgroup2" ;;
esac
build
