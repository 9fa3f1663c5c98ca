#!/bin/sh
# Starts a Docker engine where one is installed and none answers: `sh deploy/docker-engine.sh`. Ends with 0 when an
# engine answers, else with 1 and the reason. Harmless to repeat and to run twice at once.
#
# Where a service manager runs, it starts the engine. Elsewhere (containers, minimal machines) root starts dockerd in a
# session of its own; it goes on when we end. DOCKER_HOST names another engine, which is then never started from here.
set -u

wait_seconds=60
log=/var/log/dockerd.log

say() { printf 'docker-engine: %s\n' "$*"; }
fail() { printf 'docker-engine: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

engine_answers() {
  if has timeout; then
    timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
  else
    docker version --format '{{.Server.Version}}' >/dev/null 2>&1
  fi
}

# Gives up early when the process named by the argument (if any) ends.
wait_for_engine() {
  waited=0
  until engine_answers; do
    if [ -n "${1:-}" ] && ! kill -0 "$1" 2>/dev/null; then return 1; fi
    [ "$waited" -ge "$wait_seconds" ] && return 1
    sleep 1
    waited=$((waited + 1))
  done
}

start_by_service_manager() {
  has systemctl && [ -d /run/systemd/system ] || return 1
  systemctl start docker.service </dev/null >/dev/null 2>&1
}

# Prints the pid. A second dockerd started at the same time ends by itself: the pid file belongs to the first.
start_dockerd() {
  if has setsid; then
    setsid nohup dockerd >>"$log" 2>&1 </dev/null &
  else
    nohup dockerd >>"$log" 2>&1 </dev/null &
  fi
  echo "$!"
}

ensure_docker_engine() {
  PATH=$PATH:/usr/sbin:/sbin
  has docker || fail 'docker is not installed'
  engine_answers && return 0
  [ -n "${DOCKER_HOST:-}" ] && fail "no engine answers at DOCKER_HOST=$DOCKER_HOST"
  has dockerd || fail 'no engine answers, and dockerd is not installed here'
  [ "$(id -u)" = 0 ] || fail 'no engine answers, and only root can start one'
  if start_by_service_manager; then
    wait_for_engine || fail "the engine does not answer within $wait_seconds s: see journalctl -u docker"
    return 0
  fi
  say "starting dockerd (log: $log)"
  pid=$(start_dockerd)
  wait_for_engine "$pid" && return 0
  # Ours may have given way to one that was started at the same moment.
  if ! kill -0 "$pid" 2>/dev/null && wait_for_engine; then return 0; fi
  fail "dockerd does not answer within $wait_seconds s: see $log"
}

ensure_docker_engine
