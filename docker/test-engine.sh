#!/usr/bin/env bash
# A real container engine for the tests, where none answers: Debian's docker.io, without a network of its own.
#
#   docker/test-engine.sh start [DATA_FOLDER]     start one, unless one answers already
#   docker/test-engine.sh stop                    end what start started, and nothing else
#
# Needs root, and Debian or Ubuntu. Without DATA_FOLDER the engine's data is in a temporary folder, removed by stop.
# DOCKER_HOST (unix://…) says where it is to listen; TEST_ENGINE_STATE names a folder for its pid and log.
set -euo pipefail

# Where start leaves what stop needs.
STATE=${TEST_ENGINE_STATE:-/run/tuner-harness-test-engine}
PATIENCE_S=60

fail() { echo "test-engine.sh: $*" >&2; exit 1; }

answers() { docker info > /dev/null 2>&1; }

install_missing() {
  local package missing=()
  for package in docker.io:dockerd debootstrap:debootstrap iptables:iptables; do
    command -v "${package#*:}" > /dev/null || missing+=("${package%:*}")
  done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get > /dev/null || fail "no apt-get here; install ${missing[*]} by hand"
  echo "installing ${missing[*]}"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; } \
    > "$STATE/install.log" 2>&1 || fail "apt-get failed; see $STATE/install.log"
}

is_ours() { [ -r "$STATE/pid" ] && [ "$(cat "/proc/$(cat "$STATE/pid")/comm" 2> /dev/null)" = dockerd ]; }

start() {
  if answers; then echo "an engine answers already"; return; fi
  [ "$(id -u)" = 0 ] || fail "starting an engine needs root; run it with sudo"
  mkdir -p "$STATE"
  install_missing
  # Where an init system runs, the package has started its own engine.
  if answers; then echo "an engine answers now, started by its package"; return; fi
  is_ours && fail "the engine of process $(cat "$STATE/pid") doesn't answer; docker/test-engine.sh stop ends it"
  rm -f "$STATE/temporary"
  local data=${1:-}
  if [ -z "$data" ]; then data=$(mktemp -d); touch "$STATE/temporary"; fi
  realpath -m "$data" > "$STATE/data"
  # No network of its own: that needs rights over the host's, and containers of searches have none anyway.
  setsid dockerd --host "${DOCKER_HOST:-unix:///var/run/docker.sock}" --data-root "$data" --exec-root "$STATE/run" \
    --pidfile "$STATE/docker.pid" --bridge=none --iptables=false < /dev/null > "$STATE/dockerd.log" 2>&1 &
  echo $! > "$STATE/pid"
  wait_for_answer
  echo "engine $(docker version --format '{{.Server.Version}}') answers; its data is in $data"
}

wait_for_answer() {
  local waited
  for ((waited = 0; waited < PATIENCE_S * 2; waited++)); do
    sleep 0.5
    if answers; then return; fi
    is_ours || fail "the engine ended at once: $(tail -n 1 "$STATE/dockerd.log")"
  done
  fail "the engine didn't answer in $PATIENCE_S s; see $STATE/dockerd.log"
}

unmount_beneath() {
  # The deepest first; the kernel writes spaces and the like as \040.
  local target
  awk '{ print $5 }' /proc/self/mountinfo | sort -r | while read -r target; do
    target=$(printf '%b' "${target//\\/\\0}")
    if [[ $target == "$1"/* ]]; then umount "$target"; fi
  done
}

forget() {
  [ -e "$STATE" ] || return 0
  # Builds on the host's network, and containers that outlived an engine, leave something mounted.
  unmount_beneath "$(realpath -m "$STATE")"
  if [ -r "$STATE/data" ]; then
    local data
    data=$(cat "$STATE/data")
    unmount_beneath "$data"
    if [ -e "$STATE/temporary" ]; then
      # An engine that was killed leaves its data mounted on itself.
      if mountpoint --quiet "$data"; then umount "$data"; fi
      rm -rf "$data"
    fi
  fi
  rm -rf "$STATE"
}

stop() {
  is_ours || { echo "no engine of ours runs"; forget; return; }
  local pid waited
  pid=$(cat "$STATE/pid")
  kill "$pid"
  for ((waited = 0; waited < PATIENCE_S * 2; waited++)); do
    is_ours || break
    sleep 0.5
  done
  if is_ours; then fail "process $pid doesn't end in $PATIENCE_S s; see $STATE/dockerd.log"; fi
  forget
  echo "engine stopped"
}

case ${1:-} in
  start) start "${2:-}" ;;
  stop) stop ;;
  *) fail "say start [DATA_FOLDER] or stop" ;;
esac
