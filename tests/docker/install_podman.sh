#!/bin/sh
# For a machine that is thrown away: installs from Debian what `make image-test` builds and runs the
# image with. Where that cannot be had its tests say so and are skipped.
set -eu
for tool in podman buildah runc mmdebstrap netavark aardvark-dns; do
  command -v "$tool" >/dev/null || [ -x "/usr/lib/podman/$tool" ] || missing=1
done
[ -n "${missing:-}" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "podman cannot be installed here: tests of the image will be skipped"
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update && apt-get -qq install --yes --no-install-recommends \
  podman buildah runc mmdebstrap netavark aardvark-dns conmon iptables >/dev/null \
  || echo "Debian's podman cannot be had: tests of the image will be skipped"
