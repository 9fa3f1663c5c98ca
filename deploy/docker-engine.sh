#!/bin/sh
# Starts a Docker engine where one is installed and none answers: `sh deploy/docker-engine.sh`. Ends with 0 when an
# engine answers, else with 1 and the reason. Harmless to repeat and to run twice at once.
#
# Where a service manager runs, it starts the engine. Elsewhere (containers, minimal machines) root starts dockerd in a
# session of its own; it goes on when we end. Others do so with sudo, if that asks for no password. DOCKER_HOST names
# another engine, which is then never started from here.
set -u

wait_seconds=60
log=/var/log/dockerd.log
as_root=''

say() { printf 'docker-engine: %s\n' "$*"; }
fail() { printf 'docker-engine: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Leaves what docker said in `problem`.
engine_answers() {
  if has timeout; then
    problem=$(timeout 10 docker version --format '{{.Server.Version}}' 2>&1 >/dev/null)
  else
    problem=$(docker version --format '{{.Server.Version}}' 2>&1 >/dev/null)
  fi
}

# An engine is there, and this user may not use it.
require_permission() {
  case $problem in
    *'permission denied'*)
      user=$(id -un)
      fail "there is a Docker engine, but $user may not use it: sudo usermod -aG docker $user, then log in again"
      ;;
  esac
}

# Gives up early when the process named by the argument (if any) ends.
wait_for_engine() {
  waited=0
  until engine_answers; do
    require_permission
    if [ -n "${1:-}" ] && ! [ -d "/proc/$1" ]; then return 1; fi
    [ "$waited" -ge "$wait_seconds" ] && return 1
    sleep 1
    waited=$((waited + 1))
  done
}

start_by_service_manager() {
  has systemctl && [ -d /run/systemd/system ] || return 1
  $as_root systemctl start docker.service </dev/null >/dev/null 2>&1
}

# Prints the pid. A second dockerd started at the same time ends by itself: the pid file belongs to the first.
start_dockerd() {
  session=''
  if has setsid; then session=setsid; fi
  # shellcheck disable=SC2016 # for the inner shell, which may write to the log
  $as_root sh -c '$2 nohup dockerd >>"$1" 2>&1 </dev/null & echo "$!"' sh "$log" "$session"
}

ensure_docker_engine() {
  PATH=$PATH:/usr/sbin:/sbin
  has docker || fail 'docker is not installed'
  engine_answers && return 0
  require_permission
  [ -n "${DOCKER_HOST:-}" ] && fail "no engine answers at DOCKER_HOST=$DOCKER_HOST"
  has dockerd || fail 'no engine answers, and dockerd is not installed here'
  if [ "$(id -u)" != 0 ]; then
    has sudo && sudo -n true 2>/dev/null ||
      fail 'no engine answers, and to start one root is needed: sudo systemctl start docker (or sudo dockerd)'
    as_root='sudo -n'
  fi
  if start_by_service_manager; then
    wait_for_engine || fail "the engine does not answer within $wait_seconds s: see journalctl -u docker"
    return 0
  fi
  say "starting dockerd (log: $log)"
  pid=$(start_dockerd)
  wait_for_engine "$pid" && return 0
  # Ours may have given way to one that was started at the same moment.
  if ! [ -d "/proc/$pid" ] && wait_for_engine; then return 0; fi
  fail "dockerd does not answer within $wait_seconds s: see $log"
}

ensure_docker_engine
