#!/usr/bin/env bash
# Make the base image from Debian's packages alone, for hosts that reach no image registry.
#
#   docker/base-from-debian.sh [--again]
#
# Needs root, debootstrap and an engine. Does nothing where the image is there already, unless told --again.
# Settings: MIRROR (a Debian mirror; a dated one of snapshot.debian.org pins every version), TAG (another name for the
# image), TMPDIR (350 MB are needed).
set -euo pipefail

SUITE=bookworm
TAG=${TAG:-tuner-harness-base:bookworm}
MIRROR=${MIRROR:-http://deb.debian.org/debian}
INCLUDE=python3,python3-venv,ca-certificates

fail() { echo "base-from-debian.sh: $*" >&2; exit 1; }

again=no
case ${1:-} in
  '') ;;
  --again) again=yes ;;
  *) fail "'$1' is no option; the only one is --again" ;;
esac

command -v docker > /dev/null || fail "no docker client on PATH; install docker.io or docker-ce-cli"
docker info > /dev/null 2>&1 || fail "no engine answers ('docker info' says why); docker/test-engine.sh start starts one"
if [ "$again" = no ] && docker image inspect "$TAG" > /dev/null 2>&1; then
  echo "$TAG is here already; --again makes it anew"
  exit 0
fi
[ "$(id -u)" = 0 ] || fail "debootstrap needs root; run it with sudo"
command -v debootstrap > /dev/null || fail "no debootstrap on PATH; apt-get install debootstrap"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

debootstrap --variant=minbase --include="$INCLUDE" "$SUITE" "$root" "$MIRROR" > "$work/log" 2>&1 \
  || fail "debootstrap failed: $(grep -E '^[EW]:' "$work/log" | tail -n 1 || true); is MIRROR ($MIRROR) within reach?"

# What differs from one run to the next, and what nobody needs: downloads, lists, logs, this host's name and resolver.
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/var/cache/ldconfig/* \
  "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/etc/*- "$root"/tmp/*
rm -f "$root"/etc/hostname "$root"/etc/resolv.conf "$root"/etc/machine-id
mkdir -p "$root/var/log/apt"
packages=$(chroot "$root" dpkg-query --show | sha256sum | cut -d ' ' -f 1)

# Sorted, and nothing newer than the newest package: two runs on the same packages give the same layer.
newest=$(find "$root/usr/share/doc" -name 'changelog*' -type f -printf '%T@\n' | sort -n | tail -n 1)
tar -C "$root" --sort=name --numeric-owner --mtime="@${newest%.*}" --clamp-mtime --create . \
  | docker import --change "LABEL tuner-harness.debian-packages=$packages" \
      --change 'CMD ["python3"]' - "$TAG" > "$work/id" || fail "docker import failed; is the disk full?"
echo "$TAG made: $(cat "$work/id"), packages $packages"
